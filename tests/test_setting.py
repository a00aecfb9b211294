"""The table of knobs, and everything that must know each of them."""

import msgspec
import pytest

from functune.experiments.messages import ALLOWED_VALUES
from functune.experiments.model import Matrix, Where
from functune.experiments.planned import left_out_in_words, planned_settings
from functune.setting import KNOBS, MAX_CONCURRENT_REQUESTS, Setting, from_file, titles_of, varying_knobs, words_of
from functune.web_servers import WEB_SERVERS

NAMES = {knob.name for knob in KNOBS}
SELECTED_TOO = {"users", "background_users", "route", "arrivals"}
"""What an expectation selects by other than knobs."""


def test_every_knob_is_a_field_of_setting_and_a_list_of_the_matrix() -> None:
    assert set(Setting.__struct_fields__) == NAMES
    assert set(Matrix.__struct_fields__) == NAMES


def test_every_knob_selects_steps_and_has_its_values_in_words() -> None:
    assert set(Where.__struct_fields__) - SELECTED_TOO == NAMES
    assert ALLOWED_VALUES.keys() >= NAMES


def test_columns_have_places_of_their_own() -> None:
    assert sorted(knob.column for knob in KNOBS) == list(range(len(KNOBS)))


def test_defaults_of_the_matrix_are_those_of_azure() -> None:
    assert planned_settings(Matrix()) == [Setting()]


@pytest.mark.parametrize(
    ("setting", "words", "text"),
    [
        (Setting(thread_count=16, process_count=2), "16 threads in 2 processes", "T=16 P=2"),
        (Setting(thread_count=1), "1 thread in 1 process", "T=1 P=1"),
        (Setting(), "1 process, threads unset", "T=unset P=1"),
        (Setting(limiter_tokens=80), "1 process, threads unset, 80 limiter tokens", "T=unset P=1 L=80"),
        (Setting(thread_count=4, per_instance_concurrency=8), "4 threads in 1 process, 8 at a time", "T=4 P=1 c=8"),
        (
            Setting(app_settings=(("A", "1"), ("B", "2"))),
            "1 process, threads unset, A=1, B=2",
            "T=unset P=1 A=1 B=2",
        ),
    ],
)
def test_setting_is_written_in_words_and_short(setting: Setting, words: str, text: str) -> None:
    assert (setting.in_words, str(setting)) == (words, text)


def test_simplest_setting_has_the_fewest_processes_then_threads() -> None:
    ordered = [
        Setting(thread_count=4),
        Setting(thread_count=16),
        Setting(),
        Setting(per_instance_concurrency=1),
        Setting(app_settings=(("A", "1"),)),
        Setting(thread_count=4, process_count=2),
    ]
    assert sorted(set(ordered), key=lambda one: one.simplicity) == ordered


def test_more_limiter_tokens_are_less_simple_than_none_and_simpler_than_a_process() -> None:
    ordered = [Setting(), Setting(limiter_tokens=40), Setting(limiter_tokens=80), Setting(process_count=2)]
    backwards = ordered[::-1]
    assert sorted(backwards, key=lambda one: one.simplicity) == ordered


def test_limiter_is_left_out_on_hosts_that_do_not_have_it() -> None:
    matrix = Matrix(limiter_tokens=("unset", 80), host=("local", "func", "gunicorn:gthread", "uvicorn"))
    assert [(each.host, each.limiter_tokens) for each in planned_settings(matrix)] == [
        ("local", None),
        ("func", None),
        ("gunicorn:gthread", None),
        ("uvicorn", None),
        ("local", 80),
        ("uvicorn", 80),
    ]
    assert left_out_in_words(matrix) == [
        "func has no limiter_tokens: its settings leave it unset.",
        "gunicorn:gthread has no limiter_tokens: its settings leave it unset.",
    ]
    several = Matrix(thread_count=(4,), limiter_tokens=(80,), host=("gunicorn:sync", "local"))
    assert left_out_in_words(several) == [
        "gunicorn:sync has no thread_count and no limiter_tokens: its settings leave them unset."
    ]
    assert left_out_in_words(Matrix(host=("gunicorn:sync",))) == []


def test_app_settings_name_every_variable_and_keep_unset_ones() -> None:
    assert Setting(process_count=2, app_settings=(("A", "1"),)).app_setting_values() == {
        "FUNCTIONS_WORKER_PROCESS_COUNT": "2",
        "PYTHON_THREADPOOL_THREAD_COUNT": None,
        "A": "1",
    }


def test_values_of_a_file_are_those_of_a_setting() -> None:
    assert [from_file(value) for value in ("unset", 3, {"B": "2", "A": "1"})] == [None, 3, (("A", "1"), ("B", "2"))]


def test_knobs_that_vary_are_named_in_the_order_of_simplicity() -> None:
    several = [Setting(thread_count=1), Setting(thread_count=4, process_count=2)]
    assert titles_of(varying_knobs(several)) == "processes and threads"
    assert words_of(several[1], ["thread_count", "process_count"]) == "2 processes, 4 threads"
    assert varying_knobs([Setting()]) == ()


def test_setting_is_read_back_as_written() -> None:
    setting = Setting(thread_count=4, app_settings=(("A", "1"),))
    assert msgspec.json.decode(msgspec.json.encode(setting), type=Setting) == setting


def test_settings_of_a_web_server_are_the_variables_that_it_reads() -> None:
    gthread = Setting(process_count=2, thread_count=16, host="gunicorn:gthread")
    assert gthread.settings_to_set() == {
        "WEB_CONCURRENCY": "2",
        "GUNICORN_CMD_ARGS": "--worker-class gthread --threads 16",
    }
    assert Setting(process_count=3, host="gunicorn:sync").settings_to_set() == {
        "WEB_CONCURRENCY": "3",
        "GUNICORN_CMD_ARGS": "--worker-class sync",
    }
    own = (("GUNICORN_CMD_ARGS", "--timeout 9"), ("A", "b"))
    assert Setting(thread_count=4, host="gunicorn:gthread", app_settings=own).settings_to_set() == {
        "WEB_CONCURRENCY": "1",
        "GUNICORN_CMD_ARGS": "--worker-class gthread --threads 4 --timeout 9",
        "A": "b",
    }
    uvicorn = Setting(thread_count=4, host="uvicorn", app_settings=(("A", "b"),)).settings_to_set()
    assert uvicorn == {"WEB_CONCURRENCY": "1", "PYTHON_THREADPOOL_THREAD_COUNT": "4", "A": "b"}
    workers = Setting(host="gunicorn:uvicorn").settings_to_set()
    assert workers["GUNICORN_CMD_ARGS"] == "--worker-class uvicorn_worker.UvicornWorker"
    assert "PYTHON_THREADPOOL_THREAD_COUNT" not in workers  # an app that is no function app does not read it


def test_threads_in_effect_are_those_of_the_host_where_none_are_set() -> None:
    hosts = (None, "local", "func", *WEB_SERVERS)
    assert {host: Setting(host=host).threads for host in hosts} == {
        None: 1000,
        "local": 1000,
        "func": 1000,
        "gunicorn:gthread": 1,
        "gunicorn:sync": 1,
        "gunicorn:asgi": 1000,
        "gunicorn:uvicorn": 1000,
        "uvicorn": 1000,
        "app-service": 1,
        "app-service:fastapi": 1000,
    }
    unset, four = Setting(host="gunicorn:gthread"), Setting(host="gunicorn:gthread", thread_count=4)
    assert unset.simplicity < four.simplicity
    assert unset.calls_inside(8) == 1


def test_limit_per_instance_is_recommended_as_the_limit_of_host_json() -> None:
    assert Setting(per_instance_concurrency=4).settings_to_set()[MAX_CONCURRENT_REQUESTS] == "4"
    assert MAX_CONCURRENT_REQUESTS not in Setting().settings_to_set()
    assert MAX_CONCURRENT_REQUESTS not in Setting(per_instance_concurrency=4).app_setting_values()


def test_functions_hosts_come_first_among_settings_that_serve_alike() -> None:
    hosts = ["gunicorn:asgi", "uvicorn", "local", "gunicorn:gthread"]
    ranked = sorted((Setting(host=host, thread_count=4) for host in hosts), key=lambda setting: setting.simplicity)
    assert [setting.host for setting in ranked] == ["local", "gunicorn:gthread", "gunicorn:asgi", "uvicorn"]
