"""
JSON Schemas of structs, with the docstring of each field as its description.

msgspec describes a struct by its own docstring and knows nothing of those of its fields, which are read from the
source. Double backticks become single ones, since editors and Markdown show these as code. Patterns become those of
JavaScript, which JSON Schema is about.
"""

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import msgspec


def described_schema(root: type[msgspec.Struct]) -> dict[str, Any]:
    """The JSON Schema of a struct, in which each property of each struct has its description."""
    schema = msgspec.json.schema(root)
    for name, struct in structs_within(root).items():
        properties = schema["$defs"][name]["properties"]
        for field, text in field_texts(struct).items():
            properties[field]["description"] = text
    found: dict[str, Any] = in_javascript(schema)
    return found


def in_javascript(schema: Any) -> Any:
    """A schema with JavaScript's patterns: there ``$`` is the end of the text, and an escaped dash is an error."""
    if isinstance(schema, list):
        return [in_javascript(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: in_javascript(value) for key, value in schema.items()}
    if isinstance(pattern := found.get("pattern"), str):
        found["pattern"] = pattern.replace(r"\Z", "$").replace(r"\-", "-")
    return found


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as a file, indented for people."""
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def structs_within(root: type[msgspec.Struct]) -> dict[str, type[msgspec.Struct]]:
    """Every struct that a struct consists of, itself included, by name."""
    found: dict[str, type[msgspec.Struct]] = {}
    waiting: list[msgspec.Struct] = [msgspec.inspect.type_info(root)]
    while waiting:
        info = waiting.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls.__name__ in found:
                continue
            found[info.cls.__name__] = info.cls
        waiting += parts_of(info)
    return found


def parts_of(info: msgspec.Struct) -> Iterator[msgspec.Struct]:
    """The types that a type of msgspec.inspect consists of, and the fields of a struct."""
    for name in info.__struct_fields__:
        value = getattr(info, name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, msgspec.inspect.Type | msgspec.inspect.Field):
                yield each


def field_texts(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The docstrings of the fields of a struct and of its bases, in one line each, by the key in JSON."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if issubclass(base, msgspec.Struct) and base is not msgspec.Struct:
            found |= own_field_texts(base)
    keys = dict(zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True))
    return {keys[name]: text for name, text in found.items() if name in keys}


@functools.cache
def own_field_texts(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The same of the fields that a class defines itself."""
    [definition] = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    if not isinstance(definition, ast.ClassDef):
        raise TypeError(f"{struct.__name__} is not defined by a class statement")
    found = {}
    for field, below in pairwise(definition.body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                found[name] = one_line(text)
    return found


def one_line(docstring: str) -> str:
    """A docstring as one line of Markdown, with JSON's word for None."""
    return re.sub(r"\bNone\b", "null", " ".join(docstring.split()).replace("``", "`"))
