"""The diagnosis for programs."""

import msgspec

from functune.doctor.finding import Diagnosis, Severity


def json_text(diagnosis: Diagnosis, threshold: Severity) -> str:
    """Every field of the diagnosis, with the severity from which a finding fails and whether the app passes."""
    document = {
        **msgspec.to_builtins(diagnosis),
        "threshold": threshold,
        "healthy": not diagnosis.at_least(threshold),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
