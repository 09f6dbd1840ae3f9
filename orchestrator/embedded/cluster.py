"""The files of a Postgres cluster: made whole or not at all, with settings written at every start.

The server listens on the loopback address with passwords only, and what makes a commit durable
(fsync, full_page_writes, synchronous_commit) is on.
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.embedded.account import Account
from orchestrator.embedded.directory import write_private
from orchestrator.embedded.errors import EmbeddedError, StartFailed
from orchestrator.embedded.processes import run_as, text_of

MAJOR = "18"
ROLE = "orchestrator"
DATABASE = "orchestrator"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "max_connections": "200",
    "shared_buffers": "'128MB'",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "logging_collector": "off",
    "log_line_prefix": "'%m [%p] %a '",
    "log_timezone": "'UTC'",
    "timezone": "'UTC'",
    "lc_messages": "'C'",
}
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class Cluster:
    """One cluster in the folder `data`, worked on as `account` with the programs in `programs`."""

    data: Path
    programs: Path
    account: Account | None

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def make(self, password: str) -> None:
        """Make the cluster, its role and its database, aside; then put it in place."""
        self._clear_leftovers()
        aside = Path(tempfile.mkdtemp(dir=self.data.parent, prefix=f"{self.data.name}.making-"))
        if self.account:
            os.chown(aside, self.account.uid, self.account.gid)
        making = Cluster(aside, self.programs, self.account)
        making._initdb()
        making.set_password(password)
        aside.rename(self.data)

    def set_password(self, password: str) -> None:
        """Make sure of the role, its password and its database; the server must be down."""
        statements = (
            "CREATE EXTENSION IF NOT EXISTS vector",
            f"CREATE ROLE {ROLE}",
            f"ALTER ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'",
            f"GRANT pg_monitor, pg_signal_backend TO {ROLE}",
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        )
        # In template1, so that every database has the extension: the role may not create it.
        program: tuple[str | Path, ...] = (self.programs / "postgres", "--single", "-D", self.data)
        quiet = ("-c", "log_min_error_statement=panic")
        script = "".join(f"{statement}\n" for statement in statements)
        done = run_as(self.account, (*program, *quiet, "template1"), cwd=self.data, stdin=script)
        errors = [
            line for line in done.stdout.splitlines() if "ERROR:" in line and "already exists" not in line
        ]
        if done.returncode or errors:
            raise StartFailed("Postgres could not set its password:\n" + done.stdout, "See the lines above.")

    def configure(self, port: int) -> bool:
        """Write the settings; True when they differ from what was there."""
        self._check_version()
        settings = {"port": str(port), **SETTINGS}
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        files = {
            "postgresql.conf": "# Written at every start; changes made here are lost.\n" + "".join(lines),
            "pg_hba.conf": ACCESS,
        }
        changed = {name: text for name, text in files.items() if text_of(self.data / name) != text}
        for name, text in changed.items():
            write_private(self.data / name, text, self.account)
        return bool(changed)

    def _initdb(self) -> None:
        done = run_as(
            self.account,
            [
                self.programs / "initdb", "--pgdata", self.data, "--username", "postgres", "--auth", "reject",
                "--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin",
                "--builtin-locale", "C.UTF-8", "--no-instructions",
            ],
            cwd=self.data,
        )  # fmt: skip
        if done.returncode:
            raise StartFailed("initdb failed:\n" + done.stdout, "See the lines above.")

    def _check_version(self) -> None:
        found = (text_of(self.data / "PG_VERSION") or "").strip()
        if found != MAJOR:
            raise EmbeddedError(
                f"The data in {self.data} belong to PostgreSQL {found}, not {MAJOR}.",
                "Give another --data-dir, or move the data with pg_upgrade.",
            )

    def _clear_leftovers(self) -> None:
        """What a start that was killed while it made the cluster left behind."""
        for leftover in self.data.parent.glob(f"{self.data.name}.making-*"):
            shutil.rmtree(leftover, ignore_errors=True)
