"""docs/limits.md and docs/method.md have the kinds, the sentences and the thresholds of the code."""

import re
from pathlib import Path
from typing import get_args

import pytest

from functune.analysis import comparison, trust
from functune.analysis.checks import interference, processes
from functune.analysis.laws import bounds, littles_law, prediction, usl
from functune.analysis.numbers import repeats, statistics, validity
from functune.analysis.search import lift, state
from functune.analysis.verdict import limit_around, limit_computing, limit_evidence, limit_waiting, strategies
from functune.analysis.verdict.limit import LimitKind
from functune.analysis.verdict.limit_rules import LIMIT_RULES
from functune.analysis.verdict.reasons import SENTENCES
from functune.experiments.model import Strategy
from functune.load import windows
from functune.plans import billing
from functune.run import measurement
from tests.truth.known import APPS, known_limits

DOCS = Path(__file__).parent.parent.parent.parent / "docs"
LIMITS, METHOD = ((DOCS / name).read_text(encoding="utf-8") for name in ("limits.md", "method.md"))
KINDS: list[LimitKind] = list(get_args(LimitKind.__value__))
SECTIONS = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", LIMITS, re.MULTILINE | re.DOTALL))
FEW, MANY = limit_computing.FEW_THREADS, limit_computing.MANY_THREADS


def in_percent(share: float) -> str:
    """As the pages have it: ``5 %``."""
    return f"{round(share * 100, 6):g} %"


THRESHOLDS = {
    "memory": [f"serves at least {limit_around.CLEARLY_FASTER} times as much"],
    "generator": [
        f"more than {measurement.BUSY_GENERATOR} of the one core",
        f"at least {limit_around.CLEARLY_FASTER} times as high",
    ],
    "instance": [f"used at least {limit_around.ONE_CORE} of its cores"],
    "admission": [f"as the setting admits, within {in_percent(limit_around.NEAR)}"],
    "event_loop_busy": [
        f"hold the event loop for at least {limit_computing.LOOP_HELD} of the time",
        f"the process wants {limit_around.ONE_CORE} of a core",
    ],
    "event_loop_blocked": [f"held for at least {limit_computing.LOOP_HELD} of the time"],
    "host": [
        f"wants at least {limit_around.ONE_CORE} of a core",
        f"at most {in_percent(1 - limit_around.ONE_CORE)} of the machine is idle",
    ],
    "gil": [
        f"wants at least {limit_around.ONE_CORE} of a core and uses no more than {bounds.SEVERAL_CORES}",
        f"Of {MANY} threads or more with a call, fewer than {limit_computing.WANT_THE_GIL[MANY]} want a core",
        f"(of {FEW} to {MANY - 1}, fewer than {limit_computing.WANT_THE_GIL[FEW]})",
        f"at least {limit_computing.FREE_CORE} cores of the machine are idle",
    ],
    "cores": [
        f"uses more than {bounds.SEVERAL_CORES} cores",
        f"of {MANY} threads or more with a call at least {limit_computing.WANT_A_CORE[MANY]} want a core",
        f"(of {FEW} to {MANY - 1}, at least {limit_computing.WANT_A_CORE[FEW]})",
    ],
    "threads": [
        f"S(N) is less than {limit_evidence.INFLATED} S(1)",
        f"X S = T P within {in_percent(limit_around.NEAR)}",
        f"served more than {limit_waiting.DOUBLES} times as much",
    ],
    "none": [
        f"S(N) is less than {limit_evidence.INFLATED} S(1)",
        f"N users get at least {limit_waiting.SCALES} N times",
    ],
    "lock": [f"S(N) is at least {limit_evidence.INFLATED} S(1)"],
    "pool": [f"at least {limit_waiting.TWICE} times as much as one"],
    "downstream": [
        f"less than {limit_waiting.DOUBLES} times as much as one",
        f"{limit_waiting.DOUBLES} to {limit_waiting.TWICE} times as much",
    ],
    "unknown": [
        f"Fewer than {limit_around.FEW_USERS} users for each worker process",
        f"failed in more than {in_percent(measurement.ACCEPTED_ERRORS)} of the requests",
    ],
}
HALVES = (limit_around.MOSTLY, limit_around.THROTTLED, limit_waiting.EXPLAINED, prediction.COMPUTES)
"""What the pages call half, or at least half."""
METHOD_FIGURES = [
    f"used more than {measurement.BUSY_GENERATOR} of a core, or where more than {in_percent(validity.LATE_SHARE)} of",
    f"fails more than {in_percent(measurement.ACCEPTED_ERRORS)} of its requests",
    f"use more than {measurement.BUSY_MACHINE} cores",
    f"at least {processes.USERS_EACH} users for each process that fewer processes served",
    f"a relative residual above {in_percent(littles_law.LIMIT)} is an error",
    f"used {bounds.SHARED_CORE[0]} to {bounds.SHARED_CORE[1]} cores, its calls would have used {bounds.WANTED} without "
    f"each other, and {bounds.IDLE} cores",
    f"used more than {bounds.SEVERAL_CORES} cores refutes it",
    ", ".join(
        f"{statistics.minimum_sample(q)}{' requests' if q == 0.5 else ''} for {name}"
        for name, q in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)]
    ),
    f"From {repeats.ENOUGH} repeats on, a figure has a {in_percent(statistics.CONFIDENCE)} interval",
    f"{repeats.RESAMPLES:,} resamples",
    f"the fewest users with {in_percent(1 - repeats.SAME)} of its most throughput",
    f"{strategies.WEIGHT} ln cost + {1 - strategies.WEIGHT} ln p95",
    f"is more than {in_percent(repeats.SAME)} worse",
    f"up to {state.PAST} past it",
    f"at {state.KNEE} times its predicted knee",
    f"beat the leader by {in_percent(repeats.SAME)}",
    f"raised by {lift.STANDARD_ERRORS} standard errors",
    f"beats its bound by more than {in_percent(repeats.SAME)}",
    f"from {usl.CURVE_RESAMPLES:,} curves",
    f"It needs {usl.LEVELS} numbers of users",
    f"explains less than {in_percent(usl.R_SQUARED)} of the variation",
    f"off by more than {in_percent(usl.WRONG)} at any number of users",
    f"residuals of up to {in_percent(usl.VISIBLE)} do not matter",
    f"the change is at least {in_percent(comparison.MARGIN)}",
    f"at least {billing.MINIMUM_BILLED:g} s each time, then in steps of {billing.BILLED_STEP} s",
    f"cuts intervals every {billing.FLUSH:g} s",
    f"It should be {trust.HEADROOM:g} times as fast as the fastest step",
]


def test_every_kind_has_a_section_in_the_order_of_the_rules() -> None:
    """The rules of one step name several kinds, so the order is that of the modules' rules."""
    assert set(SECTIONS) == set(KINDS)
    first = ["memory", "generator", "instance", "admission", "event_loop_busy", "event_loop_blocked", "host"]
    assert list(SECTIONS)[: len(first)] == first
    named = ["memory_limit", "generator_limit", "instance_limit", "admission_limit", "loop_limit", "host_limit"]
    assert [rule.__name__ for rule in LIMIT_RULES[1:7]] == named


@pytest.mark.parametrize("kind", KINDS)
def test_section_quotes_the_sentence_of_the_report(kind: LimitKind) -> None:
    sentence = SENTENCES[kind].format(at="", reason="…")
    assert re.findall(r"^> (.*)$", SECTIONS[kind], re.MULTILINE) == [sentence if kind == "unknown" else f"{sentence}."]


@pytest.mark.parametrize("kind", KINDS)
def test_section_has_the_thresholds_of_the_rules(kind: LimitKind) -> None:
    assert [text for text in THRESHOLDS[kind] if text not in SECTIONS[kind]] == []


def test_what_the_pages_call_half_is_half() -> None:
    assert set(HALVES) == {0.5}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("generator", "unknown")])
def test_example_is_code_of_that_limit(kind: LimitKind) -> None:
    """The handlers of known limits have it: at the line that is marked, or in an app whose limit has no line."""
    [example] = re.findall(r"\*\*Example\*\*: `([^`]+)`", SECTIONS[kind])
    known = "cores" if kind == "instance" else kind
    marked, unmarked = [], []
    for app in sorted(path.name for path in APPS.iterdir()):
        for limit in known_limits(app).values():
            if limit.kind != known:
                continue
            if limit.place is None:
                files = [path for path in (APPS / app).rglob("*") if path.suffix in (".py", ".json")]
                unmarked += [path.read_text(encoding="utf-8") for path in files]
            else:
                file, _, line = limit.place.rpartition(":")
                marked.append((APPS / app / file).read_text(encoding="utf-8").splitlines()[int(line) - 1])
    assert any(example in text for text in marked or unmarked)


@pytest.mark.parametrize("text", METHOD_FIGURES)
def test_method_has_the_figures_of_the_code(text: str) -> None:
    assert text in METHOD


def test_method_has_every_strategy_and_every_section_of_the_window() -> None:
    assert re.findall(r"^\| `(\w+)` \| ", METHOD, re.MULTILINE) == list(get_args(Strategy.__value__))
    assert windows.EDGE_SHARE == interference.LONG_PAUSE == 0.25
    assert "at most a quarter of the window at each end" in METHOD


def test_table_of_symbols_has_those_of_the_formulas() -> None:
    rows = re.findall(r"^\| ([A-Za-z, ]+) \| (.+) \| ?(.*?) ?\|$", METHOD.partition("## Measuring")[0], re.MULTILINE)
    symbols = {symbol for row in rows for symbol in row[0].split(", ")}
    assert {"X", "N", "R", "S", "Dc", "Dw", "P", "T", "K", "c", "L", "m", "r"} <= symbols
