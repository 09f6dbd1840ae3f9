"""Probes, version and figures, at the root and without a key."""

import asyncio
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from orchestrator import clock, telemetry
from orchestrator.api.described import only
from orchestrator.api.replies import json_reply
from orchestrator.store import views
from orchestrator.volatile import Unreachable
from orchestrator.wiring import Parts
from schemas.api import Live, Ready, Version
from schemas.errors import StoreUnavailable

router = APIRouter(tags=["operation"])

_FIGURES_SECONDS: Final = 2.0
_PROBE_SECONDS: Final = 1.0
"""For each of the two statements of a probe; who probes waits for few seconds."""
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Gauges = Mapping[str, Mapping[tuple[tuple[str, str], ...], float]]


@router.get("/livez", response_model=None, responses={200: {"model": Live}, **only(422)})
async def livez() -> Response:
    """Say that the process runs; depends on nothing."""
    return json_reply({"status": "ok"})


@router.get(
    "/readyz", response_model=None, responses={200: {"model": Ready}, 503: {"model": Ready}, **only(422)}
)
async def readyz(request: Request, verbose: Annotated[str | None, Query()] = None) -> Response:
    """Say whether this process can take tasks: the database answers and has the schema of this release."""
    parts: Parts = request.app.state.parts
    checks = [*await _database(parts), await _broker(parts)]
    ready = all(check["status"] == "ok" for check in checks if check["required"])
    body: dict[str, Any] = {"status": "ok" if ready else "failing"}
    if verbose is not None:
        body["checks"] = checks
    return json_reply(body, 200 if ready else 503, None if ready else {"Retry-After": "2"})


@router.get("/version", response_model=None, responses={200: {"model": Version}, **only(422)})
async def show_version() -> Response:
    """Show what runs here."""
    return json_reply({"name": "orchestrator", "version": _version(), "revision": views.expected_revision()})


@router.get(
    "/metrics",
    response_model=None,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **only(422)},
)
async def metrics(request: Request) -> Response:
    """Show all figures in Prometheus' text form."""
    gauges = await request.app.state.gauges.read(request.app.state.parts)
    return Response(telemetry.figures(gauges), headers={"Content-Type": _METRICS_TYPE})


class LatestGauges:
    """The gauges of the last two seconds, read once however many ask."""

    def __init__(self) -> None:
        self._until = 0.0
        self._gauges: Gauges = {}
        self._reading = asyncio.Lock()

    async def read(self, parts: Parts) -> Gauges:
        """The gauges; `orchestrator_database_up` alone is left when the database is away."""
        async with self._reading:
            if clock.monotonic() >= self._until:
                self._gauges = await _gauges(parts)
                self._until = clock.monotonic() + _FIGURES_SECONDS
            return self._gauges


async def _gauges(parts: Parts) -> Gauges:
    try:
        levels = await views.levels(parts.db, parts.config.dead_after_seconds)
        limits = await views.limits(parts.db)
        books = await views.books(parts.db)
    except StoreUnavailable:
        return {"orchestrator_database_up": {(): 0}}
    nudged = {queue: count for (queue, state), count in levels.depth.items() if state == "nudged"}
    return {
        "orchestrator_database_up": {(): 1},
        "orchestrator_queue_depth": {
            (("queue", queue), ("state", state)): count for (queue, state), count in levels.depth.items()
        },
        "orchestrator_oldest_queued_age_seconds": _by_queue(levels.oldest_seconds),
        "orchestrator_leases": _by_queue(levels.leases),
        "orchestrator_window": _by_queue(nudged),
        "orchestrator_workers_live": {(): levels.workers},
        "orchestrator_slots": {(): levels.slots},
        "orchestrator_gates": limits.gates,
        "orchestrator_budget_limit_nanodollars": limits.limit,
        "orchestrator_budget_spent_nanodollars": limits.spent,
        "orchestrator_budget_held_nanodollars": limits.held,
        **(_of_books(books) if books else {}),
    }


def _of_books(books: views.Books) -> Gauges:
    return {
        "orchestrator_ledger_breaches": {
            (("check", check),): count for check, count in books.breaches.items()
        },
        "orchestrator_ledger_drift_nanodollars": {
            (("check", check),): nanos for check, nanos in books.drift_nanos.items()
        },
        "orchestrator_ledger_checked_age_seconds": {(): books.age},
    }


def _by_queue(values: Mapping[str, float]) -> dict[tuple[tuple[str, str], ...], float]:
    return {(("queue", queue),): value for queue, value in values.items()}


async def _database(parts: Parts) -> list[dict[str, Any]]:
    try:
        revision = (await views.health(parts.db.answering_within(_PROBE_SECONDS))).revision
    except StoreUnavailable:
        return [
            _check("database", False, True, "does not answer"),
            _check("schema", False, True, "not known"),
        ]
    expected = views.expected_revision()
    at_head = revision == expected
    detail = f"at {revision}, this release needs {expected}: run `orchestrator db migrate`"
    return [
        _check("database", True, True, "answers"),
        _check("schema", at_head, True, "" if at_head else detail),
    ]


async def _broker(parts: Parts) -> dict[str, Any]:
    try:
        await parts.volatile.ping()
    except Unreachable:
        return _check("broker", False, False, "does not answer; tasks are still accepted and wait")
    return _check("broker", True, False, "answers")


def _check(name: str, fine: bool, required: bool, detail: str) -> dict[str, Any]:
    return {"name": name, "status": "ok" if fine else "failing", "required": required, "detail": detail}


def _version() -> str:
    try:
        return version("orchestrator")
    except PackageNotFoundError:
        return "unknown"
