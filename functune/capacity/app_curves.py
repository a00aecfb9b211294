"""The curves of an app: those of the instance sizes that were measured, and one from which the others follow."""

from collections.abc import Mapping

import msgspec

from functune.capacity.configuration import PLANNED_SIZES
from functune.capacity.curve import InstanceCurve


class AppCurves(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The app with one setting on instances of every size."""

    widest: InstanceCurve
    """Measured on the whole machine, else on the instance with the most cores."""
    measured: Mapping[tuple[str, str], InstanceCurve] = {}
    """Those that were measured on an instance of the very size, by plan and size."""

    def measured_for(self, plan: str, size: str) -> InstanceCurve:
        """The measured curve that counts for a size: its own, or the widest."""
        return self.measured.get((plan, size), self.widest)

    def of(self, plan: str, size: str) -> InstanceCurve:
        """The curve of an instance of a size."""
        return self.measured_for(plan, size).on_cores(PLANNED_SIZES[plan][size].cores)
