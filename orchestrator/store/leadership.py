"""The advisory lock that makes one dispatcher lead."""

from orchestrator.store.statements import text

_LEADER = 7236912

TRY = text(f"SELECT pg_try_advisory_lock({_LEADER}) AS held")
HELD = text(
    "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    f" AND objid = {_LEADER} AND granted) AS held"
)
