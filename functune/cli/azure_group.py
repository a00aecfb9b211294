"""functune azure: the commands for an app on Azure."""

import click

from functune.cli.azure_app import apply_settings, revert_app, show_app
from functune.cli.azure_load_test import load_test


@click.group()
def azure() -> None:
    """
    Commands for an app on Azure.

    You sign in as for other tools: `az login`, `azd auth login`, an identity, or the variables AZURE_CLIENT_ID,
    AZURE_TENANT_ID and AZURE_CLIENT_SECRET. Reading needs the role Reader and the right to list app settings; changing
    needs Website Contributor. The extra `azure` of functune must be installed.

    \b
    Examples:
      functune azure show /subscriptions/…/sites/orders
      functune azure apply runs/2026-11-21-063000 /subscriptions/…/sites/orders --dry-run
      functune azure revert /subscriptions/…/sites/orders

    Exit codes: 0 fine, 1 an error among the findings, 2 wrong usage, 3 the app could not be read or changed.
    """


for command in (show_app, apply_settings, revert_app, load_test):
    azure.add_command(command)
