"""Signs that an app is in production, each as a sentence with the rule by which it was found."""

import re
from collections.abc import Iterator

from functune.azure.site import RECREATE, LiveSite

_WORDS = re.compile(r"(?<![a-z])(prod|prd|production|live)(?![a-z])", re.IGNORECASE)
_STAGE_TAGS = {"environment", "env", "stage", "tier"}
_AZURE_NAMES = (".azurewebsites.net", ".azurewebsites.us", ".chinacloudsites.cn")


def production_signs(site: LiveSite) -> Iterator[str]:
    """The signs; none where nothing speaks for production, which proves nothing."""
    for what, name in (("its name", site.id.name), ("its resource group", site.id.group)):
        if found := _WORDS.search(name):
            yield f"{what}, {name}, has the word '{found[0]}'"
    for tag, value in site.tags.items():
        if tag.lower() in _STAGE_TAGS and (found := _WORDS.search(value)):
            yield f"its tag {tag} has the word '{found[0]}'"
    if own := custom_host_names(site):
        yield f"it has a host name of its own, {own[0]}"
    if ready := {group: many for group, many in site.always_ready.items() if many}:
        yield f"it has instances that are always ready ({', '.join(f'{name}: {many}' for name, many in ready.items())})"
    if site.update_strategy != RECREATE:
        yield f"its update strategy is {site.update_strategy}, which avoids dropped calls"


def custom_host_names(site: LiveSite) -> list[str]:
    """The host names that Azure did not give."""
    names = [str(name) for name in site.properties.get("hostNames") or []]
    return [name for name in names if name != site.host_name and not name.lower().endswith(_AZURE_NAMES)]
