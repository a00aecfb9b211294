"""The setting that the user has configured for an app."""

import os
from collections.abc import Mapping
from pathlib import Path

from functune.app_service.generated import GUNICORN_ARGUMENTS, WEB_CONCURRENCY, generated_counts
from functune.app_service.server_command import ServerCommand, with_arguments
from functune.errors import SettingsError
from functune.host.settings import THREAD_COUNT_SOURCE, read_host_settings
from functune.host.whole_numbers import parse_whole_number
from functune.hosts.served_app import ServedApp
from functune.setting import THREAD_COUNT, Setting
from functune.web_servers import WEB_SERVERS, is_app_service


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


def server_setting(host: str, app: ServedApp, variables: Mapping[str, str]) -> Setting:
    """
    The setting that the variables of a web server give: WEB_CONCURRENCY, GUNICORN_CMD_ARGS, and the pool's size.

    Raises SettingsError for a number that is none.
    """
    if is_app_service(host):
        return platform_setting(host, variables)
    facts = WEB_SERVERS[host]
    command = ServerCommand(program="uvicorn" if facts.worker_class is None else "gunicorn", target=None)
    flags = with_arguments(command, variables.get(GUNICORN_ARGUMENTS, "")).flags
    workers = flags.get("--workers") or variables.get(WEB_CONCURRENCY)
    threads = None
    if facts.threads == "server":
        threads = flags.get("--threads")
    elif facts.threads == "pool" and app.entry is None:
        threads = variables.get(THREAD_COUNT)
    default = facts.default_threads if facts.threads == "server" else None
    return Setting(
        process_count=count_of(WEB_CONCURRENCY, workers) or 1,
        thread_count=count_of("threads", threads) or default,
        host=host,
    )


def platform_setting(host: str, variables: Mapping[str, str]) -> Setting:
    """The setting that the app settings of App Service give. Raises SettingsError for one that ends the start."""
    counts = generated_counts(variables, os.process_cpu_count() or 1)
    has_threads = WEB_SERVERS[host].threads == "server"
    return Setting(process_count=counts.workers, thread_count=counts.threads if has_threads else None, host=host)


def count_of(name: str, text: str | None) -> int | None:
    """The number; None for nothing. Raises SettingsError."""
    if not text:
        return None
    count = parse_whole_number(text)
    if count is None or count < 1:
        raise SettingsError(f"{name} is '{text}': allowed is a whole number from 1")
    return count
