"""The simulator's own pages under `/simulator`: health, bill, journal and rules, as JSON."""

from typing import Any, Final
from urllib.parse import parse_qs, unquote

import orjson
from pydantic import ValidationError

from orchestrator.simulator.answering import JSON_TYPE, Simulator
from orchestrator.simulator.connection import Exchange
from orchestrator.simulator.rules import RULES, reason

PREFIX: Final = "/simulator/"
_JOURNAL: Final = "journal/"
DEFAULT_LIMIT: Final = 1_000
MAX_LIMIT: Final = 10_000


async def control(simulator: Simulator, exchange: Exchange, path: str, query: str) -> None:
    """Answer one request of an operator or a test."""
    status, body = _respond(simulator, exchange.request.method, path.removeprefix(PREFIX), query, exchange)
    await exchange.reply(status, {"content-type": JSON_TYPE}, body)


def _respond(
    simulator: Simulator, method: str, page: str, query: str, exchange: Exchange
) -> tuple[int, bytes]:
    match method, page:
        case "GET", "health":
            return _json({"status": "ok", "simulated": True, **_counts(simulator)})
        case "GET", "bill":
            return _json(simulator.journal.bill.view() | _counts(simulator))
        case "GET", "journal":
            return _page(simulator, query)
        case "DELETE", "journal":
            simulator.journal.reset()
            simulator.prefixes.forget()
            return 204, b""
        case "GET", _ if page.startswith(_JOURNAL):
            return _json(simulator.journal.of(unquote(page.removeprefix(_JOURNAL))))
        case "GET", "rules":
            return _json(simulator.faults.view())
        case "PUT", "rules":
            return _replace_rules(simulator, exchange.request.body)
        case "DELETE", "rules":
            simulator.faults.replace([])
            return 204, b""
        case _:
            return _error(404, f"{method} /simulator/{page} is nothing the simulator knows.")


def _counts(simulator: Simulator) -> dict[str, int]:
    journal = simulator.journal
    return {"finished": journal.finished, "open": journal.open_count()}


def _page(simulator: Simulator, query: str) -> tuple[int, bytes]:
    fields = parse_qs(query)
    try:
        after = max(0, int(fields.get("after", ["0"])[0]))
        limit = max(1, int(fields.get("limit", [str(DEFAULT_LIMIT)])[0]))
    except ValueError:
        return _error(400, "after and limit are whole numbers.")
    return 200, simulator.journal.page(after, min(limit, MAX_LIMIT))


def _replace_rules(simulator: Simulator, body: bytes) -> tuple[int, bytes]:
    try:
        simulator.faults.replace(RULES.validate_json(body))
    except ValidationError as error:
        return _error(422, reason(error))
    return _json(simulator.faults.view())


def _json(value: Any) -> tuple[int, bytes]:
    return 200, orjson.dumps(value)


def _error(status: int, message: str) -> tuple[int, bytes]:
    return status, orjson.dumps({"error": {"message": message, "type": "simulator_error"}})
