"""Which user Postgres runs as. It refuses to run as root, so root lends it an existing account.

No account is made and no mode of a folder that isn't ours is changed: where the account can't
enter the project, Postgres' data and binaries live elsewhere.
"""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from orchestrator.embedded.errors import EmbeddedError

# The first that exists: one made for us, one made for Postgres (Linux, macOS), the one of last resort.
CANDIDATES = ("orchestrator", "postgres", "_postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An unprivileged user of this machine."""

    name: str
    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through the folder and everything above it."""
        return all(self._may(path, 0o1) for path in (folder, *folder.parents))

    def can_run(self, program: Path) -> bool:
        """Whether the account may reach, read and run the file."""
        return self.can_enter(program.parent) and self._may(program, 0o5)

    def _may(self, path: Path, bits: int) -> bool:
        found = path.stat()
        shift = 6 if found.st_uid == self.uid else 3 if found.st_gid == self.gid else 0
        return stat.S_IMODE(found.st_mode) >> shift & bits == bits


def for_postgres(data: Path) -> Account | None:
    """The account to run Postgres as: None is ourselves; as root the owner of existing data."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner))
    for name in CANDIDATES:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError:
            continue
    raise EmbeddedError(
        "Postgres does not run as root, and this machine has none of the users "
        + ", ".join(CANDIDATES)
        + ".",
        "Start as an ordinary user, or make a user named orchestrator.",
    )


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
