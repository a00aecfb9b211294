"""The shape of a hosting plan: which settings it allows, and how a setting is applied there."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from functune.setting import Setting
from functune.shapes import InstanceSize

type ParameterValue = int | str
"""The value of a parameter of a Bicep template."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader asks of a plan beyond the setting."""

    size: str | None = None
    """The size of an instance, by its name; None for the plan's default."""
    replicas: tuple[int, int] | None = None
    """The least and the most replicas; None leaves them as they are."""


NOTHING_ASKED = Asked()


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A setting to apply on a plan, with the figures that its parameters and notes come from."""

    setting: Setting
    users: int | None = None
    """The fewest concurrent requests with 95 % of the most throughput; None when unknown."""
    throughput: float | None = None
    """The least that it serves of any of the subjects, requests per second; None when unknown."""
    cores: float | None = None
    """Those of the machine that measured; None when unknown."""
    memory_mb: int | None = None
    """The instance memory of the experiment, None where the reader asks for none."""
    asked: Asked = NOTHING_ASKED
    entry: str | None = None
    """The app of a web server as ``module:callable``; None for a function app."""


def has_instance(plan: str, setting: Setting) -> bool:
    """Whether a plan has the instance that a setting was measured on, or it was measured on none of a plan."""
    return setting.instance is None or setting.instance.plan in (None, plan)


def on_its_instance(chosen: Chosen, plan: str) -> Chosen:
    """With the size, the memory and the cores that the setting was measured with, where the plan has them."""
    shape = chosen.setting.instance
    if shape is None:
        return chosen
    if shape.plan != plan:
        return msgspec.structs.replace(chosen, cores=shape.cores)
    asked = msgspec.structs.replace(chosen.asked, size=chosen.asked.size or shape.size)
    return msgspec.structs.replace(chosen, cores=shape.cores, memory_mb=shape.memory_mb, asked=asked)


class HostingPlan(Protocol):
    """A hosting plan. One file each; the registry lists them."""

    @property
    def name(self) -> str:
        """Its value of --plan."""

    @property
    def title(self) -> str:
        """Its name for readers."""

    @property
    def template(self) -> str | None:
        """Its Bicep template in infra/; None for none."""

    @property
    def sizes(self) -> Mapping[str, InstanceSize]:
        """The sizes of an instance to choose from, by name; none where --memory of the experiment is the size."""

    def allows(self, setting: Setting) -> bool:
        """Whether the setting can be set on the plan."""

    def size(self, asked: Asked) -> InstanceSize | None:
        """The size of an instance; None for a plan without sizes."""

    def app_settings(self, chosen: Chosen) -> dict[str, str | None]:
        """The app settings for a setting; None for one to leave unset."""

    def parameters(self, chosen: Chosen) -> dict[str, ParameterValue] | None:
        """The parameters of the template for a setting; None where it has none that set it."""

    def notes(self, chosen: Chosen) -> tuple[str, ...]:
        """The origin and the limits of the values, a sentence each."""

    def template_notes(self, chosen: Chosen) -> tuple[str, ...]:
        """What the template in infra/ does with the values, a sentence each."""

    def start_command(self, chosen: Chosen) -> str | None:
        """The complete command that starts the server; None where the platform starts it."""

    def fragment(self, chosen: Chosen) -> str | None:
        """Bicep to merge into a template of the reader's own; None where there is nothing to deploy."""

    def commands(self, chosen: Chosen) -> str | None:
        """Commands of the Azure CLI for an app that exists; None where there is nothing to deploy."""

    def cost(self, chosen: Chosen) -> float | None:
        """
        A million requests on an instance that is always busy and serves as much as was measured, in US dollars.

        None where no price is known.
        """
