"""functune probe."""

import asyncio
import functools
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import click

from functune import environ
from functune import probe as probing
from functune.cli.folders import existing_folder
from functune.cli.packages import chosen_python, package_options
from functune.errors import UsageError
from functune.hosts import registry
from functune.hosts.configured import configured_setting
from functune.hosts.kinds import RunningHost


@click.command()
@click.argument("url", required=False)
@click.option(
    "--host",
    type=click.Choice(list(registry.STARTED_KINDS)),
    help="Start this host for the probe, and stop it afterwards.",
)
@click.option(
    "--script-root",
    type=click.Path(path_type=Path),
    help="Folder of the app that --host starts.  [default: this folder]",
)
@package_options
@click.option("--key", envvar=environ.URL_KEY, help="Function key of a deployed app; better given as FUNCTUNE_KEY.")
@click.option(
    "--largest-wave",
    type=click.IntRange(probing.SMALLEST_LAST_WAVE, probing.MAX_LARGEST_WAVE),
    default=probing.DEFAULT_LARGEST_WAVE,
    show_default=True,
    help="Most calls to send at once; a pool of more than half as many threads is reported as 'at least'.",
)
def probe(
    url: str | None,
    host: str | None,
    script_root: Path | None,
    python: str | None,
    install: bool,
    key: str | None,
    largest_wave: int,
) -> None:
    """
    Count the worker processes and threads of a running app.

    They are counted from outside, by calls, and compared with the configuration. URL is the base URL of a running copy
    of the showcase app. Without it, --host starts a copy on functune's own host, or on `func start` of Core Tools, with
    the settings of the environment and of local.settings.json.

    \b
    Examples:
      functune probe http://127.0.0.1:7071
      PYTHON_THREADPOOL_THREAD_COUNT=16 functune probe --host local
      functune probe --host func --script-root ../my-copy
      FUNCTUNE_KEY=… functune probe https://my-app.azurewebsites.net

    Exit codes: 0 they agree, 1 they do not, 2 wrong usage, 3 the app could not be measured.
    """

    def show(wave: probing.Wave) -> None:
        click.echo(f"wave of {wave.size:>4}: {len(wave.threads)} worker(s), {wave.total_threads} thread(s)")

    count = functools.partial(probing.probe_app, largest_wave=largest_wave, on_wave=show)

    async def count_on(starting: AbstractAsyncContextManager[RunningHost]) -> probing.ProbeReport:
        async with starting as running:
            return await count(running.base_url)

    if url is not None and not (host or script_root or python or install):
        report = asyncio.run(count(url, key=key))
    elif url is None and host is not None:
        root = existing_folder(script_root or Path())
        setting = configured_setting(root)
        kind = registry.host_kind(host, python=chosen_python(root, python=python, install=install))
        report = asyncio.run(count_on(kind.running(root, setting=setting)))
    else:
        raise UsageError(
            "probe takes either the URL of a running copy of the app, or --host local or --host func to start one "
            "(with --script-root for the folder of its app, --python and --install for its packages)"
        )
    click.echo("")
    for line in probing.describe(report):
        click.echo(line)
    sys.exit(1 if report.disagreements else 0)
