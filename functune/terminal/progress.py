"""The progress of a sweep: a bar with the time left and the best so far on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from functune.analysis.numbers.repeats import SAME
from functune.run.measurement import Measurement
from functune.sweep.event_words import described, event_in_words, left_in_words, trial_in_words
from functune.sweep.events import (
    Event,
    StepFinished,
    SweepFinished,
    SweepStarted,
    TimeLeft,
    TrialFailed,
    TrialStarted,
)


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
    if text := event_in_words(event, note=note):
        console.print(text, markup=False, highlight=False, soft_wrap=True)


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
