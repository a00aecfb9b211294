"""An app on Azure in words: its settings, its findings, and changes to it."""

from collections.abc import Iterator, Sequence

from functune.azure.effective import LiveSetting, live_settings
from functune.azure.site import LiveSite
from functune.azure.site_journal import SiteChange
from functune.formatting import plural


def site_lines(site: LiveSite) -> Iterator[str]:
    """The app and its settings, configured and effective. The other app settings are counted alone."""
    plan = "Flex Consumption" if site.is_flex else site.sku or "a plan that is not Flex Consumption"
    state = str(site.properties.get("state") or "state unknown")
    yield f"{site.id.name}: {plan}, {site.runtime if site.is_flex else 'function app'}, {site.location}, {state}"
    yield f"  {site.id}"
    yield ""
    rows = live_settings(site)
    yield from columns(rows)
    others = len(site.app_settings.keys() - {row.name for row in rows})
    yield f"{plural(others, 'other app setting')}, whose values are not shown."


def columns(rows: Sequence[LiveSetting]) -> Iterator[str]:
    """The settings in columns."""
    head = LiveSetting(name="Setting", configured="Configured", effective="Effective")
    cells = [(row.name, row.configured if row.configured is not None else "-", row.effective) for row in (head, *rows)]
    name, configured = (max(len(row[place]) for row in cells) for place in (0, 1))
    for row in cells:
        yield f"{row[0]:<{name}}  {row[1]:<{configured}}  {row[2]}".rstrip()


def open_change_lines(changes: Sequence[SiteChange], site: LiveSite) -> Iterator[str]:
    """The changes that can be undone."""
    for change in changes:
        if change.by == "sweep":
            yield (
                f"The sweep that began at {change.at} ended before it restored the app: `functune azure revert "
                f"{site.id}` restores it."
            )
        else:
            yield f"functune applied settings at {change.at}: `functune azure revert {site.id}` takes them back."
