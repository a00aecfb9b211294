"""Which lines are shown, and how."""

import io
import logging

import pytest

from functune.host.console import Console


def shown(verbose: bool, *, system: int | None = None, user: int | None = None) -> str:
    stream = io.StringIO()
    console = Console(verbose=verbose, stream=stream)
    if system is not None:
        console.system("said", system)
    if user is not None:
        console.user("said", user)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("verbose", "level", "is_shown"),
    [(False, logging.INFO, False), (False, logging.WARNING, True), (True, logging.INFO, True)],
)
def test_system_lines_below_warning_show_with_verbose_only(verbose: bool, level: int, is_shown: bool) -> None:
    assert ("said" in shown(verbose, system=level)) is is_shown


@pytest.mark.parametrize("verbose", [False, True])
def test_user_lines_show_from_information_on(verbose: bool) -> None:
    assert "said" in shown(verbose, user=logging.INFO)
    assert shown(verbose, user=logging.DEBUG) == ""


def test_long_message_is_cut_and_says_by_how_much() -> None:
    stream = io.StringIO()
    Console(verbose=False, stream=stream).user("x" * 20_000)
    assert stream.getvalue().endswith("x… (3616 more characters)\n")
