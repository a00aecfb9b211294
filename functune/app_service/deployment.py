"""A folder as it is deployed to App Service, and what is set for the app."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A folder as it is deployed, and what is set for the app."""

    folder: Path
    python: tuple[int, int] = (3, 13)
    """Major and minor version of the runtime stack."""
    command: str = ""
    """The start-up command, or the name of a file in the folder that contains it; empty for none."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The app settings."""
    cores: int = 1
    """Of the instance."""
