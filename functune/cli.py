"""The command line: parse, call, print, exit code. Nothing here decides anything."""

import asyncio
import sys
from pathlib import Path

import click

from functune import probe as probing
from functune import settings
from functune.errors import FunctuneError, HostError, SettingsError, UsageError


class Commands(click.Group):
    """A group whose commands end with a message and an exit code instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command: UsageError ends with 2, another FunctuneError with 3, unless the command says otherwise."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            click.echo(f"functune: {error}", err=True)
            sys.exit(2)
        except FunctuneError as error:
            click.echo(f"functune: {error}", err=True)
            sys.exit(3)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="functune")
def main() -> None:
    """Load-test and tune the concurrency settings of Azure Functions Python apps, on one machine."""


@main.command()
@click.option(
    "--script-root",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the app: the one with host.json and function_app.py.  [default: this folder]",
)
@click.option(
    "-p", "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.  [default: 7071]"
)
@click.option("--address", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--functions", multiple=True, metavar="NAME", help="Load only this function; repeat it for more.")
@click.option("--verbose", is_flag=True, help="Show what the host and the runtime log, and every invocation.")
@click.option(
    "--worker-startup-interval",
    type=click.FloatRange(0, 600),
    default=settings.DEFAULT_STARTUP_INTERVAL,
    show_default=True,
    metavar="SECONDS",
    help="Pause before the third and every later worker process, as the real host makes one.",
)
def serve(
    script_root: Path,
    port: int | None,
    address: str | None,
    functions: tuple[str, ...],
    verbose: bool,
    worker_startup_interval: float,
) -> None:
    """
    Run a Python v2 function app in Microsoft's own worker runtime.

    \b
    Examples:
      functune serve
      functune serve --script-root ../my-app --port 0
      FUNCTIONS_WORKER_PROCESS_COUNT=2 PYTHON_THREADPOOL_THREAD_COUNT=16 functune serve

    Exit codes: 0 stopped by CTRL+C or SIGTERM, 1 the app or the host could not run, 2 wrong usage.
    """
    # Imported here: `functune --help` and the commands that only read a run folder start without the host.
    import uvloop

    from functune.host.console import Console
    from functune.host.server import serve as serve_until_stopped

    try:
        host_settings = settings.read(
            script_root=script_root,
            address=address,
            port=port,
            functions=functions,
            verbose=verbose,
            startup_interval=worker_startup_interval,
        )
        uvloop.run(serve_until_stopped(host_settings, Console(verbose=verbose)))
    except (HostError, SettingsError) as error:
        click.echo(f"functune: {error}", err=True)
        sys.exit(1)


@main.command()
@click.argument("url")
@click.option("--key", envvar="FUNCTUNE_KEY", help="Function key of a deployed app; better given as FUNCTUNE_KEY.")
@click.option(
    "--largest-wave",
    type=click.IntRange(probing.SMALLEST_LAST_WAVE, probing.MAX_LARGEST_WAVE),
    default=probing.DEFAULT_LARGEST_WAVE,
    show_default=True,
    help="Most calls to fire at once; a pool of more than half as many threads is reported as 'at least'.",
)
def probe(url: str, key: str | None, largest_wave: int) -> None:
    """
    Count from outside how many workers and threads serve, beside what is configured.

    URL is the base of a running copy of the showcase app.

    \b
    Examples:
      functune probe http://127.0.0.1:7071
      FUNCTUNE_KEY=… functune probe https://my-app.azurewebsites.net

    Exit codes: 0 they agree, 1 they do not, 2 wrong usage, 3 the app could not be measured.
    """

    def show(wave: probing.Wave) -> None:
        click.echo(f"wave of {wave.size:>4}: {len(wave.threads)} worker(s), {wave.total_threads} thread(s)")

    report = asyncio.run(probing.probe(url, key=key, largest_wave=largest_wave, on_wave=show))
    click.echo("")
    for line in probing.describe(report):
        click.echo(line)
    sys.exit(1 if report.disagreements else 0)


if __name__ == "__main__":
    main()
