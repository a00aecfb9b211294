"""The pricing tiers of App Service: cores and memory of an instance."""

from collections.abc import Mapping
from typing import NamedTuple


class AppServiceTier(NamedTuple):
    """One tier."""

    cores: int
    memory_mb: int


APP_SERVICE_TIERS: Mapping[str, AppServiceTier] = {
    "B1": AppServiceTier(1, 1792),
    "S1": AppServiceTier(1, 1792),
    "P0v3": AppServiceTier(1, 4096),
    "P1v3": AppServiceTier(2, 8192),
    "P2v3": AppServiceTier(4, 16384),
    "I1v2": AppServiceTier(2, 8192),
}
DEFAULT_TIER = "B1"
