"""
Writes the tables of keys in docs/experiments.md and docs/report-json.md, from the types and the docstrings of the keys.

    python -m tools.key_tables
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import inspect

from functune.analysis.checks.expectations import Outcome
from functune.analysis.experiment import ExperimentFindings, SubjectFindings
from functune.analysis.numbers.figures import Figures
from functune.analysis.numbers.levels import Level
from functune.analysis.trust import Trust
from functune.analysis.verdict.limit import Limit, LimitPlace
from functune.analysis.verdict.recommendation import Evidence, Recommendation
from functune.capacity.capacity_plan import CapacityPlan
from functune.capacity.forecast import Forecast
from functune.experiments.schema import key_texts
from functune.experiments.sections import sections
from functune.experiments.subject import Subject
from functune.json_schema import field_texts, one_line
from functune.marked_block import MarkedBlock
from functune.plans.advice import PlanAdvice
from functune.report.document import ReportDocument
from functune.report.recommendation_file import RecommendationDocument, RecommendedExperiment
from functune.setting import Setting

EXPERIMENTS, DOCUMENTS = Path("docs/experiments.md"), Path("docs/report-json.md")
SHOWN: tuple[type[msgspec.Struct], ...] = (
    ReportDocument,
    ExperimentFindings,
    SubjectFindings,
    Subject,
    Setting,
    Level,
    Figures,
    Recommendation,
    Evidence,
    Limit,
    LimitPlace,
    Outcome,
    PlanAdvice,
    Trust,
    RecommendationDocument,
    RecommendedExperiment,
    CapacityPlan,
    Forecast,
)
"""The structs of the documents that have a table; the schemas have the others."""
FEW = 4
"""Values that a cell names one by one."""
PLAIN: Mapping[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.LiteralType: "text",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.BoolType: "true or false",
    inspect.NoneType: "null",
}


def places() -> dict[MarkedBlock, type[msgspec.Struct]]:
    """The struct of every table, by its place."""
    keys = {keys_block(EXPERIMENTS, each.struct): each.struct for each in sections()}
    return keys | {keys_block(DOCUMENTS, struct): struct for struct in SHOWN}


def keys_block(page: Path, struct: type[msgspec.Struct]) -> MarkedBlock:
    """The place of the keys of a struct on a page."""
    return MarkedBlock(page, f"keys of {struct.__name__}")


def key_table(place: MarkedBlock, struct: type[msgspec.Struct]) -> str:
    """The table of a struct at its place."""
    return experiment_table(struct) if place.page == EXPERIMENTS else document_table(struct)


def experiment_table(struct: type[msgspec.Struct]) -> str:
    """The keys of a table of an experiment file, with their defaults."""
    texts = key_texts(struct)
    fields = msgspec.structs.fields(struct)
    return markdown(
        ("Key", "Default", "Meaning"),
        ((f"`{each.encode_name}`", default_in_words(each), texts[each.encode_name]) for each in fields),
    )


def default_in_words(field: msgspec.structs.FieldInfo) -> str:
    """The default of a key as TOML has it; empty for a key that is needed."""
    if field.required:
        return ""
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if value in (None, "", (), {}):
        return "none"
    return f"`{msgspec.json.format(msgspec.json.encode(value), indent=0).decode()}`"


def document_table(struct: type[msgspec.Struct]) -> str:
    """The keys of an object of a document, with their types."""
    info = inspect.type_info(struct)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"{struct.__name__} is no struct")
    texts = field_texts(struct)
    return markdown(
        ("Key", "Type", "Meaning"),
        (
            (f"`{each.encode_name}`", type_in_words(each.type), texts.get(each.encode_name) or text_of_type(each))
            for each in info.fields
        ),
    )


def type_in_words(info: inspect.Type) -> str:
    """A type of JSON: ``list of Level``, ``number or null``."""
    match info:
        case inspect.StructType(cls=struct):
            name = struct.__name__
            return f"[{name}](#{name.lower()})" if struct in SHOWN else name
        case inspect.VarTupleType(item_type=item):
            return f"list of {type_in_words(item)}"
        case inspect.TupleType(item_types=items):
            return f"list of {len(items)}: {', '.join(map(type_in_words, items))}"
        case inspect.DictType(value_type=value):
            return f"object of {type_in_words(value)}"
        case inspect.UnionType(types=types):
            return " or ".join(dict.fromkeys(map(type_in_words, types)))
        case inspect.LiteralType(values=values) if len(values) <= FEW:
            return " or ".join(f"`{value}`" for value in values)
    return PLAIN[type(info)]


def text_of_type(field: inspect.Field) -> str:
    """The meaning of a key that has no docstring of its own: that of the struct it holds."""
    struct = next(structs_of(field.type), None)
    if struct is None:
        raise TypeError(f"{field.name} has no docstring, and its type has none")
    return one_line(str(struct.__doc__).strip().split("\n\n")[0]).partition(". ")[0]


def structs_of(info: inspect.Type) -> Iterator[type[msgspec.Struct]]:
    """The structs that a value holds."""
    match info:
        case inspect.StructType(cls=struct):
            yield struct
        case inspect.VarTupleType(item_type=item) | inspect.DictType(value_type=item):
            yield from structs_of(item)
        case inspect.UnionType(types=types):
            for each in types:
                yield from structs_of(each)


def markdown(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A table; a cell is no sentence of its own, so the last full stop is dropped."""
    lines = [head, *(tuple(cell.removesuffix(".").replace("|", "\\|") for cell in row) for row in rows)]
    texts = [f"| {' | '.join(cells)} |".replace("|  |", "| |") for cells in lines]
    return "\n".join([texts[0], "|---" * len(head) + "|", *texts[1:]])


if __name__ == "__main__":
    for place, described in places().items():
        place.write(key_table(place, described))
