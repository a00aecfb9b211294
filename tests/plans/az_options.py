"""
The commands of the Azure CLI that advice uses, as its parser takes them: argparse, with these options.

Written from azure-cli 2.91.0: _params.py of the modules appservice and containerapp.
"""

import argparse
import shlex

_SITE = {"--resource-group": None, "--name": None}
COMMANDS: dict[str, dict[str, str | None]] = {
    "webapp config set": {**_SITE, "--startup-file": None},
    "webapp config appsettings set": {**_SITE, "--settings": "+"},
    "webapp config appsettings delete": {**_SITE, "--setting-names": "+"},
    "containerapp update": {
        **_SITE,
        "--command": "*",
        "--args": "*",
        "--set-env-vars": "*",
        "--remove-env-vars": "*",
        "--cpu": None,
        "--memory": None,
        "--min-replicas": None,
        "--max-replicas": None,
        "--scale-rule-name": None,
        "--scale-rule-type": None,
        "--scale-rule-http-concurrency": None,
    },
}
"""The options of each command with the number of their values; None for one."""


def az_parsed(line: str) -> dict[str, str | list[str]]:
    """The options of a printed command with their values. Fails where the parser of the CLI would."""
    words = shlex.split(line)
    (command,) = [name for name in COMMANDS if words[1 : 1 + len(name.split())] == name.split()]
    parser = argparse.ArgumentParser(prog=f"az {command}", allow_abbrev=False, exit_on_error=False)
    for option, count in COMMANDS[command].items():
        parser.add_argument(option, nargs=count, dest=option)
    assert words[0] == "az"
    given = parser.parse_args(words[1 + len(command.split()) :])
    return {name: value for name, value in vars(given).items() if value is not None}


def az_settings(commands: str) -> dict[str, str | None]:
    """The app settings or variables that the commands set, or remove."""
    found: dict[str, str | None] = {}
    for line in commands.splitlines():
        for option, values in az_parsed(line).items():
            if option in ("--settings", "--set-env-vars"):
                found |= dict(str(value).partition("=")[::2] for value in values)
            if option in ("--setting-names", "--remove-env-vars"):
                found |= dict.fromkeys(values)
    return found
