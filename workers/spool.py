"""The spool: answers that came while Postgres was away, in files until they are booked.

A file is whole or not there: written aside, synced, renamed, its folder synced. Whoever finds one may
book it, because a booking counts once per call; so a worker books what a dead one left behind.
"""

import asyncio
import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from orchestrator import telemetry
from orchestrator.flow.book import Outcome, book
from orchestrator.flow.intend import Intent
from orchestrator.wiring import Parts
from schemas.errors import StoreUnavailable
from schemas.providers import Provider

MOST: Final = 500
"""Files that one round books at most."""

_WHOLE: Final = "*.outcome"


@dataclass(frozen=True, slots=True)
class Paid:
    """A call that has ended, with everything that its booking needs."""

    task_id: UUID
    provider: Provider
    intent: Intent
    outcome: Outcome


_PAID: Final = TypeAdapter(Paid)


class Spool:
    """A folder of outcomes that are not booked yet, shared by the workers of a machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, paid: Paid) -> None:
        """Write an outcome so that it survives this process and this machine. Raises `OSError`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        body = _PAID.dump_json(paid)
        whole = self._file(paid.intent.call_id)
        part = whole.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_seal(body) + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        part.replace(whole)
        self._sync()

    def forget(self, call_id: UUID) -> None:
        """An outcome is booked."""
        self._file(call_id).unlink(missing_ok=True)

    def waiting(self) -> list[Path]:
        """The files that wait, oldest first, as many as one round books."""
        return sorted(self._folder.glob(_WHOLE))[:MOST]

    def read(self, path: Path) -> Paid | None:
        """What a file holds; None where it is gone or can't be read now, or is damaged and set aside."""
        try:
            seal, _, body = path.read_bytes().partition(b"\n")
            if seal != _seal(body):
                raise ValueError("its content is not what was written")
            return _PAID.validate_json(body)
        except FileNotFoundError:
            return None
        except OSError as error:
            # A disk or a process short of something for a moment: the answer in it is paid, so it stays.
            telemetry.fault("spool.not_read", error, call_id=path.stem)
            return None
        except ValueError as error:
            # What a validation complains of would quote the answer.
            self.set_aside(path, "it does not parse" if isinstance(error, ValidationError) else str(error))
            return None

    def set_aside(self, path: Path, why: str) -> None:
        """Keep a file for a person to look at, and tell."""
        telemetry.warn("spool.set_aside", file=path.name, why=why)
        with suppress(OSError):
            path.replace(path.with_suffix(".corrupt"))

    def _file(self, call_id: UUID) -> Path:
        return self._folder / f"{call_id}.outcome"

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


async def replay(parts: Parts, spool: Spool) -> int:
    """How many waiting outcomes were booked or found booked. Raises `StoreUnavailable`."""
    done = 0
    for path in spool.waiting():
        paid = await asyncio.to_thread(spool.read, path)
        if paid is None:
            continue
        try:
            booked = await book(parts, paid.task_id, paid.provider, paid.intent, paid.outcome)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - one outcome must not hold up the others, nor the heart
            telemetry.fault("spool.not_booked", error, call_id=paid.intent.call_id)
            spool.set_aside(path, type(error).__name__)
            continue
        spool.forget(paid.intent.call_id)
        telemetry.tell("spool.replayed", call_id=paid.intent.call_id, booked=booked)
        done += 1
    return done


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
