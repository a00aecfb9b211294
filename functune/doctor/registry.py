"""The rules by their id."""

from functune.doctor.rule import Rule
from functune.doctor.rules.app_service_application import APPLICATION_RULES
from functune.doctor.rules.app_service_command import COMMAND_RULES
from functune.doctor.rules.app_service_settings import STARTUP_SETTING_RULES
from functune.doctor.rules.app_service_start import START_RULES
from functune.doctor.rules.app_service_timeouts import TIMEOUT_RULES
from functune.doctor.rules.blocking import BLOCKING_RULES
from functune.doctor.rules.clients import CLIENT_RULES
from functune.doctor.rules.concurrency import CONCURRENCY_RULES
from functune.doctor.rules.host_json import HOST_JSON_RULES
from functune.doctor.rules.measured import MEASURED_RULES
from functune.doctor.rules.requirements import REQUIREMENTS_RULES
from functune.doctor.rules.settings import SETTINGS_RULES

RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (
        *BLOCKING_RULES,
        *CLIENT_RULES,
        *CONCURRENCY_RULES,
        *HOST_JSON_RULES,
        *REQUIREMENTS_RULES,
        *SETTINGS_RULES,
        *START_RULES,
        *APPLICATION_RULES,
        *COMMAND_RULES,
        *STARTUP_SETTING_RULES,
        *TIMEOUT_RULES,
        *MEASURED_RULES,
    )
}
