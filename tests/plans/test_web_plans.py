"""Advice for App Service and Container Apps: what is applied, what it costs, and the conflicts that it names."""

import re

import msgspec
import pytest

from functune.analysis.experiment import ExperimentFindings
from functune.errors import UsageError
from functune.experiments.model import Matrix
from functune.plans.advice import PlanAdvice, advice_for, advice_for_plans, advice_text, single_advice
from functune.plans.billing import fixed_cost, replica_cost
from functune.plans.plan import Asked, Chosen, HostingPlan
from functune.plans.price_list import app_service_prices, container_apps_prices
from functune.plans.registry import APP_SERVICE, PLANS, asked_of
from functune.setting import Setting
from functune.shapes import APP_SERVICE_SIZES, CONTAINER_APPS_SIZES
from functune.web_servers import WEB_SERVERS, is_app_service
from tests.analysis.simulated import findings, planned, step, sweep
from tests.infra.bicep import INFRA, ROOT, parse
from tests.infra.test_parameters import defaults, unfit
from tests.plans.az_options import az_parsed, az_settings

CONTAINER_APPS = PLANS["container-apps"]
WEB_PLANS = [APP_SERVICE, CONTAINER_APPS]


def measured(
    *hosts: str,
    threads: tuple[int, ...] = (1, 16),
    options: dict[str, str] | None = None,
    peaks: dict[int, float] | None = None,
) -> ExperimentFindings:
    """A run of a handler that waits on these hosts; ``peaks`` has the memory in MB by the number of processes."""
    experiment = planned(
        settings=Matrix(
            thread_count=threads or ("unset",),
            process_count=(1, 2),
            host=hosts,
            app_settings=(options or {},),
        ),
        users=(1, 8, 64),
    )
    steps = [
        msgspec.structs.replace(each, worker_peak_mb={"4241": 30.0, "4242": peaks[each.setting.process_count]})
        if peaks
        else each
        for each in sweep(experiment)
    ]
    return findings(experiment, steps)


def advised(found: ExperimentFindings, plan: str, asked: Asked | None = None, entry: str | None = None) -> PlanAdvice:
    """The one advice for a plan."""
    [one] = advice_for(found, PLANS[plan], asked or Asked(), entry=entry)
    return one


def parameters_text(bicepparam: str) -> dict[str, int | str]:
    """The parameters of a parameters file but the name of the environment."""
    pairs = re.findall(r"^param (\w+) = (?:(\d+)|'([^']*)')$", bicepparam, re.MULTILINE)
    return {name: int(number) if number else text for name, number, text in pairs}


def test_web_server_is_advised_for_web_plans_and_no_plan_of_functions() -> None:
    plans = [each.plan for each in advice_for_plans(measured("gunicorn:gthread"))]
    assert plans == ["local", "app-service", "container-apps"]


def test_functions_host_is_advised_for_no_web_plan() -> None:
    found = planned(settings=Matrix(thread_count=(1, 16)))
    assert {each.plan for each in advice_for_plans(findings(found, sweep(found)))} == {"local", "flex", "premium"}


def test_command_that_the_platform_generates_is_advised_by_its_app_settings_alone() -> None:
    [_, found] = advice_for_plans(measured("app-service"))
    assert found.plan == "app-service"
    assert found.start_command is None
    settings = {"PYTHON_ENABLE_GUNICORN_MULTIWORKERS": "true", "PYTHON_GUNICORN_CUSTOM_WORKER_NUM": "2"}
    settings["PYTHON_GUNICORN_CUSTOM_THREAD_NUM"] = "16"
    assert found.app_settings == settings
    reset, given = (found.commands or "").splitlines()
    assert az_parsed(reset)["--startup-file"] == ""
    assert az_settings(given) == settings
    assert "appCommandLine: ''" in (found.fragment or "")
    assert found.bicepparam is None


def test_run_on_several_hosts_gives_each_plan_the_best_it_can_run() -> None:
    found = measured("local", "gunicorn:gthread")
    by_plan = {each.plan: each.setting.host for each in advice_for_plans(found)}
    assert by_plan["premium"] == "local"
    assert by_plan["app-service"] == by_plan["container-apps"] == "gunicorn:gthread"


@pytest.mark.parametrize("host", [host for host in WEB_SERVERS if not is_app_service(host)])
@pytest.mark.parametrize("plan", WEB_PLANS, ids=lambda plan: plan.name)
def test_commands_are_those_of_the_azure_cli_and_set_what_is_advised(plan: HostingPlan, host: str) -> None:
    threads = () if host == "gunicorn:sync" else (1, 16)
    found = advised(measured(host, threads=threads), plan.name)
    assert found.commands is not None
    assert az_settings(found.commands) == found.app_settings
    assert "WEB_CONCURRENCY" not in found.app_settings
    lines = [az_parsed(line) for line in found.commands.splitlines()]
    assert all(line["--name"] == "$APP" for line in lines)
    if found.plan == "app-service":
        assert lines[0]["--startup-file"] == found.start_command
        assert "GUNICORN_CMD_ARGS" not in found.app_settings
    else:
        command, args = lines[0]["--command"], lines[0]["--args"]
        assert [*command, *args] == [str(found.start_command).split()[0], str(found.start_command).split()[-1]]
        assert "--cpu" not in lines[0]  # nobody asked for a size


def test_commands_have_the_size_and_the_replicas_that_were_asked_for() -> None:
    found = advised(measured("gunicorn:gthread"), "container-apps", Asked(size="1.5", replicas=(1, 4)))
    assert found.commands is not None
    line = az_parsed(found.commands)
    assert (line["--cpu"], line["--memory"]) == ("1.5", "3Gi")
    assert (line["--min-replicas"], line["--max-replicas"]) == ("1", "4")
    assert found.fragment is not None
    assert "resources: { cpu: json('1.5'), memory: '3Gi' }\n" in found.fragment
    assert "minReplicas: 1\nmaxReplicas: 4\n" in found.fragment


def test_scale_rule_is_the_throughput_and_unproven() -> None:
    """1 of 16 threads waits 100.3 ms: two processes serve 2 x 16 / 0.1003 = 319 requests a second."""
    found = advised(measured("gunicorn:gthread"), "container-apps")
    assert found.commands is not None
    line = az_parsed(found.commands)
    assert line["--scale-rule-http-concurrency"] == "319"
    assert (line["--scale-rule-name"], line["--scale-rule-type"]) == ("http", "http")
    assert "concurrentRequests: '319'" in str(found.fragment)
    [note] = [note for note in found.notes if note.startswith("concurrentRequests 319 is unproven: ")]
    assert "the last 15 s divided by 15, but observations disagree" in note
    assert "64 would fit" in note


@pytest.mark.parametrize(("throughput", "rule"), [(137.9, "137"), (0.4, "1"), (2500.2, "2500")])
def test_scale_rule_is_rounded_down_to_a_number_that_the_rule_takes(throughput: float, rule: str) -> None:
    chosen = Chosen(setting=Setting(host="gunicorn:asgi"), users=8, throughput=throughput)
    assert az_parsed(str(CONTAINER_APPS.commands(chosen)))["--scale-rule-http-concurrency"] == rule
    parameters = CONTAINER_APPS.parameters(chosen)
    assert parameters is not None
    assert unfit(dict(parameters), parse(INFRA / "container-apps.bicep")) == []


def test_rule_and_cost_of_several_routes_are_those_of_the_slowest() -> None:
    """One setting for both: 16 threads in 2 processes serve 319 requests a second of 100 ms, and 80 of 400 ms."""
    experiment = planned(
        routes=("/quick", "/slow"),
        settings=Matrix(thread_count=(1, 16), process_count=(1, 2), host=("gunicorn:gthread",)),
        users=(1, 8, 64),
    )
    steps = [
        step(
            setting=each.setting,
            users=each.users,
            route=each.subject.route,
            wait=0.4 if each.subject.route == "/slow" else 0.1,
        )
        for each in sweep(experiment)
    ]
    found = advised(findings(experiment, steps), "container-apps")
    assert [str(each) for each in found.subjects] == ["/quick", "/slow"]
    assert az_parsed(str(found.commands))["--scale-rule-http-concurrency"] == "80"


def test_fragment_starts_the_same_server_as_the_commands() -> None:
    service, container = (advised(measured("gunicorn:gthread"), each.name) for each in WEB_PLANS)
    assert f"  appCommandLine: '{service.start_command}'\n" in str(service.fragment)
    for name, value in container.app_settings.items():
        assert f"{{ name: '{name}', value: '{value}' }}" in str(container.fragment)
    assert "command: ['gunicorn']\nargs: ['functune.wsgi:app']\n" in str(container.fragment)


@pytest.mark.parametrize("plan", WEB_PLANS, ids=lambda plan: plan.name)
@pytest.mark.parametrize("host", ["gunicorn:asgi", "gunicorn:uvicorn"])
def test_parameters_fit_the_template(plan: HostingPlan, host: str) -> None:
    name = plan.name
    options = {"GUNICORN_CMD_ARGS": "--timeout 60 --graceful-timeout 20"}
    asked = Asked(size="P1v3") if name == "app-service" else Asked(size="1", replicas=(1, 4))
    found = advised(measured(host, options=options), name, asked)
    template = parse(INFRA / str(PLANS[name].template))
    assert unfit(dict(found.parameters), template) == []
    assert advice_text(found, "bicep").startswith(f"using '{PLANS[name].template}'\n")
    assert parameters_text(advice_text(found, "bicep")) == found.parameters
    given = {"workerCount": 2, "threadCount": 16, "timeoutSeconds": 60}
    assert given.items() <= found.parameters.items()


@pytest.mark.parametrize(
    ("plan", "host", "asked", "entry", "reason"),
    [
        ("app-service", "gunicorn:gthread", Asked(), None, "workers of the class asgi or uvicorn_worker.UvicornWorker"),
        ("container-apps", "uvicorn", Asked(), None, "workers of the class asgi or uvicorn_worker.UvicornWorker"),
        ("app-service", "gunicorn:asgi", Asked(), "src.app:app", "it serves the function app, and not src.app:app"),
        ("container-apps", "gunicorn:asgi", Asked(size="4"), None, "its largest replica has 2 cores"),
    ],
)
def test_setting_that_a_template_cannot_apply_has_no_parameters_file(
    plan: str, host: str, asked: Asked, entry: str | None, reason: str
) -> None:
    found = advised(measured(host), plan, asked, entry)
    assert (found.bicepparam, found.parameters) == (None, {})
    with pytest.raises(UsageError, match=f"--format bicep: infra/{plan}.bicep has no parameters .*{reason}"):
        advice_text(found, "bicep")
    assert found.commands is not None


def test_app_of_the_reader_is_started() -> None:
    found = advised(measured("gunicorn:asgi"), "app-service", entry="src.app:app")
    assert advice_text(found, "startup").endswith(" src.app:app\n")
    assert any("gunicorn from 25.1 on" in note for note in found.notes)
    assert not any("x-functions-key" in note for note in found.notes)


def test_form_of_a_start_up_command_is_that_of_web_plans() -> None:
    found = planned(settings=Matrix(thread_count=(1, 16)))
    flex = advised(findings(found, sweep(found)), "flex")
    with pytest.raises(
        UsageError, match="startup: allowed with --plan app-service or container-apps, the plan is flex"
    ):
        advice_text(flex, "startup")


def test_setting_that_needs_more_memory_than_the_size_is_not_advised() -> None:
    """Two processes serve twice as much, and need 2,000 MB: B1 has 1,792 MB."""
    found = measured("gunicorn:gthread", peaks={1: 1000.0, 2: 2000.0})
    small, large = (advised(found, "app-service", Asked(size=size)) for size in ("B1", "P0v3"))
    assert (small.setting.process_count, large.setting.process_count) == (1, 2)
    [note] = [
        note
        for note in small.notes
        if note.startswith("Not considered, since an instance of the size B1 has 1,792 MB: ")
    ]
    assert "16 threads in 2 processes, on gunicorn:gthread (2,000 MB)" in note
    assert not any("Not considered" in note for note in large.notes)


def test_nothing_is_advised_where_no_setting_fits() -> None:
    found = measured("gunicorn:gthread", peaks={1: 2000.0, 2: 3000.0})
    assert advice_for(found, APP_SERVICE) == ()
    with pytest.raises(UsageError, match=r"recommends no setting for app-service: none .* fits its memory"):
        single_advice(advice_for_plans(found), plan="app-service", experiment=None)


def test_million_requests_cost_what_a_calculation_by_hand_gives() -> None:
    """
    B1 is 12.41 / 730 = 0.017 an hour, in which 100 requests/s are 0.36 million: 0.0472 a million.

    A million requests take 10,000 s at 100/s: 10,000 x (0.5 x 0.000024 + 1 x 0.000003) + 0.40 = 0.55.
    """
    assert fixed_cost(100, app_service_prices().month["B1"] / 730).per_million == pytest.approx(0.0472222, rel=1e-5)
    assert replica_cost(100, 0.5, 1024).per_million == pytest.approx(0.55)
    with pytest.raises(ValueError, match="throughput is 0"):
        replica_cost(0, 0.5, 1024)


@pytest.mark.parametrize("plan", ["app-service", "container-apps"])
def test_cost_is_that_of_the_size_and_named_as_a_comparison(plan: str) -> None:
    found = measured("gunicorn:gthread")
    sizes = list(PLANS[plan].sizes)
    cheap, dear = (advised(found, plan, Asked(size=size)) for size in (sizes[0], sizes[-1]))
    assert cheap.cost is not None
    assert dear.cost is not None
    assert cheap.cost < dear.cost
    [note] = [note for note in cheap.notes if note.startswith("A million requests cost ")]
    assert f"of the size {sizes[0]} that is always busy and serves 319 requests/s" in note
    assert "(use it to compare settings, not to budget; prices of 2024 to 2026" in note


def test_cores_that_the_instance_lacks_are_named() -> None:
    found = measured("gunicorn:gthread")  # on 2 cores
    assert any(
        "had 2 cores, and an instance of the size B1 has 1 core" in note for note in advised(found, "app-service").notes
    )
    assert not any("cores" in note for note in advised(found, "app-service", Asked(size="P1v3")).notes)


def test_every_size_has_a_price_and_every_price_a_date() -> None:
    assert list(app_service_prices().month) == list(APP_SERVICE_SIZES)
    assert all(re.search(r"20\d\d", prices().as_of) for prices in (app_service_prices, container_apps_prices))


def test_page_has_the_sizes_and_the_prices() -> None:
    page = (ROOT / "docs" / "app-service.md").read_text()
    table = re.findall(r"^\| `(\w+)` \| ([\d.]+), ([\d.]+) GB \| ([\d.]+) \|", page, re.MULTILINE)
    assert [(name, float(cores), float(memory) * 1024, float(price)) for name, cores, memory, price in table] == [
        (*size, app_service_prices().month[size.name]) for size in APP_SERVICE_SIZES.values()
    ]


def test_sizes_are_those_of_the_templates_with_their_defaults() -> None:
    service, container = (parse(INFRA / f"{name}.bicep") for name in ("app-service", "container-apps"))
    assert unfit({"planSku": "B1"}, service) == []
    assert all(unfit({"planSku": size}, service) == [] for size in APP_SERVICE_SIZES)
    assert all(
        (unfit({"cpuCores": size.name}, container) == []) == (size.cores <= 2) for size in CONTAINER_APPS_SIZES.values()
    )
    assert (defaults(service)["planSku"], defaults(container)["cpuCores"]) == (
        advised(measured("gunicorn:asgi"), "app-service").size,
        advised(measured("gunicorn:asgi"), "container-apps").size,
    )
    memory = {name.strip("'"): text for name, text in container.variables["memoryOf"].items()}
    assert {name: f"{CONTAINER_APPS_SIZES[name].memory_mb / 1024:g}Gi" for name in memory} == memory


def test_size_that_a_plan_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(UsageError, match="--size P9: allowed for app-service are B1, S1, P0v3, P1v3, I1v2"):
        asked_of("app-service", size="P9", replicas=None)
    with pytest.raises(UsageError, match=r"--size B1: flex has no sizes .* app-service or container-apps"):
        asked_of("flex", size="B1", replicas=None)
    with pytest.raises(UsageError, match="--replicas: app-service has no replicas: allowed with container-apps"):
        asked_of("app-service", size=None, replicas=(1, 2))
    with pytest.raises(UsageError, match="--replicas 3 1: allowed are"):
        asked_of("container-apps", size=None, replicas=(3, 1))


def test_advised_settings_without_a_conflict_have_no_warning() -> None:
    for plan in WEB_PLANS:
        notes = " ".join(advised(measured("gunicorn:gthread"), plan.name).notes)
        assert not re.search("left out|has no effect|502|SIGTERM|ends a request", notes)


@pytest.mark.parametrize(
    ("host", "plan", "variables", "warning"),
    [
        ("gunicorn:gthread", "app-service", {"WEB_CONCURRENCY": "4"}, "WEB_CONCURRENCY is left out"),
        (
            "gunicorn:gthread",
            "app-service",
            {"WEB_CONCURRENCY": "4", "PYTHON_ENABLE_GUNICORN_MULTIWORKERS": "true"},
            "that flag makes it ignore WEB_CONCURRENCY",
        ),
        ("gunicorn:asgi", "app-service", {"GUNICORN_CMD_ARGS": "--threads 4"}, "--threads is left out"),
        ("gunicorn:gthread", "app-service", {"GUNICORN_CMD_ARGS": "--keep-alive 2"}, "and answer 502"),
        ("uvicorn", "app-service", {"UVICORN_TIMEOUT_KEEP_ALIVE": "1"}, "and answer 502"),
        ("gunicorn:gthread", "app-service", {"GUNICORN_CMD_ARGS": "--timeout 600"}, "ends a request after 230 s"),
        ("gunicorn:gthread", "container-apps", {"GUNICORN_CMD_ARGS": "--timeout 0"}, "ends a request after 240 s"),
        ("gunicorn:gthread", "container-apps", {"GUNICORN_CMD_ARGS": "--graceful-timeout 30"}, "30 s after SIGTERM"),
    ],
)
def test_conflict_in_the_app_settings_is_named(host: str, plan: str, variables: dict[str, str], warning: str) -> None:
    found = advised(measured(host, options=variables), plan)
    assert any(warning in note for note in found.notes)


@pytest.mark.parametrize(
    ("host", "plan", "options"),
    [
        ("gunicorn:gthread", "app-service", "--graceful-timeout 30"),
        ("gunicorn:gthread", "container-apps", "--timeout 240"),
        ("gunicorn:sync", "app-service", "--keep-alive 2"),
        ("gunicorn:gthread", "app-service", "--keep-alive 5 --threads 4"),
    ],
)
def test_setting_that_fits_its_platform_is_not_warned_about(host: str, plan: str, options: str) -> None:
    threads = () if host == "gunicorn:sync" else (1, 16)
    found = advised(measured(host, threads=threads, options={"GUNICORN_CMD_ARGS": options}), plan)
    assert not re.search("left out|502|SIGTERM|ends a request", " ".join(found.notes))


def test_quotes_in_the_command_of_app_service_are_named() -> None:
    options = {"GUNICORN_CMD_ARGS": "--access-logformat '%(m)s %(U)s'"}
    quoted = advised(measured("gunicorn:gthread", options=options), "app-service")
    assert any("has quotes" in note for note in quoted.notes)
    assert not any("has quotes" in note for note in advised(measured("gunicorn:gthread"), "app-service").notes)
