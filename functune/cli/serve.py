"""functune serve."""

import functools
import gc
import signal
import sys
from pathlib import Path

import click

from functune.cli.finite import FiniteRange
from functune.cli.packages import chosen_python, package_options
from functune.collection import collection_paused
from functune.errors import HostError, LoadError, SettingsError
from functune.host import settings
from functune.setting import MAX_PER_INSTANCE_CONCURRENCY


@click.command()
@click.option(
    "--script-root",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Folder of the app: the one with host.json and function_app.py.  [default: this folder]",
)
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help=f"Port to listen on; 0 takes a free one.  [default: {settings.DEFAULT_PORT}]",
)
@click.option("--address", metavar="ADDRESS", help=f"Address to listen on.  [default: {settings.DEFAULT_ADDRESS}]")
@package_options
@click.option("--functions", multiple=True, metavar="NAME", help="Load only this function; repeat it for more.")
@click.option(
    "--verbose",
    is_flag=True,
    help="Show what the host and the runtime log, and every invocation, unless logLevel of host.json hides it.",
)
@click.option(
    "--worker-startup-interval",
    type=FiniteRange(0, settings.MAX_STARTUP_INTERVAL),
    default=settings.DEFAULT_STARTUP_INTERVAL,
    show_default=True,
    metavar="SECONDS",
    help="Pause before the third and every later worker process, as in the real host.",
)
@click.option(
    "--no-startup-stall",
    is_flag=True,
    help="Keep serving while the third or a later worker process starts; in the real host all calls wait.",
)
@click.option(
    "--enable-auth",
    is_flag=True,
    help="Require FUNCTUNE_FUNCTION_KEY or FUNCTUNE_MASTER_KEY, in x-functions-key or ?code=.  [default: open]",
)
@click.option(
    "--per-instance-concurrency",
    type=click.IntRange(1, MAX_PER_INSTANCE_CONCURRENCY),
    metavar="N",
    help="Admit N requests at a time, as one Flex Consumption instance does; the others wait in order.",
)
@click.option(
    "--watch/--no-watch",
    default=True,
    show_default=True,
    help="Reload the app when its *.py, host.json or local.settings.json change.",
)
@click.option("--times", is_flag=True, hidden=True, help="Report the times of every call in its answer.")
@click.option("--end-with", type=int, hidden=True, help="Pid of the program that started this host; it ends with it.")
def serve(
    script_root: Path,
    port: int | None,
    address: str | None,
    python: str | None,
    install: bool,
    functions: tuple[str, ...],
    verbose: bool,
    worker_startup_interval: float,
    no_startup_stall: bool,
    enable_auth: bool,
    per_instance_concurrency: int | None,
    watch: bool,
    times: bool,
    end_with: int | None,
) -> None:
    """
    Run a Python v2 function app in Microsoft's own worker runtime.

    Unlike the real host, it runs only HTTP triggers and lets no call hang. docs/local-host.md compares the two.

    \b
    Examples:
      functune serve
      functune serve --script-root ../my-app --port 0
      functune serve --script-root ../my-app --install
      FUNCTIONS_WORKER_PROCESS_COUNT=2 PYTHON_THREADPOOL_THREAD_COUNT=16 functune serve

    Exit codes: 0 stopped by CTRL+C or SIGTERM, 1 the app or the host could not run, 2 wrong usage.
    """
    with collection_paused():
        # Imported here: `functune --help` and the commands that only read a run folder start without the host.
        import uvloop

        from functune.host import console
        from functune.host.parent import end_with_parent
        from functune.host.server import serve_until_stopped
    gc.freeze()  # what is imported stays, so no collection of the host needs to look at it, the one at its end included

    if end_with is not None:
        end_with_parent(signal.SIGKILL, parent=end_with)  # the workers end with this process in turn

    try:
        read = functools.partial(
            settings.read_host_settings,
            script_root=script_root,
            address=address,
            port=port,
            functions=functions,
            verbose=verbose,
            startup_interval=worker_startup_interval,
            startup_stall=not no_startup_stall,
            enable_auth=enable_auth,
            per_instance_concurrency=per_instance_concurrency,
            # Without --install the settings look at --python themselves.
            python=chosen_python(script_root, python=python, install=True) if install else python,
            times=times,
        )
        uvloop.run(serve_until_stopped(read(), console.Console(verbose=verbose), reread=read if watch else None))
    except (HostError, LoadError, SettingsError) as error:
        click.echo(f"functune: {error}", err=True)
        sys.exit(1)
