"""The shape of a hosting plan: which settings it allows, and how a setting is applied there."""

from collections.abc import Mapping
from typing import Protocol

from functune.setting import Setting


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

    def allows(self, setting: Setting) -> bool:
        """Whether the setting can be set on the plan."""

    def app_settings(self, setting: Setting) -> dict[str, str | None]:
        """The app settings for a setting; None for one to leave unset."""

    def parameters(self, setting: Setting, *, users: int | None, memory_mb: int | None) -> dict[str, int]:
        """
        The parameters of the template for a setting.

        ``users`` is the fewest concurrent requests with 95 % of the most throughput, None when unknown; ``memory_mb``
        the instance memory, None where the reader asks for none.
        """

    def notes(self, setting: Setting, *, users: int | None) -> tuple[str, ...]:
        """The origin and the limits of the values, a sentence each."""

    def template_notes(self, setting: Setting) -> tuple[str, ...]:
        """What the template in infra/ does with the values, a sentence each."""

    def scale_properties(self, parameters: Mapping[str, int]) -> tuple[str, ...]:
        """Lines of Bicep for the resource of the app that set the parameters; none where app settings do."""

    def scale_options(self, parameters: Mapping[str, int]) -> tuple[str, ...]:
        """The options of ``az functionapp scale config set`` for the parameters, one tuple entry per command."""
