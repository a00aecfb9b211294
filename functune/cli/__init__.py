"""The command line, one file per group of commands: parse, call, print, exit. Nothing here decides anything."""

from functune.cli.main import main

__all__ = ["main"]
