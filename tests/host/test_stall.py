"""How several workers start one after another, and which calls wait meanwhile, as in the real host's source."""

from datetime import datetime
from pathlib import Path

from tests.host.serving import APPS, Serving, children


def release(stages: Path, *numbers: int, text: str = "") -> None:
    """Let these workers of the staged app go on."""
    for number in numbers:
        (stages / f"{number}.new").write_text(text)
        (stages / f"{number}.new").rename(stages / str(number))


def moment_of(host: Serving, pattern: str) -> datetime:
    """When the host printed the line that begins with ``pattern`` after its timestamp."""
    return datetime.fromisoformat(host.line(rf"^\[(\S+)Z\] {pattern}")[1])


def started(number: int) -> str:
    return rf"Worker process started and initialized\. \(worker {number} \(pid \d+\)\)"


def numbers_of(host: Serving) -> set[str]:
    """The workers that answer several calls."""
    return {host.get("/api/number").text for _ in range(4)}


def test_calls_wait_for_the_second_worker_and_while_a_later_one_starts(tmp_path: Path) -> None:
    """Worker 2 starts at once, worker 3 and 4 each a second after their predecessor. Worker 3 fails to start."""
    release(tmp_path, 1)
    with Serving(
        *(APPS / "staged", "--worker-startup-interval", "1"),
        FUNCTIONS_WORKER_PROCESS_COUNT="4",
        STAGES=str(tmp_path),
    ) as host:
        host.url = host.line(r"listening on (\S+)")[1]
        host.line("staged 2")
        assert len(children(host.process.pid)) == 2
        assert host.workers()["ready"] == 1
        waiting = host.send("/api/number")
        assert not waiting.is_answered()
        release(tmp_path, 2)
        assert waiting.answer().text == "2"

        host.line("staged 3")
        waiting = host.send("/api/number")
        # Two workers are ready and would answer within milliseconds.
        assert not waiting.is_answered(within=0.5)
        release(tmp_path, 4)
        release(tmp_path, 3, text="fail")
        assert waiting.answer().text in {"1", "2"}

        failed = moment_of(
            host, "Failed to start worker 3: the app in .* cannot be loaded: RuntimeError: stage 3 fails"
        )
        first, second, fourth = (moment_of(host, started(number)) for number in (1, 2, 4))
        assert first <= second
        assert (failed - second).total_seconds() >= 1
        assert (fourth - failed).total_seconds() >= 1
        assert numbers_of(host) == {"1", "2", "4"}


def test_no_startup_stall_serves_while_the_third_worker_starts(tmp_path: Path) -> None:
    """Worker 2 fails to start, which leaves the first one serving."""
    release(tmp_path, 1)
    release(tmp_path, 2, text="fail")
    with Serving(
        *(APPS / "staged", "--worker-startup-interval", "0", "--no-startup-stall"),
        FUNCTIONS_WORKER_PROCESS_COUNT="3",
        STAGES=str(tmp_path),
    ) as host:
        host.url = host.line(r"listening on (\S+)")[1]
        host.line(r"Failed to start worker 2: the app in .* cannot be loaded: RuntimeError: stage 2 fails")
        host.line("staged 3")
        assert numbers_of(host) == {"1"}
        release(tmp_path, 3)
        moment_of(host, started(3))
        assert numbers_of(host) == {"1", "3"}
