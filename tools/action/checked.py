"""The findings of functune doctor as a file for code scanning."""

import json
from pathlib import Path
from posixpath import join, normpath
from urllib.parse import quote

from tools.action.functune import Functune
from tools.action.inputs import Inputs
from tools.action.log import warning

SARIF = "doctor.sarif"


def checked_app(functune: Functune, inputs: Inputs) -> Path | None:
    """The file; None, with a warning, where the app could not be checked."""
    written = inputs.folder / SARIF
    folder = inputs.workspace / inputs.script_root
    called = functune.call("Check the app", "doctor", folder, "--format", "sarif", "--out", written)
    if not called.is_answer:
        warning(f"functune doctor: {called.reason}")
        return None
    sarif = json.loads(written.read_text(encoding="utf-8"))
    for result in (result for run in sarif["runs"] for result in run["results"]):
        for place in result.get("locations", []):
            place["physicalLocation"]["artifactLocation"] = from_repository(
                place["physicalLocation"]["artifactLocation"], inputs.script_root
            )
    written.write_text(json.dumps(sarif), encoding="utf-8")
    return written


def from_repository(place: dict[str, str], script_root: str) -> dict[str, str]:
    """A place by its path in the repository, by which code scanning finds the file."""
    return {"uri": normpath(join(quote(script_root), place["uri"]))}
