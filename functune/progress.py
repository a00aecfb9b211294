"""
How a sweep looks while it runs: a bar with the time left and the best so far on a terminal, plain lines elsewhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from functune.measurements import BUSY_GENERATOR, BUSY_MACHINE, Measurement
from functune.sweep import Event, StepFinished, SweepFinished, SweepStarted, TrialFailed, TrialStarted


@contextmanager
def shown(console: Console) -> Iterator[Callable[[Event], None]]:
    """Yield what is to be called with the events of a sweep: above a bar on a terminal, alone where there is none."""
    if not console.is_terminal:
        yield lambda event: print_event(console, event)
        return
    bar = Bar()
    with Live(get_renderable=lambda: bar, console=console, refresh_per_second=4, transient=True) as live:

        def show(event: Event) -> None:
            bar.follow(event)
            print_event(live.console, event)

        yield show


def print_event(console: Console, event: Event) -> None:
    """Print the line or lines of an event, those of a step with the time left; a started trial has none."""
    match event:
        case SweepStarted():
            text = f"{counted(event.trials, 'trial')}, {counted(event.steps, 'step')}, about {clock(event.seconds)}"
        case StepFinished():
            text = f"{described(event.measurement)}  {clock(event.seconds_left)} left{warnings(event.measurement)}"
        case TrialFailed():
            trial = event.trial
            text = f"FAILED {trial.experiment.name}  {trial.setting}  {trial.route}: {event.cause}"
        case SweepFinished():
            failed = f", {counted(event.failures, 'trial')} failed" if event.failures else ""
            text = f"{counted(event.steps, 'step')} measured{failed}: {event.folder}"
        case TrialStarted():
            return
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def described(measurement: Measurement) -> str:
    """One measurement on one line, in columns."""
    errors = f"  {measurement.error_ratio:.1%} failed" if measurement.errors else ""
    return (
        f"{measurement.experiment}  {measurement.setting!s:<12} {measurement.route}  {measurement.users:>4} users  "
        f"{measurement.throughput:>8.1f} requests/s  {median_ms(measurement)} median{errors}"
    )


def median_ms(measurement: Measurement) -> str:
    """The median latency of what succeeded, in milliseconds; a dash when nothing did."""
    ordered = sorted(measurement.latencies_us)
    return f"{ordered[len(ordered) // 2] / 1000:>7.1f} ms" if ordered else "      - ms"


def warnings(measurement: Measurement) -> str:
    """Says so when something else than the host may be what was measured: the load generator or another program."""
    said = ""
    if measurement.generator_cpu > BUSY_GENERATOR:
        said += f"  (the load generator used {measurement.generator_cpu:.2f} cores: the host may be faster than this)"
    if measurement.other_cpu is not None and measurement.other_cpu > BUSY_MACHINE:
        said += f"  (other programs used {measurement.other_cpu:.2f} cores: repeat on an idle machine)"
    return said


def counted(number: int, noun: str) -> str:
    """``1 step``, ``2 steps``."""
    return f"{number} {noun}{'s' if number != 1 else ''}"


def clock(seconds: float) -> str:
    """``m:ss``."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    return f"{minutes}:{rest:02}"


class Bar:
    """What the last events said, drawn again several times a second, so that the time left runs down between them."""

    def __init__(self) -> None:
        self.seconds = 1.0
        self.seconds_left = 1.0
        self.at = monotonic()
        self.current = ""
        self.best: Measurement | None = None

    def follow(self, event: Event) -> None:
        """Take in an event."""
        match event:
            case SweepStarted():
                self.seconds = event.seconds
                self.tell(event.seconds)
            case TrialStarted():
                self.current = f"{event.trial.experiment.name}  {event.trial.setting}  {event.trial.route}"
                self.tell(event.seconds_left)
            case StepFinished():
                self.tell(event.seconds_left)
                if self.best is None or is_better(event.measurement, self.best):
                    self.best = event.measurement
            case TrialFailed():
                self.tell(event.seconds_left)
            case SweepFinished():
                self.tell(0.0)

    def tell(self, seconds_left: float) -> None:
        """Set the time left as of now."""
        self.seconds_left, self.at = seconds_left, monotonic()

    def __rich__(self) -> Table:
        left = max(self.seconds_left - (monotonic() - self.at), 0.0)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=self.seconds, completed=self.seconds - left, width=40),
            f"{clock(left)} left",
            self.current,
        )
        lines = Table.grid()
        lines.add_row(bar)
        if self.best is not None:
            lines.add_row(Text(f"best so far: {described(self.best)}"))
        return lines


def is_better(measurement: Measurement, best: Measurement) -> bool:
    """Whether it is of another experiment than the best, or has a higher throughput."""
    return measurement.experiment != best.experiment or measurement.throughput > best.throughput
