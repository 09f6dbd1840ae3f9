"""Which path leads where. `/accounts/{account}` before a vendor's path names the account that asks."""

import re
from typing import Final
from urllib.parse import unquote

from orchestrator.simulator import openai_chat
from orchestrator.simulator.answering import JSON_TYPE, Simulator, answer
from orchestrator.simulator.connection import Exchange
from orchestrator.simulator.control import PREFIX, control
from orchestrator.simulator.faults import REFUSALS, Fault
from orchestrator.simulator.rules import Facts
from orchestrator.simulator.wire import Refusal, Refused, Wire

DEFAULT_ACCOUNT: Final = "default"
_ACCOUNT: Final = re.compile(r"/accounts/([^/]+)(/.*)")
_OPENAI: Final = openai_chat.OpenAIChat()
COMPLETIONS: Final[dict[str, Wire]] = {openai_chat.CHAT: _OPENAI}
LISTS: Final[dict[str, Wire]] = {openai_chat.MODELS: _OPENAI}


class Doors:
    """Lets requests in."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    async def __call__(self, exchange: Exchange) -> None:
        """Answer one request."""
        method = exchange.request.method
        target, _, query = exchange.request.target.partition("?")
        account, path = _split(target)
        if target.startswith(PREFIX):
            await control(self._simulator, exchange, target, query)
        elif method == "POST" and (wire := COMPLETIONS.get(path)):
            await answer(self._simulator, wire, exchange, account, path)
        elif method == "GET" and (wire := LISTS.get(path)):
            await self._list(wire, exchange, account, path)
        else:
            await _refuse(_OPENAI, exchange, _unknown(method, path))

    async def _list(self, wire: Wire, exchange: Exchange, account: str, path: str) -> None:
        """The models: free, in no journal, and met only by an outage or by a rule that names the path."""
        fault = self._simulator.faults.listing_fault(Facts(account, path, "", None, ""))
        if fault is Fault.OUTAGE:
            exchange.cut()
        elif fault in REFUSALS:
            await _refuse(wire, exchange, REFUSALS[fault])
        else:
            await _models(wire, exchange)


async def _models(wire: Wire, exchange: Exchange) -> None:
    try:
        wire.authorise(exchange.request.headers)
    except Refused as refused:
        await _refuse(wire, exchange, refused.refusal)
    else:
        await exchange.reply(200, {"content-type": JSON_TYPE}, wire.models())


async def _refuse(wire: Wire, exchange: Exchange, refusal: Refusal) -> None:
    await exchange.reply(refusal.status, {"content-type": JSON_TYPE}, wire.error(refusal))


def _split(target: str) -> tuple[str, str]:
    found = _ACCOUNT.fullmatch(target)
    return (unquote(found[1]), found[2]) if found else (DEFAULT_ACCOUNT, target)


def _unknown(method: str, path: str) -> Refusal:
    if path in COMPLETIONS or path in LISTS:
        return Refusal(405, "invalid_request_error", None, f"Not allowed to {method} on {path}.")
    return Refusal(404, "invalid_request_error", "unknown_url", f"Unknown request URL: {method} {path}.")
