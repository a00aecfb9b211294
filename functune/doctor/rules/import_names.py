"""What is known about well-known distributions, from distributions.toml, for apps whose packages are not installed."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files

_TABLE = tomllib.loads((files("functune.doctor.rules") / "distributions.toml").read_text("utf-8"))

MODULES_OF: Mapping[str, tuple[str, ...]] = {name: tuple(given) for name, given in _TABLE["modules"].items()}
"""The modules that a distribution gives, by its normalised name."""
BROUGHT_BY_OTHERS = frozenset[str](_TABLE["brought_by_others"])
"""Modules of packages that many others require, so that an app can have them without naming them."""
NOT_IMPORTED = frozenset[str](_TABLE["not_imported"])
"""Distributions that another package loads, or that serve without an import."""
