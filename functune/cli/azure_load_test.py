"""functune azure load-test."""

import sys
from pathlib import Path

import click

from functune.cli.answer import Answer, answers
from functune.environ import URL_KEY, process_environ
from functune.errors import UsageError
from functune.experiments.file import read_experiments
from functune.experiments.inputs import check_inputs, variable_names
from functune.experiments.model import Experiment
from functune.experiments.planned import planned_settings
from functune.run.environment import shown_command
from functune.run.folder import ENVIRONMENT, EXPERIMENTS, RunFolder
from functune.run.new_path import new_run_path

DEFAULT_OUT = Path("azure-load-test")
LONGEST_TEST = 180
"""Minutes; a longer test's results cannot be downloaded."""


@click.command("load-test")
@click.argument("source", type=click.Path(path_type=Path, exists=True), metavar="EXPERIMENT.toml|RUN|TEST")
@click.option("--host", metavar="URL", help="The app.  [default: that of the RUN, where it was measured at a URL]")
@click.option("--experiment", "name", metavar="NAME", help="The experiment, where there are several.")
@click.option("--request", "wanted", metavar="NAME", help="The request, where several are measured alone.")
@click.option(
    "--users",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Users in total.  [default: the experiment's highest number]",
)
@click.option(
    "--engines",
    type=click.IntRange(1, 400),
    metavar="N",
    help="Test engines, which share the users.  [default: one for each 250 users]",
)
@click.option(
    "--minutes",
    type=click.IntRange(1, LONGEST_TEST),
    metavar="N",
    default=3,
    show_default=True,
    help="How long the users run.",
)
@click.option(
    "--requirements",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A requirements.txt for a Locust file that imports further packages.",
)
@click.option("--key-vault", "vault", metavar="NAME", help="The Key Vault that has the secrets of the requests.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Read the results of a test run instead, as downloaded: the zip file, its folder, or a CSV file.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Folder for the load test, or with --results for the run.  [default: azure-load-test/<experiment>, or "
    "runs/<date and time>]",
)
@answers()
def load_test(
    source: Path,
    host: str | None,
    name: str | None,
    wanted: str | None,
    users: int | None,
    engines: int | None,
    minutes: int,
    requirements: Path | None,
    vault: str | None,
    results: Path | None,
    out: Path | None,
    answer: Answer,
) -> None:
    """
    Write a load test for Azure Load Testing, or read its results.

    The experiment comes from a file, or from the folder of a RUN. The command writes the folder of the load
    test: load-test.yaml, and all files to upload, namely the Locust file, the requests and their data. Users and
    engines come from the experiment, and the failure criteria from its objective. Secrets stay in a Key Vault. It
    prints the commands that create and start the test; running the test costs money.

    With --results, TEST is the folder of a load test. The command writes a run folder, which `functune report` and
    `functune compare` read. It has the time and the status of each request, but no times in the worker, no cores and
    no memory.

    \b
    Examples:
      functune azure load-test orders.toml --host https://my-app.azurewebsites.net
      functune azure load-test runs/orders --host https://my-app.azurewebsites.net --users 1000 --minutes 10
      functune azure load-test azure-load-test/orders --results results.zip --out runs/orders-on-azure

    Exit codes: 0 fine, 2 wrong usage, 3 the results show no answer.
    """
    if results is not None:
        read_into_run(source, results, out=out or new_run_path(), answer=answer)
        return
    experiment, folder = chosen_experiment(source, name)
    host = host or host_of_run(source)
    test = load_test_folder(
        experiment,
        folder,
        host=host,
        wanted=wanted,
        users=users,
        engines=engines,
        minutes=minutes,
        requirements=requirements,
        vault=vault,
        out=out or DEFAULT_OUT / experiment.name,
    )
    give_load_test(test, answer)


def chosen_experiment(source: Path, name: str | None) -> tuple[Experiment, Path]:
    """The experiment of a file or a run, and the folder of its files. Raises UsageError where several are there."""
    file = source / EXPERIMENTS if source.is_dir() else source
    found = read_experiments(file)
    named = [each for each in found if name in (None, each.name)]
    if len(named) != 1:
        given = "several experiments" if name is None else f"no experiment {name}"
        raise UsageError(f"{file} has {given}: give --experiment with one of {', '.join(each.name for each in found)}")
    return named[0], file.parent


def host_of_run(source: Path) -> str | None:
    """The URL that a run was measured at; None for an experiment file, and for a host of the lab."""
    if not (source / ENVIRONMENT).is_file():
        return None
    kind = RunFolder.open(source).environment.host_kind
    return kind if "://" in kind else None


def load_test_folder(
    experiment: Experiment,
    folder: Path,
    *,
    host: str | None,
    wanted: str | None,
    users: int | None,
    engines: int | None,
    minutes: int,
    requirements: Path | None,
    vault: str | None,
    out: Path,
) -> Path:
    """Write the load test; its folder. Raises UsageError for what cannot be sent from Azure."""
    from functune.azure_load_testing.asked import (
        AskedLoadTest,
        as_load_tested,
        chosen_subject,
        engines_for,
        require_host,
        require_loadable,
    )
    from functune.azure_load_testing.files import write_load_test

    require_loadable(experiment)
    check_inputs(experiment, folder)
    subject = chosen_subject(experiment, wanted)
    count = users or max(experiment.load.users)
    asked = AskedLoadTest(
        experiment=experiment.name,
        subject=subject[0],
        request=subject[1],
        host=require_host(host),
        users=count,
        engines=engines or engines_for(count),
        seconds=60 * minutes,
    )
    alone = as_load_tested(experiment, subject)
    secrets = sorted(variable_names(alone.workload, folder) | ({URL_KEY} if URL_KEY in process_environ() else set()))
    write_load_test(out, asked, alone, folder=folder, secrets=secrets, vault=vault, requirements=requirements)
    for note in [*setting_notes(experiment, alone), *notes(experiment, asked.engines, secrets, vault)]:
        click.echo(note)
    return out


def setting_notes(experiment: Experiment, alone: Experiment) -> list[str]:
    """Which setting the results will be filed under, where the experiment lists several."""
    if len(planned_settings(experiment.settings)) == 1:
        return []
    [setting] = planned_settings(alone.settings)
    return [
        f"A load test measures the setting that the app has. Its results count for {setting.in_words}, the present "
        "setting of the experiment: where the app has another, list that one alone under [settings]."
    ]


def notes(experiment: Experiment, engines: int, secrets: list[str], vault: str | None) -> list[str]:
    """What differs from a load of functune's own."""
    found = []
    if experiment.load.arrivals:
        found.append(
            "The load test is a closed loop: load.arrivals is not sent, since the engines have no common clock."
        )
    if any(each.values is not None and each.order == "in turn" for each in experiment.workload.requests):
        found.append(
            f"Each of the {engines} engines takes its own part of the rows in turn."
            if engines > 1
            else "The engine takes the rows in turn."
        )
    if secrets and vault is None:
        found.append(
            f"Put {', '.join(secrets)} into a Key Vault, and its name in the place of YOUR-VAULT in load-test.yaml, or "
            "give --key-vault."
        )
    return found


def give_load_test(test: Path, answer: Answer) -> None:
    """Print where the test is, and the commands that create it, run it and fetch its results."""
    from functune.azure_load_testing.asked import read_asked

    asked = read_asked(test)
    place = "--load-test-resource NAME --resource-group GROUP"
    commands = [
        f"cd {test}",
        f"az load test create {place} --test-id {asked.test_id} --load-test-config-file load-test.yaml",
        f"az load test-run create {place} --test-id {asked.test_id} --test-run-id RUN",
        f"az load test-run download-files {place} --test-run-id RUN --path results --result --force",
    ]
    file = test / "load-test.yaml"
    then = f"functune azure load-test {test} --results {test}/results"
    answer.give(
        lambda: [
            f"Load test: {file}, {asked.users} users on {asked.engines} engines for {asked.seconds} s.",
            "Create and run it, in its folder; the virtual-user hours are charged:",
            *(f"  {command}" for command in commands),
            f"Then: {then}",
        ],
        lambda: {
            "load_test": str(file),
            "test_id": asked.test_id,
            "users": asked.users,
            "engines": asked.engines,
            "duration_s": asked.seconds,
            "commands": commands,
            "then": then,
        },
    )


def read_into_run(test: Path, results: Path, *, out: Path, answer: Answer) -> None:
    """Read the results of a load test into a run folder. Raises UsageError where ``test`` is no folder."""
    from functune.azure_load_testing.asked import read_asked
    from functune.azure_load_testing.results import LACKS, read_results, write_run

    if not test.is_dir():
        raise UsageError(f"{test} with --results: it is not a folder; name the folder of the load test")
    asked = read_asked(test)
    found = read_results(results)
    folder = write_run(out, asked, test, found, command=shown_command(["functune", *sys.argv[1:]]))
    [measured] = folder.measurements()
    failed = len(measured.error_latencies_us)
    sent = len(measured.latencies_us) + failed
    answer.give(
        lambda: [
            f"{asked.subject} with {asked.users} users: {measured.throughput:.1f} requests/s, "
            f"{failed} of {sent} failed.",
            LACKS,
            f"Run: {folder.path}. Its report: functune report {folder.path}",
        ],
        lambda: {
            "run": str(folder.path),
            "route": str(asked.subject),
            "users": asked.users,
            "throughput_per_s": measured.throughput,
            "requests": sent,
            "failed": failed,
            "notes": [LACKS],
        },
    )
