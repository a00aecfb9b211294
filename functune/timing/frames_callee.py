"""
The C function that a Python frame is inside of.

A C function has no frame. Its call is the current instruction of the innermost Python frame, so its name is read from
the instructions before it and looked up in the namespaces of the frame, without running any code of the app.
"""

import contextvars
import dis
import functools
from collections.abc import Mapping
from types import (
    BuiltinFunctionType,
    CodeType,
    FrameType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodDescriptorType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any, NamedTuple

_ENTERS = frozenset({"BEFORE_WITH", "LOAD_SPECIAL"})
_CALLS = frozenset({"CALL", "CALL_KW", "CALL_FUNCTION_EX"})
_IN_C = _ENTERS | _CALLS | {"FOR_ITER"}
_MISSING = object()
_WRAPPINGS = 5


class CallSite(NamedTuple):
    """The instruction a frame is at."""

    names: tuple[str, ...] = ()
    """The called expression, such as ``("self", "pool", "get")``; ``with`` gives that of its context manager."""
    enters: bool = False
    """Whether it enters a ``with`` block."""
    may_be_in_c: bool = False
    """Whether it can be inside of a C function that waits; an operator computes, such as ``@`` of two arrays."""


_sites: dict[tuple[int, int], tuple[CodeType, CallSite]] = {}


def call_site(code: CodeType, lasti: int) -> CallSite:
    """The instruction at offset ``lasti`` of the code; remembered."""
    known = _sites.get((id(code), lasti))
    if known is None:
        known = _sites[id(code), lasti] = code, read_call_site(code, lasti)
    return known[1]


def read_call_site(code: CodeType, lasti: int) -> CallSite:
    """The same, read from the instructions."""
    before: list[dis.Instruction] = []
    for instruction in dis.get_instructions(code):
        if instruction.offset >= lasti:
            break
        before.append(instruction)
    else:
        return CallSite()
    at = instruction.positions
    if instruction.opname not in _IN_C or at is None or at.lineno is None:
        return CallSite(may_be_in_c=instruction.opname in _IN_C)
    enters = instruction.opname in _ENTERS
    names: list[str] = []
    end = None
    for each in reversed(before):
        here = each.positions
        if here is None or (here.lineno, here.col_offset) != (at.lineno, at.col_offset):
            if names:
                break
            continue
        if not each.opname.startswith("LOAD_") or each.opname == "LOAD_CONST" or not isinstance(each.argval, str):
            if names:  # the start of the expression is a value that has no name, such as the answer of a call
                names.append("")
                break
            continue
        end = end or (here.end_lineno, here.end_col_offset)
        names.append(each.argval)
    if not enters and end == (at.end_lineno, at.end_col_offset):
        return CallSite()  # the end of a `with` block: it waits for nothing
    return CallSite(tuple(reversed(names)), enters, may_be_in_c=True)


def callee(frame: FrameType) -> str:
    """
    The C function that the innermost frame is inside of, such as ``_thread.lock.acquire`` or ``time.sleep``.

    Empty where it cannot be known without running code of the app.
    """
    site = call_site(frame.f_code, frame.f_lasti)
    if not site.names or not site.names[0]:
        return ""
    found = named(frame, site.names[0])
    for name in site.names[1:]:
        found = attribute(found, name)
    if found is _MISSING:
        return ""
    return f"{type_name(type(found))}.__enter__" if site.enters else function_name(found)


def named(frame: FrameType, name: str) -> Any:
    """The value of a name in a frame."""
    spaces: tuple[Mapping[str, Any], ...] = (frame.f_locals, frame.f_globals, frame.f_builtins)
    return next((space[name] for space in spaces if name in space), _MISSING)


def attribute(value: Any, name: str) -> Any:
    """An attribute, found in the dictionaries of the object and its classes; no property or ``__getattr__`` runs."""
    if value is _MISSING:
        return _MISSING
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        own = {}
    if type(own) is dict and name in own:
        return own[name]
    if isinstance(value, ModuleType):
        return _MISSING
    for kind in type.__getattribute__(type(value), "__mro__"):
        space = type.__getattribute__(kind, "__dict__")
        if name in space:
            found = space[name]
            if type(found) is MemberDescriptorType:  # a slot
                try:
                    return found.__get__(value)
                except AttributeError:
                    return _MISSING
            return _MISSING if type(found) in {property, GetSetDescriptorType} else found
    return _MISSING


def function_name(called: Any) -> str:
    """The full name of a C function or C class; empty for anything else."""
    match found := unwrapped(called):
        case BuiltinFunctionType() if isinstance(found.__self__, ModuleType | None):
            return f"{found.__module__}.{found.__qualname__}"
        case BuiltinFunctionType():  # bound, such as an `acquire` that was kept
            return f"{type_name(type(found.__self__))}.{found.__name__}"
        case MethodDescriptorType() | WrapperDescriptorType():
            return f"{type_name(found.__objclass__)}.{found.__name__}"
        case type():
            return type_name(found)
    return ""


def unwrapped(found: Any) -> Any:
    """The function inside of partials and of a context's ``run``, which is how ``asyncio.to_thread`` passes it on."""
    for _ in range(_WRAPPINGS):
        if type(found) is not functools.partial:
            break
        inner = found.func
        runs_in_context = isinstance(inner, BuiltinFunctionType) and type(inner.__self__) is contextvars.Context
        found = found.args[0] if runs_in_context and found.args else inner
    return found


def type_name(kind: type) -> str:
    """The full name of a class."""
    space = type.__getattribute__(kind, "__dict__")
    module = space.get("__module__", "")
    if not isinstance(module, str) or not module:
        module = type.__getattribute__(kind, "__module__")
    return f"{module}.{type.__getattribute__(kind, '__qualname__')}"
