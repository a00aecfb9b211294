"""
The bindings of a function with an HTTP trigger that the local host does not serve.

The real host fills inputs and sends outputs with extensions written in .NET. The local host has none of them: it calls
a function with its request alone, and returns its HTTP output alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any

type Binding = Mapping[str, Any]
"""One binding, as in function.json."""

STREAMING = "HttpUri"
"""The capability of a worker that serves HTTP itself: the app uses an HTTP streaming extension."""
NOT_STREAMED = (
    "the app uses an HTTP streaming extension (azurefunctions.extensions.http), and the local host does not forward "
    "requests to it. Use func.HttpRequest and func.HttpResponse to run this function here"
)
"""Why every function of such an app fails."""


def is_output(binding: Binding) -> bool:
    """Whether a binding takes a value from the function."""
    return str(binding.get("direction", "")).lower() in {"out", "1"}


def unfilled_inputs(bindings: Iterable[Binding], trigger: Binding) -> str | None:
    """The reason why every call of the function fails: inputs without a value. None when it has no input binding."""
    inputs = [binding for binding in bindings if binding is not trigger and not is_output(binding)]
    return f"the local host does not fill {_listed('input', inputs)}" if inputs else None


def dropped_outputs(bindings: Iterable[Binding], http_output: str | None) -> str | None:
    """The warning about output bindings other than the HTTP answer; None when there are none."""
    outputs = [binding for binding in bindings if is_output(binding) and binding.get("name") != http_output]
    return f"the local host drops what it sends to {_listed('output', outputs)}" if outputs else None


def _listed(direction: str, bindings: list[Binding]) -> str:
    """``the input binding 'prices' (blob)``, or several."""
    names = ", ".join(f"'{binding.get('name')}' ({_kind(binding)})" for binding in bindings)
    return f"the {direction} {'binding' if len(bindings) == 1 else 'bindings'} {names}"


def _kind(binding: Binding) -> str:
    properties = binding.get("properties") or {}
    is_sdk_type = str(properties.get("SupportsDeferredBinding", "")).lower() == "true"
    return f"{binding.get('type')}, SDK type" if is_sdk_type else str(binding.get("type"))
