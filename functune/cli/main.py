"""The command ``functune`` with its commands, and how they end."""

import sys

import click
from click.shell_completion import add_completion_class

from functune.cli.bash_words import WholeWordBash
from functune.cli.command_table import CommandTable
from functune.cli.ending import full_disk_in_words, sigterm_as_interrupt
from functune.errors import FunctuneError, UsageError


class Commands(click.Group):
    """A group whose commands end with a message and an exit code instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """
        Run the command.

        UsageError ends with 2, another FunctuneError and a full disk with 3, unless the command says otherwise, and
        CTRL+C or SIGTERM with 130.
        """
        try:
            with sigterm_as_interrupt():
                return super().invoke(ctx)
        except UsageError as error:
            click.echo(f"functune: {error}", err=True)
            sys.exit(2)
        except FunctuneError as error:
            click.echo(f"functune: {error}", err=True)
            sys.exit(3)
        except OSError as error:
            click.echo(f"functune: {full_disk_in_words(error)}", err=True)
            sys.exit(3)
        except KeyboardInterrupt as interrupt:
            click.echo("; ".join(["functune: interrupted", *map(str, interrupt.args)]), err=True)
            sys.exit(130)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        listed = self.commands.described() if isinstance(self.commands, CommandTable) else self.commands
        click.Group(commands=listed).format_commands(ctx, formatter)


COMMANDS = CommandTable(
    {
        "demo": "demo:demo",
        "tune": "tune:tune",
        "init": "init:init_experiment",
        "serve": "serve:serve",
        "probe": "probe:probe",
        "instrument": "instrument:instrument_app",
        "doctor": "doctor:examine",
        "sweep": "sweep:sweep",
        "watch": "watching:watch_run",
        "report": "runs:report",
        "open": "open:open_report",
        "recommend": "recommend:recommend_settings",
        "compare": "runs:compare",
        "plan": "plan:plan_capacity",
        "lessons": "runs:lessons",
        "azure": "azure_group:azure",
        "completion": "completion:print_completion",
    }
)


@click.group(
    cls=Commands,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="functune")
def main() -> None:
    """Measure which concurrency settings suit a Python web app on Azure: a function app, Flask, Django or FastAPI."""


add_completion_class(WholeWordBash)
