"""
Bills of a month that were calculated by hand, in dollars. A month has 730 hours, which are 2,628,000 s.

Each plan has a bill of given averages, and one of a forecast whose averages are known.
"""

import numpy as np
import pytest

from functune.capacity.app_curves import AppCurves
from functune.capacity.bills import FlexUse, ReplicaUse, flex_bill, instances_bill, replicas_bill
from functune.capacity.configuration import parse_configuration
from functune.capacity.curve import InstanceCurve
from functune.capacity.forecast import Forecast, Forecaster
from functune.capacity.traffic import Traffic, steady
from functune.plans.price_list import shipped_prices
from functune.shapes import CONTAINER_APPS_SIZES
from tests.capacity.apps import under, waiting

PRICES = shipped_prices()
HOUR = 3600


def forecast(text: str, traffic: Traffic, curve: InstanceCurve) -> Forecast:
    """The forecast of a configuration, as --now takes it."""
    return Forecaster(under(traffic), None).forecast(parse_configuration(text), AppCurves(widest=curve))


def test_flex_with_always_ready_instances() -> None:
    """
    Two ready instances of 2 GB execute half of the time of one, a quarter of another executes on demand.

    On demand  0.25 x 2 x 2,628,000 = 1,314,000 GB-s, 100,000 of them free: 1,214,000 x 0.000026 =  31.5640
               3 x 2,628,000 = 7,884,000 executions, 250,000 of them free:  7.634 x 0.40         =   3.0536
    Ready      2 x 2 x 2,628,000 = 10,512,000 GB-s                          x 0.000004           =  42.0480
               0.5 x 2 x 2,628,000 = 2,628,000 GB-s executing               x 0.000016           =  42.0480
               7 x 2,628,000 = 18,396,000 executions                        18.396 x 0.40        =   7.3584
    """
    use = FlexUse(memory_mb=2048, executing=0.25, rate=3, ready=2, ready_executing=0.5, ready_rate=7)
    bill = flex_bill(use, PRICES.flex)
    assert list(bill.parts.values()) == pytest.approx([31.564, 3.0536, 42.048, 42.048, 7.3584])
    assert bill.total == pytest.approx(126.072)


def test_flex_whose_ready_instance_takes_everything_all_the_time() -> None:
    """
    40 requests/s of 250 ms keep 10 of 64 places filled: no second instance, and none without a request.

    5,256,000 GB-s x (0.000004 + 0.000016) = 21.024 + 84.096, and 105.12 million executions x 0.40 = 42.048.
    """
    found = forecast("flex:2048:64:1", steady(40), waiting(0.25))
    assert found.month == pytest.approx(147.168, rel=0.002)
    assert found.bill["always ready"] == pytest.approx(21.024)
    assert found.bill["executing"] == pytest.approx(0, abs=0.01)


def test_app_service_with_autoscale() -> None:
    """P1v3 at 113.15: one instance for 16 hours of each day and three for 8 are 40 / 24 on average, 188.58 a month."""
    assert instances_bill(40 / 24, "P1v3", PRICES.app_service).total == pytest.approx(188.58, abs=0.005)


def test_premium_whose_instances_follow_the_day() -> None:
    """
    An instance serves 160 requests/s, and one is added above 0.7 of that, 112: 100/s need one, 300/s need three.

    4 hours of 100, 8 of 300 and 12 of 100, with the two others kept 10 minutes longer: (24 + 2 x 8 1/6) / 24 = 1.6806
    instances at 157.72 are 265.06.
    """
    day = Traffic(name="test", step=HOUR, rates=np.array([100.0] * 4 + [300.0] * 8 + [100.0] * 12))
    assert forecast("premium:EP1", day, waiting(places=16)).month == pytest.approx(265.06, rel=0.003)


def test_container_apps_with_idle_replicas() -> None:
    """
    A replica of 1 core and 2 GiB that always runs, and serves for a fifth of the time, 0.5 requests/s.

    Cores     0.2 x 2,628,000 = 525,600 s, 180,000 of them free: 345,600 x 0.000024 =  8.2944
              0.8 x 2,628,000 = 2,102,400 s idle                         x 0.000003 =  6.3072
    Memory    2 x 2,628,000 = 5,256,000 GiB-s, 360,000 free:   4,896,000 x 0.000003 = 14.6880
    Requests  1,314,000, of which 2 million are free
    """
    use = ReplicaUse(active=0.2, idle=0.8, rate=0.5)
    bill = replicas_bill(use, CONTAINER_APPS_SIZES["1"], PRICES.container_apps)
    assert list(bill.parts.values()) == pytest.approx([8.2944 + 6.3072, 14.688, 0])
    assert bill.total == pytest.approx(29.2896)


def test_container_apps_whose_replica_never_rests() -> None:
    """
    100 requests/s of 100 ms are 10 in flight: one replica of 1 core takes 448 a second, and is never without one.

    2,448,000 core-seconds x 0.000024 = 58.752; memory 14.688; 262.8 - 2 million requests x 0.40 = 104.32.
    """
    found = forecast("container-apps:1:1", steady(100), waiting(0.1))
    assert list(found.bill.values()) == pytest.approx([58.752, 14.688, 104.32], rel=0.001)
