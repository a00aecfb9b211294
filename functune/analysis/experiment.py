"""The findings of an experiment: everything that report, plans, files and terminal show of it, computed once."""

from collections.abc import Iterable, Sequence

import msgspec

from functune.analysis.checks.drift import Drift, drift
from functune.analysis.checks.expectations import Outcome, check_expectations
from functune.analysis.checks.interference import interference_warnings, window_warnings
from functune.analysis.checks.live import instance_warnings, unseen_warnings
from functune.analysis.checks.processes import process_warnings
from functune.analysis.laws.bounds import Demand, demand_of
from functune.analysis.laws.curves import Law, laws_of
from functune.analysis.laws.prediction import Prediction, predict
from functune.analysis.laws.time_split import Split, splits_of
from functune.analysis.not_measured import NotMeasured, failed_settings, unfit_everywhere, unfit_in_words, with_kills
from functune.analysis.numbers.figures import Price
from functune.analysis.numbers.hot_lines import SubjectProfile
from functune.analysis.numbers.levels import Level, levels_of
from functune.analysis.search.exploration import Scope, explore
from functune.analysis.search.skipped import Skipped
from functune.analysis.server_choice import ServerChoice, choose_server
from functune.analysis.verdict.advice import Advice, advise
from functune.analysis.verdict.limit import Limit
from functune.analysis.verdict.limit_rules import find_limit
from functune.analysis.verdict.recommendation import Aim, Recommendation, aim_of, judged_levels, recommend
from functune.analysis.verdict.sentences import verdict
from functune.analysis.verdict.standings import Standing, standings_of
from functune.analysis.verdict.strategies import NoChoice, pareto_front
from functune.experiments.model import Baseline, Experiment
from functune.experiments.planned import planned_steps, planned_subjects
from functune.experiments.subject import Subject
from functune.run.measurement import Failure, Measurement
from functune.setting import Setting


class SubjectFindings(msgspec.Struct, frozen=True, kw_only=True):
    """The findings about one subject."""

    subject: Subject
    """The requests that were measured."""
    levels: tuple[Level, ...]
    """Closed-loop levels that count, by setting (simplest first) and users."""
    arrivals: tuple[Level, ...]
    """Open-loop levels that count, by setting and share."""
    predictions: tuple[Prediction, ...]
    """The predictions for those arrivals for which queueing theory has a mean, in the same order."""
    recommended: Recommendation | None
    """The setting to use; None where nothing can be recommended."""
    unmet: str
    """Why nothing is recommended; empty where something is."""
    demand: Demand | None
    """The time that one request needs; None without a single-user level that reports its times."""
    standings: tuple[Standing, ...]
    """The settings worth knowing by name."""
    front: tuple[tuple[Setting, int], ...]
    """Setting and users of the levels that no other beats in both cost and p95, cheapest first."""
    laws: tuple[Law, ...]
    """The curve of throughput against users, for each setting."""
    splits: tuple[Split, ...]
    """The parts of the latency with the recommended setting, by users."""

    @property
    def front_levels(self) -> tuple[Level, ...]:
        """The levels of the front."""
        by_step = {(level.setting, level.users): level for level in self.levels}
        return tuple(by_step[key] for key in self.front)

    def law(self, setting: Setting) -> Law | None:
        """The law of a setting; None where nothing was served."""
        return next((law for law in self.laws if law.setting == setting), None)


class ExperimentFindings(msgspec.Struct, frozen=True, kw_only=True):
    """The findings of one experiment. They hold no raw latencies: those are in measurements.jsonl."""

    name: str
    """The name of the experiment."""
    experiment: Experiment
    """The experiment as it was measured."""
    cores: float | None
    """Those the run could use; None when unknown."""
    verdict: str
    """The answer, in one or two sentences."""
    advice: tuple[Advice, ...]
    """The settings to use: one for all subjects, or one for each."""
    subjects: tuple[SubjectFindings, ...]
    """Those that were measured, in file order."""
    limits: dict[str, Limit]
    """The limit of each measured subject, by the subject in words, also where nothing is recommended."""
    outcomes: tuple[Outcome, ...]
    """The expectations, checked."""
    warnings: tuple[str, ...]
    """Circumstances that make the figures doubtful."""
    drift: Drift | None
    """How the baseline, measured in every round, changed over the run; None where too few repeats show it."""
    void: tuple[Level, ...]
    """The levels with a measurement that does not count."""
    failed: tuple[NotMeasured, ...]
    """The settings that could not be measured, or not to the end."""
    skipped: tuple[Skipped, ...]
    """Settings that the search measured no further."""
    servers: tuple[ServerChoice, ...] = ()
    """The servers compared, for each subject that was measured on several."""
    planned: int
    """Steps of the experiment's grid; fewer are measured where a search skipped some, or a run was cut short."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """The closed-loop levels of all subjects."""
        return tuple(level for each in self.subjects for level in each.levels)

    @property
    def arrivals(self) -> tuple[Level, ...]:
        """The open-loop levels of all subjects."""
        return tuple(level for each in self.subjects for level in each.arrivals)

    @property
    def recommendations(self) -> tuple[Recommendation, ...]:
        """One per subject that has one, in file order."""
        return tuple(each.recommended for each in self.subjects if each.recommended is not None)

    @property
    def passed(self) -> bool:
        """Whether no expectation fails; those that were not judged do not count."""
        return all(outcome.result != "fails" for outcome in self.outcomes)

    @property
    def worked(self) -> bool:
        """Whether a step worked: served something and failed at most 1 % of its requests."""
        return any(level.figures.worked for level in (*self.levels, *self.arrivals))

    @property
    def answered(self) -> bool:
        """Whether a step worked, or nothing did because the app does not fit the memory of any instance."""
        unfit = {(each.subject, each.setting) for each in self.failed if each.unfit_mb is not None}
        return self.worked or (
            bool(unfit)
            and len(unfit) == len(self.failed)
            and all((level.subject, level.setting) in unfit for level in (*self.levels, *self.arrivals))
        )

    def failure(self, subject: Subject, setting: Setting) -> NotMeasured | None:
        """The failure of a setting that could not be measured for a subject; None where it could."""
        return next((each for each in self.failed if (each.subject, each.setting) == (subject, setting)), None)

    def skip(self, subject: Subject, setting: Setting) -> str | None:
        """Why the search measured a setting no further for a subject; None where it did not stop."""
        return next((each.reason for each in self.skipped if (each.subject, each.setting) == (subject, setting)), None)


def analyse(
    experiment: Experiment,
    measurements: Iterable[Measurement],
    *,
    cores: float | None = None,
    price: Price | None = None,
    scopes: Sequence[Scope] = (),
    failures: Iterable[Failure] = (),
    profiles: Sequence[SubjectProfile] = (),
) -> ExperimentFindings:
    """
    The findings of one experiment; measurements, failures and profiles of others are ignored.

    ``cores`` is the measuring machine's, None when unknown; ``price`` the cost of a million requests;
    ``scopes`` are the sets of settings that the search looked for a best one in. Raises UsageError when the objective
    cannot be read.
    """
    aim = aim_of(experiment, price)
    mine = [step for step in measurements if step.experiment == experiment.name]
    failed = failed_settings(experiment, failures)
    every = with_kills(in_order(levels_of(mine, seed=aim.seed, price=price), experiment), failed)
    valid = [level for level in every if level.counts]
    closed = [level for level in valid if level.share is None]
    measured = [each for each in planned_subjects(experiment) if any(level.subject == each for level in every)]
    profiled = {each.subject: each for each in profiles if each.experiment == experiment.name}
    unfit = {subject: unfit_everywhere(subject, valid, failed) for subject in planned_subjects(experiment)}
    limits = {
        subject: limit
        or find_limit(
            judged_levels(subject, every, aim=aim),
            cores=cores,
            profile=profiled.get(subject),
            memory_mb=aim.memory_mb,
        )
        for subject, limit in unfit.items()
        if limit is not None or subject in measured
    }
    subjects = tuple(
        findings_of(subject, valid, aim=aim, cores=cores, limit=limits[subject], baseline=experiment.baseline)
        for subject in measured
    )
    recommendations = [each.recommended for each in subjects if each.recommended is not None]
    unmet = [(each.subject, each.unmet) for each in subjects if each.recommended is None]
    is_search = experiment.load.search == "adaptive"
    skipped = explore(experiment, closed, cores=cores, scopes=scopes).skipped if is_search else ()
    compared = {level.setting for level in closed} | {skip.setting for skip in skipped}
    advice = advise(recommendations, choices=len(compared))
    too_large = unfit_in_words(failed)
    return ExperimentFindings(
        name=experiment.name,
        experiment=experiment,
        cores=cores,
        verdict=verdict(recommendations, advice, unmet, too_large, baseline=experiment.baseline)
        if closed or too_large
        else "Nothing of this experiment was measured.",
        advice=advice,
        subjects=subjects,
        limits={str(subject): limit for subject, limit in limits.items()},
        outcomes=check_expectations(experiment, valid, cores=cores),
        warnings=(
            *interference_warnings(closed),
            *window_warnings(closed),
            *process_warnings(closed),
            *instance_warnings(closed),
            *unseen_warnings(closed),
        ),
        drift=drift([level for level in closed if level.setting == experiment.compared_with]),
        void=tuple(level for level in every if level.void),
        failed=failed,
        skipped=skipped,
        servers=tuple(
            found
            for subject in measured
            if (found := choose_server(subject, closed, seed=aim.seed, price=price)) is not None
        ),
        planned=len(list(planned_steps(experiment))),
    )


def findings_of(
    subject: Subject, valid: Sequence[Level], *, aim: Aim, cores: float | None, limit: Limit, baseline: Baseline | None
) -> SubjectFindings:
    """The findings about one subject from all levels that count."""
    own = [level for level in valid if level.subject == subject]
    levels = tuple(level for level in own if level.share is None)
    arrivals = tuple(level for level in own if level.share is not None)
    worked = [level for level in levels if level.figures.worked]
    choice = recommend(subject, levels, aim=aim, limit=limit)
    recommended = None if isinstance(choice, NoChoice) else choice
    predictions = (predict(level, levels, cores=cores) for level in arrivals)
    return SubjectFindings(
        subject=subject,
        levels=levels,
        arrivals=arrivals,
        predictions=tuple(each for each in predictions if each is not None),
        recommended=recommended,
        unmet=choice.reason if isinstance(choice, NoChoice) else "",
        demand=demand_of(levels, cores=cores),
        standings=standings_of(recommended, levels, seed=aim.seed, baseline=baseline) if recommended else (),
        front=tuple((level.setting, level.users) for level in pareto_front(worked)),
        laws=laws_of(levels, seed=aim.seed),
        splits=splits_of(levels, setting=recommended.setting) if recommended else (),
    )


def in_order(levels: Iterable[Level], experiment: Experiment) -> list[Level]:
    """The levels by subject in file order, setting (simplest first), and load; other subjects are omitted."""
    subjects = planned_subjects(experiment)
    return sorted(
        (level for level in levels if level.subject in subjects),
        key=lambda level: (subjects.index(level.subject), level.setting.simplicity, level.share or 0.0, level.users),
    )
