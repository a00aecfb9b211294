"""functune probe."""

import asyncio
import functools
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import click

from functune import environ
from functune.cli.answer import Answer, answers
from functune.cli.folders import existing_folder
from functune.cli.packages import chosen_python, package_options
from functune.cli.probe_request import probe_request
from functune.errors import LoadError, UsageError
from functune.hosts import registry
from functune.hosts.configured import configured_setting
from functune.hosts.kinds import RunningHost
from functune.hosts.routes import listed_routes
from functune.hosts.served_app import ServedApp
from functune.instrument.functune_times import SETTING
from functune.probe.app import DEFAULT_LARGEST_WAVE, MAX_LARGEST_WAVE, probe_app
from functune.probe.report import SMALLEST_LAST_WAVE, Configured, ProbeReport, Wave
from functune.setting import DEFAULT_THREAD_COUNT, Setting
from functune.terminal.probe import probe_document, probe_lines, wave_line

type Count = Callable[[str], Awaitable[ProbeReport]]
"""Counts at a base URL."""


@click.command()
@click.argument("url", required=False)
@click.option(
    "--route",
    metavar="ROUTE",
    help="The route to call, such as '/api/items?limit=20'.  [default: /api/sync/sleep of the showcase]",
)
@click.option("-X", "--request", "method", metavar="METHOD", help="Method.  [default: GET, with a body POST]")
@click.option("-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="Header; repeat it for more.")
@click.option("-d", "--data", metavar="TEXT|@FILE", help="Body, sent as a form unless a content type is given.")
@click.option("--json", "json_body", metavar="TEXT|@FILE", help="Body, sent as application/json.")
@click.option(
    "--host",
    type=click.Choice(["local", "func"]),
    help="Start this host for the probe, and stop it afterwards.",
)
@click.option(
    "--script-root",
    type=click.Path(path_type=Path),
    help="Folder of the app that --host starts.  [default: this folder]",
)
@package_options
@click.option(
    "--key", envvar=environ.URL_KEY, metavar="KEY", help="Function key of a deployed app; better given as FUNCTUNE_KEY."
)
@click.option(
    "--largest-wave",
    type=click.IntRange(SMALLEST_LAST_WAVE, MAX_LARGEST_WAVE),
    default=DEFAULT_LARGEST_WAVE,
    show_default=True,
    metavar="N",
    help="Most calls to send at once; a pool of more than half as many threads is reported as 'at least'.",
)
@answers(with_flag=False)  # --json is curl's
def probe(
    url: str | None,
    route: str | None,
    method: str | None,
    headers: tuple[str, ...],
    data: str | None,
    json_body: str | None,
    host: str | None,
    script_root: Path | None,
    python: str | None,
    install: bool,
    key: str | None,
    largest_wave: int,
    answer: Answer,
) -> None:
    """
    Count the worker processes and threads of a running app.

    It sends calls to count them from outside, and compares the counts with the configuration where that is known. URL
    is the base URL of a running app. Without it, --host starts the app on functune's own host, or on `func start` of
    Core Tools, with the settings of the environment and of local.settings.json.

    The route should wait or compute for 50 ms or more: shorter calls do not keep all threads busy at once. It is called
    up to a few hundred times. functune's own host names the process and thread of each call. Anywhere else the app has
    to name them, with the file that `functune instrument` writes. The showcase names them, and needs no --route.

    ${NAME} in a header, the body or the route is the value of that environment variable.

    \b
    Examples:
      functune probe http://127.0.0.1:7071
      functune probe http://127.0.0.1:7071 --route '/api/items?limit=20'
      functune probe --host local --script-root ../my-app --route /api/orders --json @order.json
      PYTHON_THREADPOOL_THREAD_COUNT=16 functune probe --host local
      FUNCTUNE_KEY=… functune probe https://my-app.azurewebsites.net --route /api/items
      functune probe http://127.0.0.1:7071 --format json | jq .workers

    Exit codes: 0 nothing differs, 1 the counts differ from the configuration, 2 wrong usage, 3 they could not be
    counted.
    """
    request = None
    if route is not None:
        request = probe_request(route, method=method, headers=headers, data=data, json_body=json_body)
    elif method or headers or data is not None or json_body is not None:
        raise UsageError("-X, -H, --data and --json describe the request to a route: name it with --route")
    count = functools.partial(probe_app, request=request, largest_wave=largest_wave, on_wave=show_wave)
    if url is not None and not (host or script_root or python or install):
        report = asyncio.run(count_at(url, functools.partial(count, key=key), key=key, is_named=request is not None))
    elif url is None and host is not None:
        root = existing_folder(script_root or Path(), "--script-root")
        setting = configured_setting(root)
        kind = registry.host_kind(host, python=chosen_python(root, python=python, install=install))
        running = kind.running(ServedApp(root), setting=setting, app_settings={SETTING: "1"})
        known = functools.partial(count, configured=None if request is None else configured_counts(setting))
        report = asyncio.run(count_on(running, known, is_named=request is not None))
    else:
        raise UsageError(
            "probe takes either the URL of a running app, or --host local or --host func to start one "
            "(with --script-root for the folder of its app, --python and --install for its packages)"
        )
    answer.give(lambda: ["", *probe_lines(report)], lambda: probe_document(report))
    sys.exit(1 if report.disagreements else 0)


def show_wave(wave: Wave) -> None:
    """Print a wave."""
    click.echo(wave_line(wave))


def configured_counts(setting: Setting) -> Configured:
    """What a host has that was started with this setting."""
    if setting.thread_count is None:
        return Configured(DEFAULT_THREAD_COUNT, "host default", setting.process_count)
    return Configured(setting.thread_count, "app setting", setting.process_count)


async def count_on(starting: AbstractAsyncContextManager[RunningHost], count: Count, *, is_named: bool) -> ProbeReport:
    """Count on a host that is started for it."""
    async with starting as running:
        return await count_at(running.base_url, count, is_named=is_named)


async def count_at(url: str, count: Count, *, key: str | None = None, is_named: bool) -> ProbeReport:
    """Count at a URL. Without a named route, a failure names the routes that the host lists."""
    try:
        return await count(url)
    except LoadError as error:
        routes = [] if is_named else await listed_routes(url.rstrip("/"), key=key)
        if not routes:
            raise
        raise LoadError(f"{error}. The app has {', '.join(routes)}") from error
