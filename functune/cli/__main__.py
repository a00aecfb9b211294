"""``python -m functune.cli`` is the command ``functune``."""

from functune.cli.main import main

main()
