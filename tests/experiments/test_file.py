from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functune.errors import ExperimentError
from functune.experiments.file import experiments_toml, read_experiments, require_unique_names
from functune.experiments.model import Expectation, Experiment, Load, Matrix, Where, Workload
from functune.experiments.planned import planned_trials, required_steps
from functune.setting import MAX_THREAD_COUNT, Setting

ONE = """
name = "threads-blocking-io"
question = "How many threads does a blocking handler need?"
[workload]
routes = ["/api/sync/sleep?ms=100"]
[settings]
thread_count = [1, 16, "unset"]
process_count = [1, 2]
[load]
users = [1, 64]
warm_up = 1
measure = 3.0
[[expect]]
claim = "16 threads sleeping 100 ms serve 160 calls a second"
metric = "throughput"
where = { thread_count = 16, process_count = 1, users = 64 }
at_least = 152
at_most = 163
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "experiment.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_load_reads_one_experiment(tmp_path: Path) -> None:
    (experiment,) = read_experiments(written(tmp_path, ONE))
    assert experiment == Experiment(
        name="threads-blocking-io",
        question="How many threads does a blocking handler need?",
        workload=Workload(routes=("/api/sync/sleep?ms=100",)),
        settings=Matrix(thread_count=(1, 16, "unset"), process_count=(1, 2)),
        load=Load(users=(1, 64), warm_up=1.0, measure=3.0),
        expect=(
            Expectation(
                claim="16 threads sleeping 100 ms serve 160 calls a second",
                metric="throughput",
                where=Where(thread_count=16, process_count=1, users=64),
                at_least=152,
                at_most=163,
            ),
        ),
    )


def test_load_defaults_to_the_settings_azure_starts_with(tmp_path: Path) -> None:
    text = ONE.partition("[[expect]]")[0].replace('thread_count = [1, 16, "unset"]\nprocess_count = [1, 2]', "")
    (experiment,) = read_experiments(written(tmp_path, text))
    assert [trial.setting for trial in planned_trials(experiment)] == [Setting()]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('[1, 16, "unset"]', "[0]", "settings.thread_count[0] is 0: allowed"),
        ('[1, 16, "unset"]', '["default"]', "settings.thread_count[0] is 'default': allowed"),
        ('[1, 16, "unset"]', "[1, 1]", "settings: thread_count is [1, 1]: allowed"),
        ('[1, 16, "unset"]', "[]", "settings.thread_count is []: allowed"),
        (
            '[1, 16, "unset"]',
            "8",
            "settings.thread_count is 8: allowed: a list of one or more, each a whole number from 1 to 1000",
        ),
        (
            '[1, 16, "unset"]',
            "[1000000]",
            "settings.thread_count[0] is 1000000: allowed: a whole number from 1 to 1000",
        ),
        (
            "process_count = [1, 2]",
            "app_settings = [{ A = 1 }]",
            "settings.app_settings[0] is {'A': 1}: allowed: a table",
        ),
        (
            "process_count = [1, 2]",
            'app_settings = [{ 1A = "x" }]',
            "settings.app_settings[0] is {'1A': '***'}: allowed:",
        ),
        (
            "process_count = [1, 2]",
            'app_settings = { A = "x" }',
            "settings.app_settings is {'A': '***'}: allowed: a list of",
        ),
        (
            "process_count = [1, 2]",
            'app_settings = [{ FUNCTIONS_WORKER_PROCESS_COUNT = "2" }]',
            "settings: app_settings holds FUNCTIONS_WORKER_PROCESS_COUNT: it is set by process_count",
        ),
        ("[1, 64]", "64", "load.users is 64: allowed: a list of one or more, each a whole number from 1 to 1000"),
        ("?ms=100", "?name=é", "sleep?name=é': allowed: a path that starts with / and holds printable ASCII"),
        ("?ms=100", "?name=é", "write other characters as %XX, é as %C3%A9"),
        ("name =", "memory_mb = 1024\nname =", "memory_mb is 1024: allowed: 512, 2048 or 4096"),
        ("name =", 'memory_mb = "2 GB"\nname =', "memory_mb is '2 GB': allowed: a whole number of MB"),
        ("name =", 'strategy = "speed"\nname =', 'strategy is \'speed\': allowed: "throughput", "latency",'),
        ("[1, 2]", "[11]", "settings.process_count[0] is 11: allowed"),
        ("[1, 64]", "[64, 1]", "users is [64, 1]: allowed are strictly increasing"),
        ("[1, 64]", "[64, 64]", "users is [64, 64]: allowed are strictly increasing"),
        ("[1, 64]", "[1, 1001]", "load.users[1] is 1001: allowed"),
        ("warm_up = 1", "warm_up = 0.1", "load.warm_up is 0.1: allowed: 0.2 to 60 seconds"),
        ("measure = 3.0", "measure = nan", "load.measure is nan: allowed: 1 to 600 seconds"),
        ("measure = 3.0", "", "load.measure is missing"),
        ("measure =", "duration =", "load.duration is unknown: allowed here are users, warm_up, measure"),
        ("[settings]", "target = {}\n[settings]", "workload.target.delay_ms is missing"),
        (
            "[settings]",
            "target.delay_ms = -1\n[settings]",
            "workload.target.delay_ms is -1: allowed: a whole number of",
        ),
        ("[settings]", "target.delay = 1\n[settings]", "workload.target.delay is unknown: allowed here are delay_ms"),
        ("users = 64 }", "arrivals = 0.5 }", "expect[0].where.arrivals is 0.5: allowed is one of load.arrivals, []"),
        ("[settings]", "[matrix]", "matrix is unknown: allowed here are name, question"),
        ("/api/sync", "api/sync", "workload.routes[0] is 'api/sync/sleep?ms=100': allowed"),
        ("threads-blocking-io", "Threads", "name is 'Threads': allowed"),
        ('"throughput"', '"p999_ms"', "expect[0].metric is 'p999_ms': allowed"),
        (
            '[1, 16, "unset"]',
            "[1]\ninstance = [{ core = 1 }]",
            "settings.instance[0].core is unknown: allowed here are cores,",
        ),
        ("where = {", "where = { user = 1,", "expect[0].where.user is unknown: allowed here are thread_count"),
        ("thread_count = 16,", "thread_count = 17,", "expect[0].where is {thread_count = 17, process_count = 1"),
        ("thread_count = 16,", "thread_count = 17,", "selects 0 planned steps"),
        ("thread_count = 16,", "", "selects 3 planned steps"),
        ("at_least = 152\nat_most = 163", "", "expect[0]: at_least and at_most are both missing"),
        ("at_least = 152", "at_least = 164", "at_least is 164: allowed is no more than at_most, 163"),
        ("at_least = 152", "at_least = inf", "the limit is inf: allowed is a finite number"),
        ("process_count = [1, 2]", 'app_settings = [{ A = "x\\u0000" }]', "app_settings.A contains a null character"),
        ("question =", "lesson = 5\nquestion =", "lesson is 5: allowed: a text"),
        (
            'question = "How many threads does a blocking handler need?"',
            "question = ''",
            "question is '': allowed: a text of",
        ),
        ("name =", "baseline = 5\nname =", "baseline is 5: allowed: a table"),
        ("name =", "name", "not TOML in UTF-8"),
    ],
)
def test_load_refuses_and_names_file_key_and_value(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ONE
    path = written(tmp_path, ONE.replace(old, new, 1))
    with pytest.raises(ExperimentError) as caught:
        read_experiments(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_load_refuses_a_ratio_that_selects_no_step(tmp_path: Path) -> None:
    text = ONE + "over = { thread_count = 3, process_count = 1, users = 64 }\n"
    with pytest.raises(ExperimentError, match=r"expect\[0\]\.over is .*selects 0 planned steps"):
        read_experiments(written(tmp_path, text))


def test_load_refuses_keys_next_to_experiment_tables(tmp_path: Path) -> None:
    (experiment,) = read_experiments(written(tmp_path, ONE))
    text = 'note = "x"\n' + experiments_toml([experiment])
    with pytest.raises(ExperimentError, match=r"note next to \[\[experiment\]\]"):
        read_experiments(written(tmp_path, text))


def test_load_refuses_a_name_used_twice(tmp_path: Path) -> None:
    (experiment,) = read_experiments(written(tmp_path, ONE))
    with pytest.raises(ExperimentError, match="'threads-blocking-io' more than once"):
        read_experiments(written(tmp_path, experiments_toml([experiment, experiment])))


def test_require_unique_names_holds_over_several_files(tmp_path: Path) -> None:
    (experiment,) = read_experiments(written(tmp_path, ONE))
    require_unique_names([experiment])
    with pytest.raises(
        ExperimentError, match="the experiments of the run: name is 'threads-blocking-io' more than once"
    ):
        require_unique_names([experiment, experiment])


def test_load_says_which_file_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"absent\.toml: No such file"):
        read_experiments(tmp_path / "absent.toml")


def test_trials_come_by_processes_then_threads_then_routes() -> None:
    experiment = Experiment(
        name="order",
        question="?",
        workload=Workload(routes=("/b", "/a")),
        settings=Matrix(thread_count=(4, "unset"), process_count=(2, 1)),
        load=Load(users=(1,), warm_up=1, measure=1),
    )
    assert [
        (trial.setting.process_count, trial.setting.thread_count, trial.subject.route)
        for trial in planned_trials(experiment)
    ] == [
        (2, 4, "/b"),
        (2, 4, "/a"),
        (2, None, "/b"),
        (2, None, "/a"),
        (1, 4, "/b"),
        (1, 4, "/a"),
        (1, None, "/b"),
        (1, None, "/a"),
    ]


TEXTS = st.text(min_size=1, max_size=30)
LIMITS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def any_experiment(draw: st.DrawFn, name: str) -> Experiment:
    matrix = Matrix(
        thread_count=tuple(
            draw(st.lists(st.integers(1, MAX_THREAD_COUNT) | st.just("unset"), min_size=1, max_size=3, unique=True))
        ),
        process_count=tuple(draw(st.lists(st.integers(1, 10), min_size=1, max_size=3, unique=True))),
    )
    routes = draw(st.lists(st.from_regex(r"\A/[!-~]{0,10}\Z"), min_size=1, max_size=2, unique=True))
    users = tuple(sorted(draw(st.sets(st.integers(1, 1000), min_size=1, max_size=3))))

    def where() -> Where:
        return Where(
            thread_count=draw(st.sampled_from(matrix.thread_count)),
            process_count=draw(st.sampled_from(matrix.process_count)),
            users=draw(st.sampled_from(users)),
            route=draw(st.sampled_from(routes)),
        )

    return Experiment(
        name=name,
        question=draw(TEXTS),
        lesson=draw(st.text(max_size=30)),
        workload=Workload(routes=tuple(routes)),
        settings=matrix,
        load=Load(users=users, warm_up=draw(st.floats(0.2, 60)), measure=draw(st.floats(1, 600))),
        expect=tuple(
            Expectation(
                claim=draw(TEXTS),
                metric=draw(st.sampled_from(["throughput", "p50_ms", "p95_ms", "error_ratio"])),
                where=where(),
                over=where() if draw(st.booleans()) else None,
                at_least=draw(LIMITS),
            )
            for _ in range(draw(st.integers(0, 2)))
        ),
    )


@settings(deadline=None)  # a deadline would measure the machine's noise
@given(st.tuples(any_experiment("first"), any_experiment("second")))
def test_load_reads_back_what_dumps_wrote(
    tmp_path_factory: pytest.TempPathFactory, planned: tuple[Experiment, Experiment]
) -> None:
    path = tmp_path_factory.mktemp("run") / "experiment.toml"
    path.write_text(experiments_toml(planned), encoding="utf-8")
    assert read_experiments(path) == list(planned)


def test_expectation_of_arrivals_selects_a_setting_and_no_users(tmp_path: Path) -> None:
    text = ONE.replace("measure = 3.0", "measure = 3.0\narrivals = [0.5, 0.9]")
    (experiment,) = read_experiments(written(tmp_path, text.replace("users = 64 }", "arrivals = 0.9 }")))
    where = experiment.expect[0].where
    assert (where.arrivals, where.users) == (0.9, None)
    required = required_steps(experiment)
    assert [step.users for step in required] == [1, 64]  # the capacity, which the share is of

    both = written(tmp_path, text.replace("users = 64 }", "users = 64, arrivals = 0.9 }"))
    with pytest.raises(ExperimentError, match=r"expect\[0\].where.users is 64 together with arrivals: omit it"):
        read_experiments(both)
    several = written(tmp_path, text.replace("process_count = 1, users = 64 }", "arrivals = 0.9 }"))
    with pytest.raises(ExperimentError, match="it selects 2 planned steps, allowed is exactly one"):
        read_experiments(several)
