"""
A run folder: created by a sweep, completed by the report, reopened to resume.

    experiment.toml       the experiments, written first
    inputs/               copies of the files that the experiments name, if any
    environment.json      app, machine and software, written first
    calibration.jsonl     the load generator's own speed, before and after
    measurements.jsonl    one line per step, written as soon as the step is over
    failures.jsonl        one line per trial that could not be measured or does not fit, if any
    profile.json          lines of the reader's code, from a profile after the search, if one was made, and
                          profile.speedscope.json, the same for speedscope

Everything else in it is written from these by the report.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

import msgspec

from functune.errors import RunFolderError
from functune.experiments.file import experiments_toml, read_experiments
from functune.experiments.model import Experiment
from functune.run import version2
from functune.run.environment import ENVIRONMENT as ENVIRONMENT
from functune.run.environment import Environment, differences
from functune.run.journal import append_line, cut_torn_line, decode_lines, whole_lines
from functune.run.measurement import SCHEMA_VERSION, Calibration, Failure, Measurement
from functune.run.measuring import require_not_measured
from functune.run.profile import PROFILE, Profile

EXPERIMENTS = "experiment.toml"
MEASUREMENTS = "measurements.jsonl"
CALIBRATIONS = "calibration.jsonl"
FAILURES = "failures.jsonl"
JOURNALS: dict[type[msgspec.Struct], str] = {
    Measurement: MEASUREMENTS,
    Calibration: CALIBRATIONS,
    Failure: FAILURES,
}
"""The file of each kind of record."""


class Versioned(msgspec.Struct):
    """The field by which a line of measurements.jsonl states its schema."""

    schema_version: int


class RunFolder:
    """A run folder, its experiments and environment. Its methods raise RunFolderError for a file they cannot use."""

    def __init__(self, path: Path, asked: Sequence[Experiment], environment: Environment) -> None:
        self.path = path
        self.experiments = tuple(asked)
        self.environment = environment

    @classmethod
    def create(
        cls,
        path: Path,
        asked: Sequence[Experiment],
        environment: Environment,
        *,
        inputs: Mapping[str, bytes] = {},
    ) -> Self:
        """
        A new run in the folder ``path``, which may exist. Raises RunFolderError when it holds a run already.

        ``inputs`` are the contents of the files that the experiments name, by their path in the folder.
        """
        if (path / MEASUREMENTS).exists():
            raise RunFolderError(
                f"{path} holds a run already ({MEASUREMENTS}): resume it with `functune sweep --resume {path}`, "
                "give another folder with --out, or remove this one"
            )
        folder = cls(path, asked, environment)
        with folder.writing(path):
            path.mkdir(parents=True, exist_ok=True)
            for journal in (FAILURES, CALIBRATIONS):  # of a run that measured nothing and is now repeated
                (path / journal).unlink(missing_ok=True)
        for name, content in inputs.items():
            with folder.writing(path / name):
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                (path / name).write_bytes(content)
        folder.write_text(EXPERIMENTS, experiments_toml(asked))
        folder.write_text(ENVIRONMENT, msgspec.json.format(msgspec.json.encode(environment), indent=2).decode() + "\n")
        return folder

    @classmethod
    def open(cls, path: Path) -> Self:
        """The run of a folder, to read. Raises RunFolderError, or ExperimentError for its experiment.toml."""
        if not (path / ENVIRONMENT).is_file():
            raise RunFolderError(
                f"{path} is not a run folder: it has no {ENVIRONMENT}; `functune sweep --out DIR` writes a run folder"
            )
        try:
            environment = msgspec.json.decode((path / ENVIRONMENT).read_bytes(), type=Environment)
        except (OSError, msgspec.DecodeError) as error:
            raise RunFolderError(f"{path / ENVIRONMENT}: {error}; measure again into another folder") from error
        return cls(path, read_experiments(path / EXPERIMENTS), environment)

    @classmethod
    def open_to_resume(cls, path: Path) -> Self:
        """The run of a folder, to be continued. Raises RunFolderError when an older functune began it."""
        folder = cls.open(path)
        if folder.schema_version() not in (None, SCHEMA_VERSION) or not folder.environment.host_kind:
            raise RunFolderError(
                f"{path} cannot be resumed: an older functune began it; measure again into another folder"
            )
        return folder

    def reopen(self, environment: Environment) -> None:
        """
        Make the folder ready for more measurements; ``environment`` is that of the resuming sweep.

        Raises RunFolderError when the app, machine or software has changed, since the figures of two are not one run,
        and while another command measures the run.
        """
        require_not_measured(self.path)
        for name, was, now in differences(self.environment, environment):
            change = (
                "files of the app have changed" if name == "app_digest" else f"{name} was {was!r} and is {now!r} now"
            )
            raise RunFolderError(f"{self.path} cannot be resumed: {change}; measure again into another folder")
        with self.writing(self.path):
            (self.path / FAILURES).unlink(missing_ok=True)  # failed trials are tried again
            for journal in (MEASUREMENTS, CALIBRATIONS):
                cut_torn_line(self.path / journal)

    def schema_version(self) -> int | None:
        """The schema version of the measurements; None without any."""
        path = self.path / MEASUREMENTS
        lines = whole_lines(path)
        if not lines:
            return None
        try:
            return msgspec.json.decode(lines[0], type=Versioned).schema_version
        except msgspec.DecodeError as error:
            raise RunFolderError(f"{path}, line 1: not a measurement: {error}") from error

    def measurements(self) -> list[Measurement]:
        """The measurements in the order they were made; an unfinished last line is ignored. Possibly none."""
        path = self.path / MEASUREMENTS
        match self.schema_version():
            case None:
                return []
            case version if version == SCHEMA_VERSION:
                return decode_lines(path, Measurement)
            case version2.VERSION:
                with self.decoding(path):
                    read = [version2.measurement_from_version2(line) for line in whole_lines(path)]
                return version2.with_shares(read, self.experiments)
            case version:
                raise RunFolderError(
                    f"{path}: schema_version is {version}, this functune reads {version2.VERSION} and "
                    f"{SCHEMA_VERSION}; measure again, or use the functune that wrote it"
                )

    def require_measurements(self) -> list[Measurement]:
        """The measurements. Raises RunFolderError when there are none, unless the reason is a result."""
        found = self.measurements()
        if not found and all(failure.unfit_mb is None for failure in self.failures()):
            raise RunFolderError(f"{self.path} holds no measurement: the sweep ended before its first step")
        return found

    def calibrations(self) -> list[Calibration]:
        """The calibrations in the order they were made; possibly none."""
        return decode_lines(self.path / CALIBRATIONS, Calibration)

    def failures(self) -> list[Failure]:
        """The trials that could not be measured; possibly none."""
        path = self.path / FAILURES
        if self.schema_version() != version2.VERSION:
            return decode_lines(path, Failure)
        with self.decoding(path):
            several = [version2.failures_from_version2(line, self.experiments) for line in whole_lines(path)]
        return [failure for each in several for failure in each]

    def profile(self) -> Profile:
        """The profile; one without steps where none was made."""
        path = self.path / PROFILE
        if not path.exists():
            return Profile()
        try:
            return msgspec.json.decode(path.read_bytes(), type=Profile)
        except (OSError, msgspec.DecodeError) as error:
            raise RunFolderError(
                f"{path}: cannot be read as a profile: {error}; remove it to report without"
            ) from error

    def append(self, record: Measurement | Calibration | Failure) -> None:
        """Append a record to its file and force it to the disk."""
        path = self.path / JOURNALS[type(record)]
        with self.writing(path):
            append_line(path, record)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the folder, in UTF-8."""
        with self.writing(self.path / name):
            (self.path / name).write_text(text, encoding="utf-8")

    @staticmethod
    @contextlib.contextmanager
    def writing(path: Path) -> Iterator[None]:
        """Turn errors of the file system into RunFolderError."""
        try:
            yield
        except OSError as error:
            raise RunFolderError(
                f"{path} cannot be written: {error.strerror}; measurements made so far are kept. "
                "Free space on the disk or allow writing there, then resume, or give another folder with --out"
            ) from error

    @staticmethod
    @contextlib.contextmanager
    def decoding(path: Path) -> Iterator[None]:
        """Turn errors of msgspec into RunFolderError."""
        try:
            yield
        except msgspec.DecodeError as error:
            raise RunFolderError(f"{path}: cannot be read as schema version {version2.VERSION}: {error}") from error
