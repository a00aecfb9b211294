"""The local host and any other: every knob counts, and there is nothing but app settings."""

from collections.abc import Mapping
from typing import ClassVar

from functune.plans.plan import Asked, Chosen, ParameterValue
from functune.setting import Setting
from functune.shapes import InstanceSize


class LocalPlan:
    """See HostingPlan. The base of the other plans, whose own rules replace these."""

    name = "local"
    title = "Local"
    template: ClassVar[str | None] = None
    sizes: ClassVar[Mapping[str, InstanceSize]] = {}

    def allows(self, setting: Setting) -> bool:
        """Every setting."""
        return True

    def size(self, asked: Asked) -> InstanceSize | None:
        """None: there is only one."""
        return None

    def app_settings(self, chosen: Chosen) -> dict[str, str | None]:
        """The per-instance concurrency becomes host.json's limit."""
        return chosen.setting.settings_to_set()

    def parameters(self, chosen: Chosen) -> dict[str, ParameterValue] | None:
        """None: there is no template."""
        return None

    def notes(self, chosen: Chosen) -> tuple[str, ...]:
        """None."""
        return ()

    def template_notes(self, chosen: Chosen) -> tuple[str, ...]:
        """None."""
        return ()

    def start_command(self, chosen: Chosen) -> str | None:
        """None: functune or the platform starts the host."""
        return None

    def fragment(self, chosen: Chosen) -> str | None:
        """None: nothing is deployed."""
        return None

    def commands(self, chosen: Chosen) -> str | None:
        """None: nothing is deployed."""
        return None

    def cost(self, chosen: Chosen) -> float | None:
        """None: no price is known."""
        return None
