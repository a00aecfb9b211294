"""Traffic from patterns and files."""

import numpy as np
import pytest

from functune.capacity.traffic import DAY, bursts, daily
from functune.capacity.traffic_spec import parse_traffic, traffic_of_csv
from functune.errors import UsageError


@pytest.mark.parametrize(
    ("spec", "mean", "peak"),
    [
        ("steady:40", 40, 40),
        ("steady:2400/min", 40, 40),
        ("steady:864000/day", 10, 10),
        ("daily:40", 40, 80),
        ("daily:40:100", 40, 100),
        ("daily:1e6:1e6", 1e6, 1e6),
        ("burst:1:201:36s:1h", 3, 201),
        ("BURST:60/min:61:1m:1h", 2, 61),
    ],
)
def test_pattern_has_the_mean_and_the_peak_asked_for(spec: str, mean: float, peak: float) -> None:
    traffic = parse_traffic(spec)
    assert traffic.seconds == DAY
    assert traffic.mean == pytest.approx(mean)
    assert traffic.peak == pytest.approx(peak, rel=0.002)
    assert traffic.moments().mean() == pytest.approx(mean)
    assert len(traffic.moments()) * traffic.moment == pytest.approx(DAY)


@pytest.mark.parametrize("ratio", [1.0, 1.2, 2, 10, 40])
def test_daily_pattern_never_falls_to_0(ratio: float) -> None:
    rates = daily(10, 10 * ratio).rates
    assert rates.min() > 0
    assert rates.max() / rates.mean() == pytest.approx(ratio, rel=0.002)


def test_bursts_come_as_often_and_last_as_long_as_asked() -> None:
    rates = bursts(1, 50, 60, 3600).rates
    assert (rates == 50).sum() == 24 * 60
    assert (np.diff(rates) > 0).sum() == 23  # the first begins with the day


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "steady:RATE"),
        ("weekly:4", "steady:RATE"),
        ("steady", "steady:RATE"),
        ("steady:0", "above 0"),
        ("steady:-4", "-4"),
        ("steady:4/week", "4/week"),
        ("daily:40:20", "1 to 40 times"),
        ("daily:1:900", "1 to 40 times"),
        ("burst:1:2:60s", "burst:BASE"),
        ("burst:1:2:60s:30s", "shorter than the time"),
        ("burst:1:2:60d:1h", "60d"),
        ("burst:1:2h:60s:1h", "2h"),
        ("steady:1e999", "allowed are rates up to 1,000,000,000/s"),
        ("daily:40:1e30", "allowed are rates up to 1,000,000,000/s"),
    ],
)
def test_wrong_pattern_is_refused_with_what_is_allowed(spec: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_traffic(spec)
    assert str(refused.value).startswith(f"--traffic {spec}:")
    assert said in str(refused.value)


def test_requests_of_each_minute_are_rates() -> None:
    traffic = traffic_of_csv("minute,requests\n09:00,60\n09:01,120\n\n09:02,0\n", name="r.csv")
    assert traffic.rates.tolist() == [1, 2, 0]
    assert traffic.seconds == 180


@pytest.mark.parametrize("header", ["arrival", "time", "Timestamp"])
def test_arrivals_in_any_order_are_rates(header: str) -> None:
    arrivals = np.random.default_rng(1).uniform(0, 7200, 36_000)
    text = "\n".join([header, *(f"{moment:.3f}" for moment in arrivals)])
    traffic = traffic_of_csv(text, name="a.csv")
    assert traffic.mean == pytest.approx(5, rel=0.01)
    assert traffic.rates.min() > 1  # steps with too few arrivals would show chance as a pattern


def test_moments_of_iso_8601_are_arrivals() -> None:
    lines = [f"2026-11-26T09:{minute:02}:{second:02}Z" for minute in range(60) for second in range(60)]
    assert traffic_of_csv("\n".join(["timestamp", *lines]), name="a.csv").mean == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no known column"),
        ("a,b\n1,2", "no known column"),
        ("requests\n", "it has no requests: there is no row below the header"),
        ("requests\n0\n0", "it has no requests: the column requests is 0 in every row"),
        ("arrival\n", "it has no requests: there is no row below the header"),
        ("requests\n1e999", "row 2"),
        ("arrival\n1e999", "row 2"),
        ("arrival\n0001-01-01T00:00:00", "row 2"),
        ("arrival\n0\n0", "within 1 s"),
        (f"requests\n{'1' * 200_000}", "field larger than field limit"),
        ("requests\n5\nmany", "row 3"),
        ("minute,requests\n1", "row 2"),
        ("requests\n-1", "row 2"),
        ("arrival\nyesterday", "row 2"),
        ("arrival\n1\n1.5", "within 1 s"),
        ("arrival\n0\n9e6", "allowed are up to 31"),
    ],
)
def test_wrong_file_is_refused_with_its_row(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=r"--traffic a\.csv") as refused:
        traffic_of_csv(text, name="a.csv")
    assert said in str(refused.value)
