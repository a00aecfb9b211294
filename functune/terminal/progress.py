"""The progress of a sweep: a bar with the time left and the best so far on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from functune.analysis.numbers.generators import busiest_in_words
from functune.analysis.numbers.repeats import SAME
from functune.formatting import plural
from functune.run.measurement import BUSY_MACHINE, Measurement, causes_in_words
from functune.sweep.events import (
    AppChanged,
    Event,
    StepFinished,
    SweepFinished,
    SweepStarted,
    TimeLeft,
    TrialFailed,
    TrialStarted,
)
from functune.sweep.trials import PlannedTrial


@contextmanager
def shown(console: Console) -> Iterator[Callable[[Event], None]]:
    """Yield the function that prints the events of a sweep, above a bar on a terminal."""
    if not console.is_terminal:
        yield Lines(console).show
        return
    bar = Bar()
    with Live(get_renderable=lambda: bar, console=console, refresh_per_second=4, transient=True) as live:

        def show(event: Event) -> None:
            bar.follow(event)
            print_event(live.console, event)

        yield show


class Lines:
    """The lines of a sweep where there is no bar, a step with the highest throughput so far marked."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.best: Measurement | None = None

    def show(self, event: Event) -> None:
        """Print an event."""
        is_best = isinstance(event, StepFinished) and is_better(event.measurement, self.best, by=1 + SAME)
        if is_best and isinstance(event, StepFinished):
            self.best = event.measurement
        print_event(self.console, event, note="  (best so far)" if is_best else "")


def print_event(console: Console, event: Event, *, note: str = "") -> None:
    """Print an event on a line of its own, a step with the time left; a started trial prints nothing."""
    match event:
        case SweepStarted():
            text = (
                f"{'At most ' if event.left.at_most else ''}{plural(event.steps, 'step')}, {left_in_words(event.left)}"
            )
            text += f"; {plural(event.measured, 'step')} measured before" if event.measured else ""
            text += ". T: threads per process, P: worker processes"
        case StepFinished():
            text = f"{described(event.measurement)}  {left_in_words(event.left)} left{note}{doubts(event.measurement)}"
        case TrialFailed():
            cause = "the same cause as an earlier trial" if event.is_known else event.cause
            text = f"{'UNFIT' if event.is_unfit else 'FAILED'} {trial_in_words(event.trial)}: {cause}"
        case SweepFinished():
            failed = f", {plural(event.failures, 'trial')} failed" if event.failures else ""
            failed += f", {plural(event.unfit, 'trial')} did not fit the memory of the instance" if event.unfit else ""
            text = f"{plural(event.steps, 'step')} measured{failed}: {event.folder}"
        case AppChanged():
            text = event.text
        case TrialStarted():
            return
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def described(measurement: Measurement) -> str:
    """One measurement on one line, in columns."""
    found = causes_in_words(measurement.errors, measurement.worker_ends)
    instances = f"  {several} instances" if (several := len(measurement.instance_requests)) > 1 else ""
    errors = f"  {measurement.error_ratio:.1%} failed ({found})" if measurement.errors else ""
    load = f"{measurement.users:>4} users" if measurement.share is None else f"{measurement.share:>5.0%} of capacity"
    return (
        f"{measurement.experiment}  {measurement.setting!s:<12} {measurement.subject}  {load}  "
        f"{measurement.throughput:>8.1f} requests/s  {median_ms(measurement)} median{instances}{errors}"
    )


def trial_in_words(trial: PlannedTrial) -> str:
    """The experiment, setting and subject of a trial."""
    return f"{trial.experiment.name}  {trial.setting}  {trial.subject}"


def median_ms(measurement: Measurement) -> str:
    """The median latency of the successful requests, in milliseconds; a dash without any."""
    ordered = sorted(measurement.latencies_us)
    return f"{ordered[len(ordered) // 2] / 1000:>7.1f} ms" if ordered else "      - ms"


def doubts(measurement: Measurement) -> str:
    """A note when the load generator or another program may have determined the figure; else nothing."""
    said = ""
    if measurement.is_generator_busy:
        said += f"  ({busiest_in_words(measurement)} cores: the host may be faster than this)"
    if measurement.other_cpu is not None and measurement.other_cpu > BUSY_MACHINE:
        said += f"  (other programs used {measurement.other_cpu:.2f} cores)"
    return said


def left_in_words(left: TimeLeft) -> str:
    """``about 0:34``, ``at most 1:20``."""
    return f"{'at most' if left.at_most else 'about'} {clock(left.seconds)}"


def clock(seconds: float) -> str:
    """``m:ss``."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    return f"{minutes}:{rest:02}"


class Bar:
    """The bar with the time left, drawn several times a second, so that the time runs down between events."""

    def __init__(self) -> None:
        self.seconds = 1.0
        self.left = TimeLeft(seconds=1.0, at_most=False)
        self.at = monotonic()
        self.current = ""
        self.best: Measurement | None = None

    def follow(self, event: Event) -> None:
        """Update the bar with an event."""
        match event:
            case SweepStarted():
                self.seconds = event.left.seconds
                self.set_left(event.left)
            case TrialStarted():
                self.current = trial_in_words(event.trial)
                self.set_left(event.left)
            case StepFinished():
                self.set_left(event.left)
                if is_better(event.measurement, self.best):
                    self.best = event.measurement
            case TrialFailed():
                self.set_left(event.left)
            case SweepFinished():
                self.set_left(TimeLeft(seconds=0.0, at_most=False))

    def set_left(self, left: TimeLeft) -> None:
        """Set the time left as of now."""
        self.left, self.at = left, monotonic()

    def __rich__(self) -> Table:
        left = max(self.left.seconds - (monotonic() - self.at), 0.0)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=self.seconds, completed=self.seconds - left, width=40),
            f"{left_in_words(TimeLeft(seconds=left, at_most=self.left.at_most))} left",
            self.current,
        )
        lines = Table.grid()
        lines.add_row(bar)
        if self.best is not None:
            lines.add_row(Text(f"best so far: {described(self.best)}"))
        return lines


def is_better(measurement: Measurement, best: Measurement | None, *, by: float = 1.0) -> bool:
    """
    Whether few of its requests failed and it has more than ``by`` times the throughput of the best so far.

    The best begins anew with each subject of each experiment.
    """
    if not measurement.served:
        return False
    if best is None or (measurement.experiment, measurement.subject) != (best.experiment, best.subject):
        return True
    return measurement.throughput > by * best.throughput
