"""
Measures the figures the project holds itself to and prints each next to its bound.

Most figures are ratios of two things measured in turn in the same run; the median over several rounds is judged. The
absolute numbers after it are for orientation only. A bound that is missed while other programs use the machine is not
judged. Exit codes: 0 every figure is held, 1 one is not, 2 wrong usage, 3 one could not be judged.

    python -m bench                 all suites, about twenty minutes
    python -m bench host import     some of them
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from enum import IntEnum

from bench.figure import Figure
from bench.machine import Watch, is_busy
from bench.suites.cold_start import app_import, app_start
from bench.suites.connections import connections
from bench.suites.fetch import fetch
from bench.suites.host import host
from bench.suites.law import law
from bench.suites.lessons import lessons
from bench.suites.report import report
from bench.suites.search import search

SUITES: dict[str, Callable[[], AsyncIterator[Figure]]] = {
    "host": host,
    "connections": connections,
    "law": law,
    "fetch": fetch,
    "import": app_import,
    "start": app_start,
    "report": report,
    "lessons": lessons,
    "search": search,
}


class Outcome(IntEnum):
    """Of a suite; the values are exit codes."""

    HELD = 0
    NOT_HELD = 1
    NOT_JUDGED = 3


async def run(names: Iterable[str]) -> Outcome:
    """Measure the named suites in turn; returns the worst outcome."""
    outcomes = {await measured(name) for name in names}
    return next((each for each in (Outcome.NOT_HELD, Outcome.NOT_JUDGED) if each in outcomes), Outcome.HELD)


async def measured(name: str) -> Outcome:
    """Measure one suite and print its figures and how busy the machine was."""
    print(f"\n{name}: {(SUITES[name].__doc__ or '').strip()}", flush=True)
    watch, held = Watch(), True
    async for figure in SUITES[name]():
        print(f"  {figure}", flush=True)
        held = held and figure.is_held
    others = watch.others()
    outcome = Outcome.HELD if held else Outcome.NOT_JUDGED if is_busy(others) else Outcome.NOT_HELD
    note = (
        "; figures that are not held are not judged: repeat on an idle machine" if outcome is Outcome.NOT_JUDGED else ""
    )
    print(f"  Other programs used {others:.2f} cores meanwhile{note}.", flush=True)
    return outcome


def main() -> None:
    """Parse, measure, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"any of {', '.join(SUITES)}; default: all")
    chosen = parser.parse_args().suites or list(SUITES)
    if unknown := sorted(set(chosen) - set(SUITES)):
        parser.error(f"unknown suite {', '.join(unknown)}; there are {', '.join(SUITES)}")
    sys.exit(asyncio.run(run(chosen)))


if __name__ == "__main__":
    main()
