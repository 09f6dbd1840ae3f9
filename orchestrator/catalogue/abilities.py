"""Which kinds of work a vendor takes at all."""

from typing import Final

from schemas.providers import Vendor
from schemas.tasks import TaskKind

_ONLY: Final[dict[Vendor, frozenset[TaskKind]]] = {
    Vendor.COPILOT: frozenset({TaskKind.GENERATE_CODE, TaskKind.FIX_BUG})
}
"""GitHub Copilot works on a branch and brings back changes: no findings, and no answer in words."""


def takes(vendor: Vendor, kind: TaskKind) -> bool:
    """Whether tasks of this kind may go to this vendor."""
    only = _ONLY.get(vendor)
    return only is None or kind in only
