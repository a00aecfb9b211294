"""The forms of a diagnosis by their name."""

from collections.abc import Callable

from functune.doctor.finding import Diagnosis, Severity
from functune.doctor.formats.json_form import json_text
from functune.doctor.formats.junit_form import junit_text
from functune.doctor.formats.sarif_form import sarif_text
from functune.doctor.formats.text_form import plain_text

DIAGNOSIS_FORMS: dict[str, Callable[[Diagnosis, Severity], str]] = {
    "text": plain_text,
    "json": json_text,
    "sarif": sarif_text,
    "junit": junit_text,
}
"""Each takes the diagnosis and the severity from which a finding fails."""
