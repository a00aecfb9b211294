"""The setting that the user has configured for an app."""

from pathlib import Path

from functune.errors import SettingsError
from functune.host.settings import THREAD_COUNT_SOURCE, read_host_settings
from functune.host.whole_numbers import parse_whole_number
from functune.setting import THREAD_COUNT, Setting


def configured_setting(script_root: Path) -> Setting:
    """
    The setting in the environment and, for variables it lacks, in local.settings.json.

    Raises SettingsError for wrong settings, also for a thread count that the runtime would replace by its own default.
    """
    worker = read_host_settings(script_root=script_root).worker
    if worker.environ[THREAD_COUNT_SOURCE] == "host default":
        return Setting(process_count=worker.process_count)
    value = worker.environ[THREAD_COUNT]
    count = parse_whole_number(value)
    if count is None or count < 1:
        raise SettingsError(
            f"{THREAD_COUNT} is '{value}'; it takes a whole number from 1, the runtime ignores anything else"
        )
    return Setting(process_count=worker.process_count, thread_count=count)
