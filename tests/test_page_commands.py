"""The reader of pages whose commands are run: it has to see where a page and an output differ."""

from pathlib import Path

import pytest

from tests.page_commands import Shown, assert_shown, change, sections, shown_commands

OUTPUT = "first\n  Use 4 threads: 12.7 requests/s in 31.5 ms (HTTP 429: 12)\nat app.py:12\nlast\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("first", "  Use 4 threads: 9,870 requests/s in 1.2 s (HTTP 429: 3)", "at app.py:12", "last"),
        ("…", "at app.py:12", "…"),
        ("first", "…threads: … requests/s…", "…"),
    ],
)
def test_output_is_shown_with_other_figures_and_in_parts(lines: tuple[str, ...]) -> None:
    assert_shown(Shown("functune sweep", lines), OUTPUT)


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("functune doctor", ("first", "  Use 4 threads: 9,870 requests/s in 31.5 ms (HTTP 429: 12)", "…")),
        ("functune sweep", ("first", "  Use 8 threads: 12.7 requests/s in 31.5 ms (HTTP 429: 12)", "…")),
        ("functune sweep", ("first", "  Use 4 threads: 12.7 requests/s in 31.5 ms (HTTP 500: 12)", "…")),
        ("functune sweep", ("…", "at app.py:13", "…")),
        ("functune sweep", ("…", "at app.py:12", "first", "…")),
        ("functune sweep", ("first", "at app.py:12", "…")),
        ("functune sweep", ("first", "…", "at app.py:12")),
    ],
    ids=["figure", "threads", "status", "line", "order", "left out", "end"],
)
def test_output_that_differs_is_not(command: str, lines: tuple[str, ...]) -> None:
    with pytest.raises(AssertionError):
        assert_shown(Shown(command, lines), OUTPUT)


def test_change_has_to_find_its_lines(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("one\ntwo\n")
    diff = "--- a.py\n+++ a.py\n one\n-two\n+three\n"
    change(diff, tmp_path)
    assert (tmp_path / "a.py").read_text() == "one\nthree\n"
    with pytest.raises(AssertionError, match=r"a\.py has these lines 0 times"):
        change(diff, tmp_path)


def test_sections_have_their_blocks() -> None:
    page = "# Page\n\n## One\n\n```console\n$ functune a\nb\n…\n$ functune c\n```\n\n## Two\n\nNo block.\n"
    [(title, [block])] = sections(page).items()
    assert title == "One"
    assert list(shown_commands(block.text)) == [Shown("functune a", ("b", "…")), Shown("functune c", ())]
