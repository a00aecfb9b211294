"""The setting that an app on Azure has, and the values that give it another."""

from functune.azure.change import SiteValues, wanted_values
from functune.azure.site import LiveSite
from functune.errors import SettingsError
from functune.setting import PROCESS_COUNT, THREAD_COUNT, Setting
from functune.shapes import InstanceShape, flex_shape

DEFAULT_MEMORY_MB = 2048
"""The memory of an instance of Flex Consumption where none is said."""
PYTHON_CONCURRENCY = 1
"""The per-instance concurrency of Flex Consumption where none is set, for Python on every size of instance."""


def setting_of_site(site: LiveSite) -> Setting:
    """The setting of the app. Raises SettingsError for a count that cannot be read."""
    concurrency = site.per_instance_concurrency
    if site.is_flex and concurrency is None:
        concurrency = PYTHON_CONCURRENCY
    return Setting(
        process_count=1 if site.is_flex else count_in_setting(site, PROCESS_COUNT) or 1,
        thread_count=count_in_setting(site, THREAD_COUNT),
        per_instance_concurrency=concurrency,
        instance=shape_of_site(site),
    )


def shape_of_site(site: LiveSite) -> InstanceShape | None:
    """The shape of the app's instances; None on other plans than Flex Consumption."""
    return flex_shape(site.memory_mb or DEFAULT_MEMORY_MB) if site.is_flex else None


def count_in_setting(site: LiveSite, name: str) -> int | None:
    """The number in an app setting; None where it is not set. Raises SettingsError for other content."""
    text = site.app_settings.get(name, "").strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise SettingsError(f"{name} of {site.id.name} is not a whole number from 1: correct it before measuring")
    return int(text)


def values_for(site: LiveSite, setting: Setting) -> SiteValues:
    """The values that give an app a setting. Other plans than Flex Consumption have app settings alone."""
    values = setting.app_setting_values()
    if not site.is_flex:
        return SiteValues(app_settings=values)
    del values[PROCESS_COUNT]
    return wanted_values(
        site,
        memory_mb=None if setting.instance is None else setting.instance.memory_mb,
        concurrency=setting.per_instance_concurrency,
        app_settings=values,
    )
