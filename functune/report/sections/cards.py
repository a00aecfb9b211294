"""The cards of a subject: each named setting, its spread over repeats, and how it compares with the recommended one."""

from collections.abc import Callable

from functune.analysis.experiment import SubjectFindings
from functune.analysis.numbers.repeats import Spread
from functune.analysis.numbers.statistics import minimum_sample
from functune.analysis.verdict.standings import Figure, Standing
from functune.formatting import duration, number, number_range, percent, plural, rate
from functune.report.markup import Html, element


def setting_cards(findings: SubjectFindings, *, currency: str) -> Html | None:
    """One card per named setting, the recommended one first; None where nothing can be recommended."""
    if not findings.standings:
        return None
    alone = len(findings.standings) == 1 and len({level.setting for level in findings.levels}) == 1
    return element(
        "dl", *(setting_card(each, currency=currency, alone=alone) for each in findings.standings), class_="tiles"
    )


def setting_card(standing: Standing, *, currency: str, alone: bool) -> Html:
    """One setting at its best number of users; ``alone`` where it is the only one."""
    names = "Measured" if alone else ", ".join(standing.names).capitalize().replace("azure", "Azure")
    p95 = with_ends(standing.p95, duration) if standing.p95 else f"unknown: fewer than {minimum_sample(0.95)} requests"
    lines = [
        f"at {plural(standing.users, 'user')}; {throughput_spread(standing.throughput.spread)}",
        f"p95 {p95}",
    ]
    if standing.cost is not None:
        lines.append(f"{with_ends(standing.cost, number)} {currency} a million requests")
    if standing.of_recommended is not None:
        lines.append(f"{difference_in_percent(standing.of_recommended)} against the recommended")
    return element(
        "div",
        element("dt", element("b", names), element("br"), standing.setting.in_words),
        element(
            "dd",
            rate(standing.throughput.value),
            *(element("div", line, class_="note") for line in lines),
        ),
    )


def throughput_spread(spread: Spread | None) -> str:
    """The spread of a throughput: ``95 % interval 605 to 618, 5 repeats``."""
    if spread is None:
        return "measured once"
    kind, span = "95 % interval" if spread.is_interval else "range", number_range(spread.low, spread.high)
    if span == number(spread.low):
        return f"the same in {plural(spread.repeats, 'repeat')}"
    return f"{kind} {span}, {plural(spread.repeats, 'repeat')}"


def with_ends(figure: Figure, write: Callable[[float], str]) -> str:
    """A figure with the ends of its spread where they read differently: ``130 ms (126 ms to 133 ms)``."""
    if figure.spread is None or write(figure.spread.low) == write(figure.spread.high):
        return write(figure.value)
    return f"{write(figure.value)} ({write(figure.spread.low)} to {write(figure.spread.high)})"


def difference_in_percent(ratio: Figure) -> str:
    """A ratio as a difference in percent, with its ends: ``+0.9 % (-8.0 % to +2.3 %)``."""
    ends = (
        f" ({signed_percent(ratio.spread.low - 1)} to {signed_percent(ratio.spread.high - 1)})" if ratio.spread else ""
    )
    return f"{signed_percent(ratio.value - 1)}{ends}"


def signed_percent(share: float) -> str:
    """A share as percent with its sign."""
    return f"{sign_of(share)}{percent(abs(share))}"


def sign_of(value: float) -> str:
    """The sign of a number, also of a positive one."""
    return "+" if value >= 0 else "−"  # noqa: RUF001 - a minus sign, as wide as the plus
