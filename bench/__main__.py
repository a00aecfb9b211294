"""
Measures the figures the project holds itself to and prints each next to its bound.

Most figures are ratios of two things measured in turn in the same run; the median over several rounds is judged. The
absolute numbers after it are for orientation only. A bound that is missed while other programs use the machine is not
judged. Exit codes: 0 every figure is held, 1 one is not, 2 wrong usage, 3 one could not be measured or judged.

    python -m bench                 all suites, about half an hour
    python -m bench host import     some of them
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from enum import IntEnum

from bench.figure import Figure, NotMeasuredError
from bench.machine import Watch, is_busy
from bench.suites.capacity import capacity
from bench.suites.cold_start import app_import, app_start
from bench.suites.connections import connections
from bench.suites.fetch import fetch
from bench.suites.host import host
from bench.suites.imports import command_list, module_import
from bench.suites.kills import kills
from bench.suites.law import law
from bench.suites.lessons import lessons
from bench.suites.profile import profile
from bench.suites.report import report
from bench.suites.search import search
from bench.suites.timing import timing
from bench.suites.truth import truth
from functune.errors import FunctuneError

SUITES: dict[str, Callable[[], AsyncIterator[Figure]]] = {
    "host": host,
    "connections": connections,
    "timing": timing,
    "law": law,
    "fetch": fetch,
    "profile": profile,
    "import": app_import,
    "start": app_start,
    "help": command_list,
    "modules": module_import,
    "report": report,
    "lessons": lessons,
    "search": search,
    "truth": truth,
    "kills": kills,
    "capacity": capacity,
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
    watch, is_held, is_complete = Watch(), True, True
    try:
        async for figure in SUITES[name]():
            print(f"  {figure}", flush=True)
            is_held = is_held and figure.is_held
    except (NotMeasuredError, FunctuneError) as error:
        print(f"  NOT MEASURED: {error}", flush=True)
        is_complete = False
    others = watch.others()
    outcome = judged(is_held=is_held, is_complete=is_complete, is_busy=is_busy(others))
    note = "; a missed bound is not judged: repeat on an idle machine" if is_busy(others) and not is_held else ""
    print(f"  Other programs used {others:.2f} cores meanwhile{note}.", flush=True)
    return outcome


def judged(*, is_held: bool, is_complete: bool, is_busy: bool) -> Outcome:
    """The outcome of a suite: a missed bound counts only on an idle machine."""
    if not is_held and not is_busy:
        return Outcome.NOT_HELD
    return Outcome.HELD if is_held and is_complete else Outcome.NOT_JUDGED


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
