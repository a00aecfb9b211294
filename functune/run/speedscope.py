"""profile.speedscope.json: the profile in the file format of https://www.speedscope.app, to be opened there."""

from typing import Any

from functune.formatting import plural
from functune.run.profile import Profile, ProfileLine, StepProfile

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def speedscope(profile: Profile) -> dict[str, Any]:
    """The document: one sampled profile per step, each line with its stack and its wait, weighted in seconds."""
    frames: dict[str, int] = {}
    profiles = [sampled_profile(step, frames) for step in profile.steps]
    return {
        "$schema": SCHEMA,
        "exporter": "functune",
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": profiles,
    }


def sampled_profile(step: StepProfile, frames: dict[str, int]) -> dict[str, Any]:
    """One step; new frames are added to ``frames``, which numbers them."""
    return {
        "type": "sampled",
        "name": f"{step.subject}, {step.setting}, {plural(step.users, 'user')}",
        "unit": "seconds",
        "startValue": 0,
        "endValue": sum(line.seconds for line in step.lines),
        "samples": [[frames.setdefault(name, len(frames)) for name in named_stack(line)] for line in step.lines],
        "weights": [line.seconds for line in step.lines],
    }


def named_stack(line: ProfileLine) -> list[str]:
    """The frames of a line, the outermost one first, and its wait."""
    return [*line.stack, *([f"[waits: {line.waits_in}]"] if line.waits_in else [])]
