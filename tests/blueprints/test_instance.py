from pathlib import Path

import pytest

from blueprints.instance import Limits, describe_platform, plan, read_limits, rss_mb

UNLIMITED_V1 = "9223372036854771712\n"


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


@pytest.mark.parametrize(
    ("files", "limits"),
    [
        pytest.param({}, Limits(None, None), id="none"),
        pytest.param(
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/cpu.max": "50000 100000\n",
                "sys/fs/cgroup/memory.max": "536870912\n",
            },
            Limits(0.5, 512.0),
            id="v2 container",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "0::/outer/inner\n",
                "sys/fs/cgroup/outer/cpu.max": "150000 100000\n",
                "sys/fs/cgroup/outer/inner/cpu.max": "max 100000\n",
                "sys/fs/cgroup/outer/inner/memory.max": "max\n",
                "sys/fs/cgroup/outer/memory.max": "1073741824\n",
            },
            Limits(1.5, 1024.0),
            id="v2 limit above",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000\n",
                "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            Limits(2.0, 2048.0),
            id="v1 container",
        ),
        pytest.param(
            {
                "proc/self/cgroup": "4:memory:/\n3:cpu:/\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": UNLIMITED_V1,
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            Limits(None, None),
            id="v1 unlimited",
        ),
    ],
)
def test_limits_are_the_tightest(tmp_path: Path, files: dict[str, str], limits: Limits) -> None:
    assert read_limits(tree(tmp_path, files)) == limits


def test_rss_is_that_of_this_process(tmp_path: Path) -> None:
    rss = rss_mb()
    assert rss is not None
    assert 5 < rss < 5000
    assert rss_mb(tmp_path) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "local"),
        ({"CONTAINER_NAME": "x"}, "local"),
        ({"WEBSITE_SKU": "FlexConsumption"}, "flex"),
        ({"WEBSITE_SKU": "ElasticPremium"}, "premium"),
        ({"WEBSITE_SKU": "Dynamic"}, "consumption"),
        ({"WEBSITE_SKU": "PremiumV3"}, "dedicated"),
        ({"CONTAINER_APP_NAME": "app"}, "container apps"),
    ],
)
def test_plan_follows_from_the_environment(environment: dict[str, str], expected: str) -> None:
    assert plan(environment) == expected


def test_platform_names_the_instance() -> None:
    platform = describe_platform(
        {
            "WEBSITE_SKU": "FlexConsumption",
            "WEBSITE_SITE_NAME": "shop",
            "CONTAINER_NAME": "abc",
            "FUNCTIONS_ALWAYSREADY_INSTANCE": "1",
        }
    )
    assert platform == {
        "plan": "flex",
        "site": "shop",
        "instanceId": "abc",
        "alwaysReady": True,
    }
    assert describe_platform({"CONTAINER_NAME": "abc"})["instanceId"] is None
