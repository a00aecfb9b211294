"""Vega-Lite as plain values: a layer of marks and its channels. https://vega.github.io/vega-lite/docs/ defines them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

type Specification = dict[str, Any]
"""A Vega-Lite specification, or a part of one."""


def mark_layer(
    values: Sequence[Mapping[str, object]], mark: str, encoding: Mapping[str, object], **properties: object
) -> Specification:
    """One mark for each of the values. ``properties`` are the mark's, such as ``strokeWidth`` in pixels."""
    return {
        "data": {"values": list(values)},
        "mark": {"type": mark, **properties},
        "encoding": dict(encoding),
    }


def quantity(name: str, **options: object) -> Specification:
    """A channel that shows the field as a number."""
    return {"field": name, "type": "quantitative", **options}


def category(name: str, **options: object) -> Specification:
    """A channel that shows the field as one of several names."""
    return {"field": name, "type": "nominal", **options}


def literal(name: str, kind: Literal["nominal", "quantitative"] = "nominal") -> Specification:
    """A channel whose field is the colour, shape or size itself."""
    return {"field": name, "type": kind, "scale": None}


def log_scale(low: float, high: float, *, base: int = 10) -> Specification:
    """A logarithmic scale that ends exactly at the given values."""
    return {"type": "log", "base": base, "domain": [low, high], "nice": False}


def linear_scale(low: float, high: float) -> Specification:
    """A linear scale that ends exactly at the given values."""
    return {"domain": [low, high], "nice": False, "zero": False}
