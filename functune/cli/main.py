"""The command ``functune`` with its commands, and how they end."""

import sys

import click
from click.shell_completion import add_completion_class

from functune.cli.azure_group import azure
from functune.cli.bash_words import WholeWordBash
from functune.cli.completion import print_completion
from functune.cli.doctor import examine
from functune.cli.init import init_experiment
from functune.cli.instrument import instrument_app
from functune.cli.open import open_report
from functune.cli.plan import plan_capacity
from functune.cli.probe import probe
from functune.cli.runs import compare, lessons, recommend_settings, report
from functune.cli.serve import serve
from functune.cli.sweep import sweep
from functune.cli.tune import tune
from functune.cli.watching import watch_run
from functune.errors import FunctuneError, UsageError


class Commands(click.Group):
    """A group whose commands end with a message and an exit code instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """
        Run the command.

        UsageError ends with 2, another FunctuneError with 3, unless the command says otherwise, and CTRL+C with 130.
        """
        try:
            return super().invoke(ctx)
        except UsageError as error:
            click.echo(f"functune: {error}", err=True)
            sys.exit(2)
        except FunctuneError as error:
            click.echo(f"functune: {error}", err=True)
            sys.exit(3)
        except KeyboardInterrupt as interrupt:
            click.echo("; ".join(["functune: interrupted", *map(str, interrupt.args)]), err=True)
            sys.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="functune")
def main() -> None:
    """Load-test and tune the concurrency settings of Azure Functions Python apps, on one machine."""


for command in (
    tune,
    init_experiment,
    serve,
    probe,
    instrument_app,
    examine,
    sweep,
    watch_run,
    report,
    open_report,
    recommend_settings,
    compare,
    plan_capacity,
    lessons,
    azure,
    print_completion,
):
    main.add_command(command)
add_completion_class(WholeWordBash)
