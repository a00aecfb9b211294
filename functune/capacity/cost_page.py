"""
The costs in docs/deploy.md, from the price list and the parameter files of the templates.

    python -m functune.capacity.cost_page      write them; `make docs` does
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from functune.capacity.bills import FlexUse, flex_bill, instances_bill
from functune.formatting import money, number
from functune.marked_block import MarkedBlock
from functune.plans.billing import gigabytes
from functune.plans.price_list import shipped_prices

COSTS = MarkedBlock(Path("docs/deploy.md"), "costs")
INFRA = Path("infra")
PARAMETER_FILES = ("small", "medium", "large")
CALL_SECONDS = 0.1
"""Of a call, in the examples."""
PREMIUM_SIZE, PREMIUM_LEAST, PREMIUM_MOST = "EP2", 1, 4
"""The defaults of infra/premium.bicep."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """The scale of a parameter file."""

    memory_mb: int
    concurrency: int
    most: int
    ready: int


def scale_of_file(name: str, infra: Path) -> Scale:
    """The scale that a parameter file sets."""
    given = msgspec.json.decode((infra / f"{name}.parameters.json").read_bytes())["parameters"]
    return Scale(
        memory_mb=given["instanceMemoryMB"]["value"],
        concurrency=given["perInstanceConcurrency"]["value"],
        most=given["maximumInstanceCount"]["value"],
        ready=given["alwaysReadyInstanceCount"]["value"],
    )


def full_use(scale: Scale) -> FlexUse:
    """All instances with as many calls at a time as they take, all the time."""
    each = scale.concurrency / CALL_SECONDS
    return FlexUse(
        memory_mb=scale.memory_mb,
        executing=scale.most,
        rate=scale.most * each,
        ready=scale.ready,
        ready_executing=scale.ready,
        ready_rate=scale.ready * each,
    )


def cost_text(infra: Path) -> Iterator[str]:
    """The lines of the costs: the prices, and what a load test costs at most."""
    prices = shipped_prices()
    flex, premium = prices.flex, prices.premium
    busy = flex_bill(FlexUse(memory_mb=2048, executing=1, rate=0), flex, hours=1, with_grant=False).total
    resting = flex_bill(FlexUse(memory_mb=2048, executing=0, rate=0, ready=1), flex).total
    free_hours = flex.free_gb_seconds / gigabytes(2048) / 3600
    one = instances_bill(PREMIUM_LEAST, PREMIUM_SIZE, premium)
    yield (
        f"In {flex.currency}: Flex Consumption as of {flex.as_of} ({flex.source}), Premium as of {premium.as_of} "
        f"({premium.source})."
    )
    yield ""
    yield "| Item | Price | Example |"
    yield "|---|---|---|"
    yield (
        f"| Flex Consumption, while running | {exact(flex.gb_second)} per GB-second, "
        f"{money(flex.million_executions)} per million calls | one 2048 MB instance busy for an hour: {money(busy)}, "
        "and the calls |"
    )
    yield (
        f"| Free grant per month and subscription | {flex.free_gb_seconds:,.0f} GB-seconds, "
        f"{flex.free_executions:,.0f} calls | about {number(free_hours, digits=2)} hours of one busy 2048 MB instance |"
    )
    yield (
        f"| Always-ready instances | {exact(flex.ready_gb_second)} per GB-second all the time, "
        f"{exact(flex.ready_active_gb_second)} while running, plus the calls **[U]** | 2048 MB for a month of 730 "
        f"hours: {money(resting)} without a single call; the free grant does not apply |"
    )
    yield (
        f"| Premium {PREMIUM_SIZE} | {money(premium.month[PREMIUM_SIZE])} a month for each instance **[U]** | the "
        f"template has {PREMIUM_LEAST} to {PREMIUM_MOST}: {money(one.total)} to "
        f"{money(instances_bill(PREMIUM_MOST, PREMIUM_SIZE, premium).total)} a month, "
        f"{money(premium.hour(PREMIUM_SIZE))} to {money(PREMIUM_MOST * premium.hour(PREMIUM_SIZE))} an hour |"
    )
    yield ""
    yield f"A load test with calls of {CALL_SECONDS * 1000:.0f} ms costs at most, while all instances are full:"
    yield ""
    yield "| Parameter file | Running, an hour | Calls, an hour | Together |"
    yield "|---|---|---|---|"
    yield from (bound_row(name, scale_of_file(name, infra)) for name in PARAMETER_FILES)


def bound_row(name: str, scale: Scale) -> str:
    """The most that an hour of a parameter file costs."""
    parts = flex_bill(full_use(scale), shipped_prices().flex, hours=1, with_grant=False).parts
    calls = sum(amount for part, amount in parts.items() if part.endswith("executions"))
    total = sum(parts.values())
    counts = f"{scale.most} x {scale.memory_mb} MB" + (f" and {scale.ready} always ready" if scale.ready else "")
    return f"| with `{name}`: {counts} | {money(total - calls)} | {money(calls)} | {money(total)} |"


def exact(price: float) -> str:
    """A small price without an exponent."""
    return f"{price:.9f}".rstrip("0")


if __name__ == "__main__":
    COSTS.write("\n".join(cost_text(INFRA)))
