"""functune azure: the commands for an app on Azure."""

import click

from functune.cli.azure_load_test import load_test


@click.group()
def azure() -> None:
    """Commands for an app on Azure."""


azure.add_command(load_test)
