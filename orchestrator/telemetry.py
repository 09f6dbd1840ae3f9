"""One way out for what happens: named events to the log, figures to Prometheus.

Logs are JSON lines without prompts, answers or credentials. Counters are right with several
processes: where `PROMETHEUS_MULTIPROC_DIR` is set they are summed over all that share it.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final
from uuid import UUID

import orjson
from prometheus_client import REGISTRY as _PROCESS
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
    start_http_server,
)

from orchestrator.config import shares_metrics
from orchestrator.plain_structlog import structlog
from schemas.events import EventName
from schemas.moves import Happening

_BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)

TASK_EVENTS = Counter("orchestrator_task_events", "Events of tasks, by name", ["event"])
CALLS = Counter(
    "orchestrator_calls", "Provider calls booked, by outcome", ["vendor", "model", "status", "category"]
)
CALL_SECONDS = Histogram(
    "orchestrator_call_duration_seconds",
    "Provider calls, from intent to outcome",
    ["vendor"],
    buckets=_BUCKETS,
)
COST = Counter("orchestrator_cost_nanodollars", "Booked cost of calls", ["vendor", "model"])
TOKENS = Counter("orchestrator_tokens", "Tokens booked, by class", ["vendor", "model", "token_class"])
QUALITY = Histogram(
    "orchestrator_result_quality",
    "Quality scores of accepted results, 0 to 100",
    ["vendor", "kind"],
    buckets=(10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100),
)
CACHE = Counter(
    "orchestrator_cache_lookups",
    "Look-ups of kept answers, by outcome: first or second layer, none, away",
    ["kind", "outcome"],
)
SERVED_TOKENS = Counter(
    "orchestrator_cache_tokens_served",
    "Tokens of answers from the cache, that no provider was paid for",
    ["kind", "token_class"],
)
CIRCUITS = Counter("orchestrator_circuit_moves", "Moves of health circuits, by the state reached", ["state"])
GATES_CLOSED = Counter(
    "orchestrator_gates_closed",
    "Cool-downs and credential gates closed by a provider's answer",
    ["kind", "reason"],
)
FAILOVERS = Counter("orchestrator_failovers", "Tasks that went on to another provider, by why", ["category"])
THRESHOLDS = Counter(
    "orchestrator_budget_thresholds", "Thresholds of budgets that spending has crossed", ["threshold"]
)
RESCUES = Counter("orchestrator_rescues", "Leases taken back from dead processes")
NUDGES = Counter("orchestrator_nudges", "Messages put on queues", ["queue"])
DROPPED = Counter("orchestrator_messages_dropped", "Queue messages that were dropped, by why", ["why"])
BROKER_WIPES = Counter("orchestrator_broker_wipes", "Times the broker was found empty")
REQUESTS = Histogram(
    "orchestrator_http_request_duration_seconds",
    "API requests",
    ["method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)

GAUGES: Final[dict[str, str]] = {
    "orchestrator_database_up": "1 while Postgres answers",
    "orchestrator_queue_depth": "Queued tasks of a queue, by state: ready, nudged, waiting",
    "orchestrator_oldest_queued_age_seconds": "Age of the oldest queued task of a queue",
    "orchestrator_leases": "Tasks of a queue that a worker holds",
    "orchestrator_window": "Nudges of a queue that nobody claimed yet",
    "orchestrator_workers_live": "Worker processes with a fresh heartbeat",
    "orchestrator_slots": "Slots of the live workers",
    "orchestrator_gates": "Gates of providers that are not closed, by kind and state",
    "orchestrator_budget_limit_nanodollars": "Limits of all living budgets, by scope, period and hardness",
    "orchestrator_budget_spent_nanodollars": "What their current windows have spent",
    "orchestrator_budget_held_nanodollars": "What their current windows hold for open calls",
    "orchestrator_ledger_breaches": "Breaches that the dispatcher's last reckoning found, by check",
    "orchestrator_ledger_drift_nanodollars": "What those breaches come to, by check",
    "orchestrator_ledger_checked_age_seconds": "Time since the dispatcher's last reckoning",
}
"""Read from Postgres when they are asked for, so they are the same whoever is asked."""

_LONGEST_SAID: Final = 1000
_REPORTERS: Final = ("celery", "kombu")
_log = structlog.get_logger()


def configure(role: str, level: str) -> None:
    """Log JSON lines to standard error, marked with the process's role."""
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            _of_process(role),
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Libraries()], level=max(number, logging.WARNING), force=True)


def _of_process(role: str) -> Callable[[Any, str, MutableMapping[str, Any]], MutableMapping[str, Any]]:
    pid = os.getpid()

    def mark(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["role"], event["pid"] = role, pid
        return event

    return mark


class _Libraries(logging.Handler):
    """What libraries log (Celery, kombu, uvicorn …) as events of ours; no message of ours carries content.

    Celery reports a message that it can't take with all that it holds, below a line that says why.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on."""
        level = {logging.ERROR: "error", logging.CRITICAL: "critical"}.get(record.levelno, "warning")
        said, _, more = record.getMessage().strip().partition("\n")
        report = bool(more) and record.name.startswith(_REPORTERS)
        shown = said if report else f"{said}\n{more}".rstrip()
        traceback = None if report else record.exc_info
        getattr(_log, level)(
            "library.said", library=record.name, said=shown[:_LONGEST_SAID], exc_info=traceback
        )


def emit(task_id: UUID, happenings: Iterable[Happening]) -> None:
    """Tell that these events of a task were committed."""
    for happening in happenings:
        TASK_EVENTS.labels(happening.name).inc()
        if happening.name is EventName.FAILED_OVER:
            FAILOVERS.labels(happening.data["category"]).inc()
        _log.info(str(happening.name), task_id=task_id, **happening.data)


def tell(event: str, **data: Any) -> None:
    """Tell of something that is no task's event: a process started, a leader changed."""
    _log.info(event, **data)


def warn(event: str, **data: Any) -> None:
    """Tell of something an operator may want to look at."""
    _log.warning(event, **data)


def fault(event: str, error: BaseException, **data: Any) -> None:
    """Tell of something unexpected, with its traceback."""
    _log.error(event, exc_info=error, **data)


def figures(gauges: Mapping[str, Mapping[tuple[tuple[str, str], ...], float]]) -> bytes:
    """All figures in Prometheus' text form: the processes' counters, then the given gauges."""
    registry: CollectorRegistry = _PROCESS
    if shares_metrics():
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    lines = [generate_latest(registry).decode()]
    for name, samples in gauges.items():
        lines.append(f"# HELP {name} {GAUGES[name]}\n# TYPE {name} gauge\n")
        lines.extend(f"{name}{_labels(labels)} {value:g}\n" for labels, value in samples.items())
    return "".join(lines).encode()


def serve_metrics(port: int | None) -> None:
    """Serve this process's figures on a port of its own, where one is set."""
    if port is not None:
        start_http_server(port, registry=_PROCESS)


def _labels(labels: tuple[tuple[str, str], ...]) -> str:
    if not labels:
        return ""
    quoted = (f'{key}="{_escape(value)}"' for key, value in labels)
    return "{" + ",".join(quoted) + "}"


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _dumps(value: Any, **_: Any) -> bytes:
    return orjson.dumps(value, default=str)
