"""Steps on a web server whose kept-alive connections were all accepted by some of its processes."""

import msgspec
import pytest

from functune.analysis.checks.processes import process_warnings
from functune.analysis.numbers.levels import Level
from functune.run.measurement import Measurement
from functune.setting import Setting
from tests.analysis.simulated import findings, level, planned, step, sweep

TWO = Setting(thread_count=16, process_count=2, host="gunicorn:gthread")


def served(*by_repeat: dict[str, int], users: int = 8, setting: Setting = TWO) -> Level:
    """A level with the answers of each process, by repeat."""
    return level(
        *(
            msgspec.structs.replace(step(setting=setting, users=users, repeat=repeat), worker_requests=answers)
            for repeat, answers in enumerate(by_repeat)
        )
    )


def test_step_that_one_of_two_processes_served_is_warned_of() -> None:
    one, both = served({"71": 240}), served({"71": 200, "72": 40})
    assert process_warnings([both, one]) == (
        "Fewer processes than their setting has served 1 of 2 steps, so the setting may serve more than was measured "
        "there: 1 of 2 processes served all requests with 16 threads in 2 processes, on gunicorn:gthread at 8 users. "
        "A connection that is kept alive stays with the process that accepted it. To reach all processes, use more "
        "users, or a server that closes each connection, as Gunicorn does with --keep-alive 0.",
    )
    assert process_warnings([both]) == ()


def test_worst_step_is_shown_and_one_such_repeat_is_enough() -> None:
    """Each repeat starts a server of its own, so its processes have pids of their own."""
    four = msgspec.structs.replace(TWO, process_count=4)
    half, quarter = served({"71": 9, "72": 9}, setting=four), served({"71": 9, "72": 9}, {"81": 18}, setting=four)
    [said] = process_warnings([half, quarter])
    assert "2 of 2 steps" in said
    assert "1 of 4 processes served all requests" in said


@pytest.mark.parametrize(
    "calm",
    [served({"71": 240}, users=3), served({}), served({"71": 80, "72": 80, "73": 80})],
    ids=["fewer than two users for each process", "answers without a process", "a process that was replaced"],
)
def test_nothing_is_said_where_the_answers_do_not_show_an_idle_process(calm: Level) -> None:
    assert process_warnings([calm]) == ()


def test_functions_host_has_no_connections_to_explain_it_by() -> None:
    [said] = process_warnings([served({"71": 240}, setting=Setting(thread_count=16, process_count=2))])
    assert said.endswith("1 of 2 processes served all requests with 16 threads in 2 processes at 8 users.")


def test_warning_is_one_of_the_experiment() -> None:
    experiment = planned()

    def on_two(one: Measurement) -> Measurement:
        return msgspec.structs.replace(one, setting=msgspec.structs.replace(one.setting, process_count=2))

    [said] = findings(experiment, map(on_two, sweep(experiment))).warnings
    assert said.startswith("Fewer processes than their setting has served 8 of 12 steps")
