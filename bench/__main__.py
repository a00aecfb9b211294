"""
Measures the figures the project holds itself to and prints each next to its bound.

Most figures are ratios of two things measured in turn in the same run; the median over several rounds is judged. The
absolute numbers after it are for orientation only. Exit codes: 0 every figure is held, 1 one is not, 2 wrong usage.

    python -m bench                 all suites, about fifteen minutes
    python -m bench host import     some of them
"""

import argparse
import asyncio
import sys
from collections.abc import Iterable

from bench.suites import SUITES


async def run(names: Iterable[str]) -> bool:
    """Measure the named suites in turn; returns whether every figure is held."""
    held = True
    for name in names:
        print(f"\n{name}: {(SUITES[name].__doc__ or '').strip()}", flush=True)
        async for figure in SUITES[name]():
            print(f"  {figure}", flush=True)
            held = held and figure.is_held
    return held


def main() -> None:
    """Parse, measure, exit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"any of {', '.join(SUITES)}; default: all")
    chosen = parser.parse_args().suites or list(SUITES)
    if unknown := sorted(set(chosen) - set(SUITES)):
        parser.error(f"unknown suite {', '.join(unknown)}; there are {', '.join(SUITES)}")
    sys.exit(0 if asyncio.run(run(chosen)) else 1)


if __name__ == "__main__":
    main()
