"""functune completion."""

import click
from click.shell_completion import get_completion_class

COMPLETED_PROGRAM = "functune"
COMPLETION_VARIABLE = "_FUNCTUNE_COMPLETE"
"""The variable by which a shell asks the program for completions: click reads it by this name."""


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def print_completion(ctx: click.Context, shell: str) -> None:
    """
    Print the script that completes functune in a shell.

    It completes commands, options and their values: run folders, experiment files, the experiments of a run, hosts,
    plans and sizes.

    \b
    Examples:
      eval "$(functune completion bash)"         in ~/.bashrc
      eval "$(functune completion zsh)"          in ~/.zshrc, below compinit
      functune completion fish > ~/.config/fish/completions/functune.fish

    Exit codes: 0 fine, 2 wrong usage.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # of the shells that the argument allows
    click.echo(kind(ctx.find_root().command, {}, COMPLETED_PROGRAM, COMPLETION_VARIABLE).source(), nl=False)
