"""Each inline constraint with values it takes and refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functune.host.constraints import parse_constraint

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"

TABLE = [
    ("int", None, ["0", "7", "-1", "+5", " 42 ", "007", "2147483647", "-2147483648"], ["", "x", "1.0", "2147483648"]),
    ("long", None, ["9223372036854775807", "-9223372036854775808"], ["9223372036854775808", "1e3", "1,000", "٣"]),
    ("decimal", None, ["1", "1.5", "1,000.25", ".5", "-3", "3-"], ["", ".", "1e3", "x", "--1"]),
    ("float", None, ["1", "1.5e10", "-.5", "1,000", "NaN", "Infinity", "-infinity"], ["", "e5", "1e", "0x1"]),
    ("double", None, ["1", "2.", "1E-3"], ["one", "1.2.3"]),
    ("bool", None, ["true", "False", "TRUE"], ["", "1", "yes"]),
    ("guid", None, [GUID, GUID.upper(), GUID.replace("-", ""), f"{{{GUID}}}", f"({GUID})"], ["", GUID[:-1], "x" * 32]),
    ("datetime", None, ["2026-01-31", "2026-01-31T10:20:30Z", "12/25/2026", "25 Dec 2026"], ["", "soon", "2026-13-01"]),
    ("alpha", None, ["", "abc", "ABC"], ["a1", "a b", "é"]),
    ("required", None, ["x", " "], [""]),
    ("file", None, ["a.txt", "x/a.txt", ".env"], ["", "a", "a.", "a.d/b"]),
    ("nonfile", None, ["", "a", "a.", "a.d/b"], ["a.txt"]),
    ("min", "5", ["5", "6", "9223372036854775807"], ["4", "x", "-9", "9223372036854775808"]),
    ("max", "5", ["5", "-9"], ["6", "x", ""]),
    ("range", "2,4", ["2", "3", "4"], ["1", "5", "3.0"]),
    ("range", " -2 , 4 ", ["-2", "0"], ["-3"]),
    ("minlength", "2", ["ab", "abc"], ["a", ""]),
    ("maxlength", "2", ["", "ab"], ["abc"]),
    ("length", "2", ["ab"], ["a", "abc"]),
    ("length", "2,3", ["ab", "abc"], ["a", "abcd"]),
    ("regex", r"^\d{3}$", ["123"], ["1234", "12a"]),
    ("regex", "b+", ["abc", "BB"], ["ac", ""]),
    (" INT ", None, ["1"], ["x"]),
]
ACCEPTED = [(name, arguments, value) for name, arguments, taken, _ in TABLE for value in taken]
REFUSED = [(name, arguments, value) for name, arguments, _, refused in TABLE for value in refused]


@pytest.mark.parametrize(("name", "arguments", "value"), ACCEPTED)
def test_constraint_accepts(name: str, arguments: str | None, value: str) -> None:
    assert parse_constraint(name, arguments)(value)


@pytest.mark.parametrize(("name", "arguments", "value"), REFUSED)
def test_constraint_refuses(name: str, arguments: str | None, value: str) -> None:
    assert not parse_constraint(name, arguments)(value)


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("integer", None, "'integer' is not known; there are alpha, bool"),
        ("int", "5", r"'int\(5\)' is not known"),
        ("min", None, "'min' is not known"),
        ("min", "x", r"'min\(x\)' takes 1 whole number"),
        ("range", "1", r"'range\(1\)' takes 2 whole number"),
        ("length", "1,2,3", r"'length\(1,2,3\)' takes 1 or 2 whole number"),
        ("regex", "(", r"'regex\(\(\)' is not a regular expression"),
    ],
)
def test_constraint_that_does_not_exist_is_named(name: str, arguments: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_constraint(name, arguments)


@given(st.sampled_from(sorted({(name, arguments or "") for name, arguments, _, _ in TABLE})), st.text())
def test_constraint_never_raises(constraint: tuple[str, str], value: str) -> None:
    name, arguments = constraint
    assert parse_constraint(name, arguments or None)(value) in {True, False}


@pytest.mark.parametrize("name", ["int", "long", "decimal", "float", "guid", "datetime", "alpha", "file"])
@pytest.mark.parametrize("value", ["1" * 60_000 + "x", "1" * 60_000, "0" * 60_000 + "1", " " * 60_000 + "x"])
def test_constraint_reads_a_path_full_of_digits_at_once(name: str, value: str) -> None:
    """Neither Python's limit on digits nor backtracking may stop a server, whose request lines may have 64 KB."""
    assert parse_constraint(name, None)(value) in {True, False}
