"""The cards of a route: the settings that have a name, each with what it varies by and how it compares."""

from collections.abc import Callable

from functune.analysis.findings import RouteFindings
from functune.analysis.formatting import duration, number, percent, plural, rate
from functune.analysis.formatting import setting as in_words
from functune.analysis.repeats import Spread
from functune.analysis.standings import Figure, Standing
from functune.report.markup import Html, element


def cards(findings: RouteFindings, *, currency: str) -> Html | None:
    """One card per named setting, the recommended one first; None where nothing can be recommended."""
    if not findings.standings:
        return None
    alone = len(findings.standings) == 1 and len({step.setting for step in findings.steps}) == 1
    return element("dl", *(card(each, currency=currency, alone=alone) for each in findings.standings), class_="tiles")


def card(standing: Standing, *, currency: str, alone: bool) -> Html:
    """One setting at its best number of users; ``alone`` when there was nothing to choose from."""
    names = "Measured" if alone else ", ".join(standing.names).capitalize().replace("azure", "Azure")
    p95 = figure_in_words(standing.p95, duration) if standing.p95 else "unknown: fewer than 72 requests"
    lines = [
        f"at {plural(standing.users, 'user')}; {spread_in_words(standing.throughput.spread)}",
        f"p95 {p95}",
    ]
    if standing.cost is not None:
        lines.append(f"{figure_in_words(standing.cost, number)} {currency} a million requests")
    if standing.of_recommended is not None:
        lines.append(f"{difference(standing.of_recommended)} against the recommended")
    return element(
        "div",
        element("dt", element("b", names), element("br"), in_words(standing.setting)),
        element(
            "dd",
            rate(standing.throughput.value),
            *(element("div", line, class_="note") for line in lines),
        ),
    )


def spread_in_words(spread: Spread | None) -> str:
    """What the throughput spans: ``95 % between 605 and 618, 5 repeats``."""
    if spread is None:
        return "measured once"
    kind = "95 %" if spread.is_interval else "range"
    return f"{kind} {number(spread.low)} to {number(spread.high)}, {plural(spread.repeats, 'repeat')}"


def figure_in_words(figure: Figure, write: Callable[[float], str]) -> str:
    """A figure with what it spans: ``130 ms (126 ms to 133 ms)``."""
    span = f" ({write(figure.spread.low)} to {write(figure.spread.high)})" if figure.spread else ""
    return f"{write(figure.value)}{span}"


def difference(ratio: Figure) -> str:
    """A ratio as a difference in percent, with its ends: ``+0.9 % (-8.0 % to +2.3 %)``."""
    ends = f" ({signed(ratio.spread.low - 1)} to {signed(ratio.spread.high - 1)})" if ratio.spread else ""
    return f"{signed(ratio.value - 1)}{ends}"


def signed(share: float) -> str:
    """A share as percent with its sign."""
    return f"{'+' if share >= 0 else '−'}{percent(abs(share))}"  # noqa: RUF001 - a minus sign, as wide as the plus
