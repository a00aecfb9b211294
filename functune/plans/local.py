"""The local host and any other: every knob counts, and there is nothing but app settings."""

from collections.abc import Mapping

from functune.setting import Setting


class LocalPlan:
    """See HostingPlan."""

    name = "local"
    title = "Local"
    template: str | None = None

    def allows(self, setting: Setting) -> bool:
        """Every setting."""
        return True

    def app_settings(self, setting: Setting) -> dict[str, str | None]:
        """The per-instance concurrency becomes host.json's limit."""
        return setting.settings_to_set()

    def parameters(self, setting: Setting, *, users: int | None, memory_mb: int | None) -> dict[str, int]:
        """None: there is no template."""
        return {}

    def notes(self, setting: Setting, *, users: int | None) -> tuple[str, ...]:
        """None."""
        return ()

    def template_notes(self, setting: Setting) -> tuple[str, ...]:
        """None."""
        return ()

    def scale_options(self, parameters: Mapping[str, int]) -> tuple[str, ...]:
        """None: nothing scales."""
        return ()

    def scale_properties(self, parameters: Mapping[str, int]) -> tuple[str, ...]:
        """None: app settings are enough."""
        return ()
