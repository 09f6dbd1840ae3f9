"""What a person needs to know of a running system: the table that `up` prints."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from orchestrator import __version__
from orchestrator.cli.naming import program
from orchestrator.cli.system.keys import Kept
from orchestrator.cli.system.launch import FLOWER_USER, System

_MARGIN: Final = 11
_IN_OTHER_TERMINALS: Final = "In another terminal, in a repository with changes:"


def facts(system: System) -> dict[str, Any]:
    """The same as `text`, for a program."""
    return {
        "version": __version__,
        "api_url": system.api_url,
        "docs_url": f"{system.api_url}/docs",
        "flower_url": system.flower_url,
        "flower_login": [FLOWER_USER, system.flower_password] if system.flower_url else None,
        "simulator_url": system.addresses.simulator_url,
        "providers": [provider.name for provider in system.providers],
        "simulated": system.simulated,
        "api_key": system.key.value if system.key.fresh else None,
        "api_key_file": str(Kept(system.wish.data_dir).key_file),
        "data_dir": str(system.wish.data_dir),
        "logs": str(system.logs),
    }


def text(system: System) -> str:
    """Where everything is."""
    lines = [f"Orchestrator {__version__} is up", ""]
    lines += [f"  {name:<{_MARGIN}}{value}".rstrip() for name, value in _rows(system)]
    lines += ["", f"  {_IN_OTHER_TERMINALS}", f"    export ORCHESTRATOR_DATA_DIR={system.wish.data_dir}"]
    lines += [f"    git diff | {program()} submit review -", "", "  Ctrl-C stops everything."]
    return "\n".join(["", *lines, "", ""])


def warnings(system: System) -> Iterator[str]:
    """What may stand in a user's way."""
    if system.wish.workers == 0:
        yield "No worker runs: tasks wait until one is started, for example with `orchestrator worker`."
    if not system.key.fresh and not _works(system):
        yield (
            "The API key of this database is not kept here. Use it with ORCHESTRATOR_API_KEY, "
            "or replace it: orchestrator up --new-key"
        )


def _works(system: System) -> bool:
    """Whether the kept key opens this database's API; it may be of another database."""
    from orchestrator.client import Client, ClientError, Unauthenticated

    try:
        with Client(system.api_url, system.key.value) as client:
            client.list(limit=1)
    except Unauthenticated:
        return False
    except ClientError:
        return True
    return True


def _rows(system: System) -> Iterator[tuple[str, str]]:
    yield "API", f"{system.api_url}/api/v1"
    yield "Docs", f"{system.api_url}/docs"
    if system.flower_url:
        yield "Flower", f"{system.flower_url}   login {FLOWER_USER} / {system.flower_password}"
    if system.addresses.simulator_url:
        yield "Simulator", system.addresses.simulator_url
    yield "Database", _server(system.addresses.database_url, "PostgreSQL", own=system.servers.own_database)
    yield "Broker", _server(system.addresses.broker_url, "Valkey", own=system.servers.own_broker)
    yield "Providers", _providers(system)
    yield from _key(system)
    yield "Workers", f"{system.wish.workers}, each for {system.wish.concurrency} tasks at a time"
    yield "Logs", str(system.logs)


def _server(url: str, kind: str, *, own: bool) -> str:
    parts = urlsplit(url)
    place = f"{parts.hostname or 'localhost'}{f':{parts.port}' if parts.port else ''}"
    return f"embedded {kind} at {place}" if own else f"{place} (yours)"


def _providers(system: System) -> str:
    named = ", ".join(f"{provider.name} ({provider.model})" for provider in system.providers)
    return f"{named}; no model is asked, answers are simulated" if system.simulated else named


def _key(system: System) -> Iterator[tuple[str, str]]:
    kept = Kept(system.wish.data_dir).key_file
    if system.key.value is None:
        yield "API key", "not known here"
    elif system.key.fresh:
        yield "API key", system.key.value
        yield "", f"shown this once; kept in {kept} for the command line"
    else:
        yield "API key", f"in {kept}, since an earlier start"
