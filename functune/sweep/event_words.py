"""The events of a sweep in words, a line each."""

from functune.analysis.numbers.generators import busiest_in_words
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


def event_in_words(event: Event, *, note: str = "") -> str:
    """An event, a step with the time left and a note on it; an empty text for the start of a trial."""
    match event:
        case SweepStarted():
            text = (
                f"{'At most ' if event.left.at_most else ''}{plural(event.steps, 'step')}, {left_in_words(event.left)}"
            )
            text += f"; {plural(event.measured, 'step')} measured before" if event.measured else ""
            return text + ". T: threads per process, P: worker processes"
        case StepFinished():
            return f"{described(event.measurement)}  {left_in_words(event.left)} left{note}{doubts(event.measurement)}"
        case TrialFailed():
            cause = "the same cause as an earlier trial" if event.is_known else event.cause
            return f"{'UNFIT' if event.is_unfit else 'FAILED'} {trial_in_words(event.trial)}: {cause}"
        case SweepFinished():
            failed = f", {plural(event.failures, 'trial')} failed" if event.failures else ""
            failed += f", {plural(event.unfit, 'trial')} did not fit the memory of the instance" if event.unfit else ""
            return f"{plural(event.steps, 'step')} measured{failed}: {event.folder}"
        case AppChanged():
            return event.text
        case TrialStarted():
            return ""


def described(measurement: Measurement) -> str:
    """One measurement on one line, in columns."""
    found = causes_in_words(measurement.errors, measurement.worker_ends)
    instances = f"  {several} instances" if (several := len(measurement.instance_requests)) > 1 else ""
    errors = f"  {measurement.error_ratio:.1%} failed ({found})" if measurement.errors else ""
    users = f"{measurement.users:>4} {'user ' if measurement.users == 1 else 'users'}"
    load = users if measurement.share is None else f"{measurement.share:>5.0%} of capacity"
    return (
        f"{measurement.experiment}  {measurement.setting!s:<12} {measurement.subject}  {load}  "
        f"{measurement.throughput:>8.1f} requests/s  {median_ms(measurement)} median{instances}{errors}"
    )


def trial_in_words(trial: PlannedTrial) -> str:
    """The experiment, setting and subject of a trial."""
    return f"{trial.experiment.name}  {trial.setting}  {trial.subject}"


def median_ms(measurement: Measurement) -> str:
    """
    The median latency of the successful requests, in milliseconds; a dash without any.

    Of two in the middle it is the lower one, as p50 of the report.
    """
    ordered = sorted(measurement.latencies_us)
    return f"{ordered[(len(ordered) - 1) // 2] / 1000:>7.1f} ms" if ordered else "      - ms"


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
