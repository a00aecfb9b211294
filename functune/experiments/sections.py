"""The tables of an experiment file, found in the types: their names, their keys, and all of them in short."""

import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Literal, NamedTuple

import msgspec
from msgspec import inspect

from functune.experiments.model import Experiment

WIDTH = 78
"""Columns of the short form: those of a narrow terminal, less the indent of a help text."""


class Section(NamedTuple):
    """One table of the file."""

    path: str
    """Its dotted name, such as ``workload.requests``; empty for the experiment itself."""
    struct: type[msgspec.Struct]
    form: Literal["table", "tables", "value"]
    """One table, a list of tables, or a table as one of the values that a key may have."""

    @property
    def heading(self) -> str:
        """The line that begins it, as TOML has it; empty for the experiment itself."""
        if not self.path:
            return ""
        if self.form == "value":
            return f"{self.path.rpartition('.')[2]} = {{…}}"
        return f"[[{self.path}]]" if self.form == "tables" else f"[{self.path}]"


@cache
def sections() -> tuple[Section, ...]:
    """Every table of the file, each after the one that contains it."""
    return tuple(sections_below(Section("", Experiment, "table")))


def section_at(path: str) -> Section:
    """The table with a dotted name. Raises KeyError for another."""
    return {section.path: section for section in sections()}[path]


def sections_below(section: Section) -> Iterator[Section]:
    """A table, and those that its keys stand for."""
    yield section
    info = inspect.type_info(section.struct)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{section.struct} is no struct")
    for field in info.fields:
        path = f"{section.path}.{field.encode_name}".lstrip(".")
        match value_types(field.type):
            case [inspect.StructType(cls=struct)]:
                yield from sections_below(Section(path, struct, "table"))
            case [inspect.VarTupleType(item_type=inspect.StructType(cls=struct))]:
                yield from sections_below(Section(path, struct, "tables"))
            case [inspect.VarTupleType(item_type=item)]:
                yield from values_among(path, value_types(item))
            case several:
                yield from values_among(path, several)


def value_types(info: inspect.Type) -> list[inspect.Type]:
    """The types of a value that is given."""
    if isinstance(info, inspect.UnionType):
        return [each for part in info.types for each in value_types(part)]
    return [] if isinstance(info, inspect.NoneType) else [info]


def values_among(path: str, several: list[inspect.Type]) -> Iterator[Section]:
    """The tables among the values that a key may have."""
    for each in several:
        if isinstance(each, inspect.StructType):
            yield Section(path, each.cls, "value")


def keys_of(struct: type[msgspec.Struct]) -> list[str]:
    """The keys of a table, those that are needed with a star."""
    return [f"{field.encode_name}{'*' if field.required else ''}" for field in msgspec.structs.fields(struct)]


def format_in_short() -> str:
    """Every table with its keys; tables with the same keys together."""
    headings: dict[type[msgspec.Struct], dict[str, None]] = {}
    for section in sections():
        headings.setdefault(section.struct, {})[section.heading] = None
    lines = []
    for struct, names in headings.items():
        words = " ".join([*names, *keys_of(struct)]).strip()
        lines += textwrap.wrap(words, WIDTH, subsequent_indent="    ", break_on_hyphens=False)
    return "\n".join(lines)
