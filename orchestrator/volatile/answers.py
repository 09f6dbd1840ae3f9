"""The cache of answers: a small one in the process, a larger one in Redis, both by tenant.

An entry is a text under a hash, and belongs to one tenant: its name holds the tenant's id, and nobody looks
under another. Redis says with each look-up whether an entry stands and is still the one that a process holds,
so what was cleared, dropped or replaced is found in neither layer by anyone, and a Redis that is away is a
miss. Nothing here is ever the truth. For threads: calls block.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import Final
from uuid import UUID, uuid4

from orchestrator import clock
from orchestrator.volatile import Script, Unreachable

_SOURCE: Final = files(__package__).joinpath("answers.lua").read_text(encoding="utf-8")
LONGEST: Final = 512 * 1024
"""An entry longer than this is not kept; characters."""
COUNTS: Final = (
    "hits_first",
    "hits_second",
    "hits_alike",
    "misses",
    "kept",
    "served",
    "input_tokens_served",
    "output_tokens_served",
    "saved_nanos",
)


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, and whether the process had it itself (`first`) or Redis (`second`)."""

    text: str
    layer: str


class Keeping(StrEnum):
    """What became of an entry that was to be kept; `there`: an earlier one stands, and was to stay."""

    KEPT = "kept"
    THERE = "there"
    FULL = "full"
    TOO_LONG = "too_long"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class _Held:
    stamp: str
    until: float
    text: str


class AnswerCache:
    """Both layers. `most_bytes` bounds Redis over all tenants, `most_here` this process; 0 keeps nothing."""

    def __init__(self, url: str, most_bytes: int, most_here: int) -> None:
        self._script = Script(url, _SOURCE)
        self._most = most_bytes
        self._here = _Memory(most_here)

    def look(self, tenant_id: UUID, name: str, *, counted: bool = True) -> Found | None:
        """The entry of a tenant, or None. Raises `Unreachable`."""
        if not self._most:
            return None
        held = self._here.get(tenant_id, name)
        stamp = held.stamp if held else ""
        layer, current, text, seconds = self._run(tenant_id, "look", name, uuid4().hex, stamp, int(counted))
        if held is not None and layer == "first":
            return Found(held.text, "first")
        if layer != "second":
            return None
        self._here.put(tenant_id, name, _Held(str(current), clock.monotonic() + int(seconds), str(text)))
        return Found(str(text), "second")

    def keep(self, tenant_id: UUID, name: str, text: str, seconds: int, *, instead: bool = True) -> Keeping:
        """Keep an entry for `seconds`, `instead` of an earlier one or only where there is none.

        Raises `Unreachable`."""
        if not self._most:
            return Keeping.OFF
        if len(text) > LONGEST:
            return Keeping.TOO_LONG
        stamp = uuid4().hex
        (said,) = self._run(
            tenant_id, "keep", name, uuid4().hex, stamp, text, seconds, self._most, int(instead)
        )
        if said == Keeping.KEPT:
            self._here.put(tenant_id, name, _Held(stamp, clock.monotonic() + seconds, text))
        return Keeping(str(said))

    def drop(self, tenant_id: UUID, name: str) -> None:
        """Forget one entry of a tenant, for every process. Raises `Unreachable`."""
        self._run(tenant_id, "drop", name, uuid4().hex)

    def count(self, tenant_id: UUID, **more: int) -> None:
        """Add to a tenant's counts. Raises `Unreachable`."""
        self._run(tenant_id, "count", *(part for pair in more.items() for part in pair))

    def clear(self, tenant_id: UUID) -> None:
        """Forget all entries of a tenant, for every process. Raises `Unreachable`."""
        self._run(tenant_id, "clear", uuid4().hex)

    def stats(self, tenant_id: UUID) -> dict[str, int]:
        """A tenant's counts, and `since`, in seconds since 1970 (0: nothing yet). Raises `Unreachable`."""
        said = [str(each) for each in self._run(tenant_id, "stats")]
        found = dict(zip(said[::2], said[1::2], strict=True))
        return {name: int(found.get(name, 0)) for name in (*COUNTS, "since")}

    def _run(self, tenant_id: UUID, verb: str, *arguments: str | float) -> list[str | int]:
        return self._script.run(f"orchestrator:cache:{tenant_id}", verb, *arguments)

    def close(self) -> None:
        """Close the connections."""
        self._script.close()


class _Memory:
    """Entries of this process, those not asked for longest going first; for any number of threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._held: OrderedDict[tuple[UUID, str], _Held] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, tenant_id: UUID, name: str) -> _Held | None:
        with self._lock:
            held = self._held.get((tenant_id, name))
            if held is None:
                return None
            if held.until <= clock.monotonic():
                self._drop((tenant_id, name))
                return None
            self._held.move_to_end((tenant_id, name))
            return held

    def put(self, tenant_id: UUID, name: str, held: _Held) -> None:
        with self._lock:
            self._drop((tenant_id, name))
            self._held[tenant_id, name] = held
            self._size += _size(held)
            while self._size > self._most:
                self._drop(next(iter(self._held)))

    def _drop(self, key: tuple[UUID, str]) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            self._size -= _size(held)


def _size(held: _Held) -> int:
    """About what an entry takes; a character is counted at the two bytes that most take with its overhead."""
    return 2 * len(held.text) + 500


__all__ = ["COUNTS", "LONGEST", "AnswerCache", "Found", "Keeping", "Unreachable"]
