"""The rules that App Service and Container Apps share: they run web servers, and none of them the Functions host."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from functune.app_service.generated import UVICORN_WORKER_CLASS
from functune.formatting import number, rate
from functune.plans.billing import Cost
from functune.plans.conflicts import FrontEnd, conflict_notes
from functune.plans.local import LocalPlan
from functune.plans.plan import Asked, Chosen, ParameterValue, has_instance
from functune.plans.start_command import (
    COUNT_VARIABLES,
    command_target,
    facts_of,
    program_of,
    setting_flags,
    start_line,
)
from functune.plans.texts import template_note
from functune.setting import Setting, server_variables
from functune.shapes import InstanceSize, cores_in_words
from functune.web_servers import is_app_service

TEMPLATE_CLASSES = ("asgi", UVICORN_WORKER_CLASS)
"""The values of workerClass in the templates, which serve functune.asgi:app."""

_PACKAGES = {"asgi": "gunicorn from 25.1 on", UVICORN_WORKER_CLASS: "gunicorn and uvicorn-worker"}
"""What a class of workers needs; the server alone for the others. Gunicorn's asgi class is stable since 25.1."""


class WebPlan(LocalPlan, ABC):
    """See HostingPlan. The base of the plans for web servers."""

    sizes: ClassVar[Mapping[str, InstanceSize]]
    default_size: ClassVar[str]
    port: ClassVar[str]
    front: ClassVar[FrontEnd]
    instance: ClassVar[str]
    """The word for an instance."""
    prices_of: ClassVar[str]
    """Where and when the prices are from."""

    def allows(self, setting: Setting) -> bool:
        """Every setting of a web server, whose command is then one of its own."""
        web = not setting.is_on_functions and not is_app_service(setting.host)
        return web and has_instance(self.name, setting)

    def size(self, asked: Asked) -> InstanceSize:
        """The size that was asked for, or the default."""
        return self.sizes[asked.size or self.default_size]

    def start_command(self, chosen: Chosen) -> str | None:
        """With the port of the platform."""
        return start_line(chosen.setting, port=self.port, entry=chosen.entry)

    def notes(self, chosen: Chosen) -> tuple[str, ...]:
        """The cost, the instance, the conflicts and the packages."""
        return (
            *self.cost_notes(chosen),
            *self.core_notes(chosen),
            *conflict_notes(chosen.setting, self.front),
            *package_notes(chosen),
        )

    def parameters(self, chosen: Chosen) -> dict[str, ParameterValue] | None:
        """Those of the server; None where the template starts no such server."""
        if self.template_gap(chosen):
            return None
        setting, asked = chosen.setting, setting_flags(chosen.setting).known
        found: dict[str, ParameterValue] = {"workerCount": setting.process_count}
        found["workerClass"] = facts_of(setting).worker_class or ""
        if setting.thread_count is not None:
            found["threadCount"] = setting.thread_count
        if "--timeout" in asked:
            found["timeoutSeconds"] = int(asked["--timeout"])
        return found

    def template_gap(self, chosen: Chosen) -> str:
        """Why the template in infra/ cannot apply the setting; empty where it can."""
        if chosen.entry is not None:
            return f"it serves the function app, and not {chosen.entry}"
        if facts_of(chosen.setting).worker_class not in TEMPLATE_CLASSES:
            return f"it starts Gunicorn with workers of the class {' or '.join(TEMPLATE_CLASSES)}"
        return ""

    def template_notes(self, chosen: Chosen) -> tuple[str, ...]:
        """Why there are no parameters, or what they leave out."""
        if gap := self.template_gap(chosen):
            return (
                f"infra/{self.template} has no parameters for this setting: {gap}. Use the fragment or the commands.",
            )
        found = []
        if chosen.setting.thread_count is None:
            found.append("threadCount is omitted: the template then sets its default, and the setting leaves it unset.")
        return (*found, *template_note(chosen.setting))

    def cost(self, chosen: Chosen) -> float | None:
        """On an always busy instance of the size."""
        return self.busy_cost(chosen).per_million if chosen.throughput else None

    @abstractmethod
    def busy_cost(self, chosen: Chosen) -> Cost:
        """The cost with the throughput that was measured."""

    def cost_notes(self, chosen: Chosen) -> tuple[str, ...]:
        """What a million requests cost, and what the figure is good for."""
        if not chosen.throughput:
            return ()
        cost, size = self.busy_cost(chosen), self.size(chosen.asked)
        return (
            f"A million requests cost {number(cost.per_million)} {cost.currency} on {self.instance} of the size "
            f"{size.name} that is always busy and serves {rate(chosen.throughput)}, as the machine that measured did "
            f"(use it to compare settings, not to budget; {self.prices_of}).",
        )

    def core_notes(self, chosen: Chosen) -> tuple[str, ...]:
        """That the instance has other cores than the machine that measured."""
        size = self.size(chosen.asked)
        if chosen.cores is None or chosen.cores == size.cores:
            return ()
        here, there = cores_in_words(chosen.cores), cores_in_words(size.cores)
        return (
            f"The machine that measured had {here}, and {self.instance} of the size {size.name} has {there}: how many "
            "workers are best depends on that where handlers compute, so measure there before relying on it.",
        )


def other_variables(setting: Setting) -> dict[str, str | None]:
    """The app settings that remain where a complete command starts the server."""
    every = server_variables(setting) | dict(setting.app_settings)
    return {name: value for name, value in every.items() if name not in COUNT_VARIABLES}


def package_notes(chosen: Chosen) -> tuple[str, ...]:
    """The packages that the command needs, and the query in the log of a function app."""
    setting = chosen.setting
    if chosen.entry is not None:
        needed = _PACKAGES.get(facts_of(setting).worker_class or "", program_of(setting))
        return (f"The start-up command needs {needed} in the requirements.txt of the app.",)
    return (
        f"{command_target(setting, None)} is the function app for web servers: deploy the folder functune and the "
        "packages of hosting/requirements.txt with it.",
        "The access log of the start-up command has the query of each request, where a function key may be: send the "
        "key in x-functions-key, or start with hosting/gunicorn.conf.py, which leaves the query out.",
    )
