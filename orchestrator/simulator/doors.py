"""Which path leads where. `/accounts/{account}` before a vendor's path names the account that asks."""

import re
from typing import Final
from urllib.parse import parse_qs, unquote

from orchestrator.simulator.answering import JSON_TYPE, Simulator, answer
from orchestrator.simulator.connection import Exchange
from orchestrator.simulator.control import PREFIX, control
from orchestrator.simulator.faults import REFUSALS, Fault
from orchestrator.simulator.rules import Facts
from orchestrator.simulator.wire import Cause, Refusal, Refused, Wire
from orchestrator.simulator.wires import (
    anthropic_messages,
    gemini,
    gemini_embeddings,
    ollama,
    ollama_embeddings,
    openai,
    openai_chat,
    openai_embeddings,
    openai_responses,
)

DEFAULT_ACCOUNT: Final = "default"
_ACCOUNT: Final = re.compile(r"/accounts/([^/]+)(/.*)")
_GEMINI_METHOD: Final = re.compile(rf"{gemini.MODELS}/[^/:]+:(\w+)")

_CHAT: Final = openai_chat.OpenAIChat()
_ANTHROPIC: Final = anthropic_messages.AnthropicMessages()
_OLLAMA: Final = ollama.Ollama()
_GEMINI: Final[dict[str, Wire]] = {
    "generateContent": gemini.Gemini(streams=False),
    "streamGenerateContent": gemini.Gemini(streams=True),
    gemini_embeddings.METHOD: gemini_embeddings.GeminiEmbeddings(),
}
COMPLETIONS: Final[dict[str, Wire]] = {
    openai_chat.CHAT: _CHAT,
    openai_responses.RESPONSES: openai_responses.OpenAIResponses(),
    openai_embeddings.EMBEDDINGS: openai_embeddings.OpenAIEmbeddings(),
    anthropic_messages.MESSAGES: _ANTHROPIC,
    ollama.CHAT: _OLLAMA,
    ollama_embeddings.EMBED: ollama_embeddings.OllamaEmbeddings(),
}
LISTS: Final[dict[str, Wire]] = {
    f"{openai.ROOT}/models": _CHAT,
    anthropic_messages.MODELS: _ANTHROPIC,
    gemini.MODELS: _GEMINI["generateContent"],
    ollama.TAGS: _OLLAMA,
}
_VENDORS: Final[dict[str, Wire]] = {
    "anthropic": _ANTHROPIC,
    "gemini": _GEMINI["generateContent"],
    "ollama": _OLLAMA,
}


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
        elif method == "POST" and (wire := _completing(path, query)):
            await answer(self._simulator, wire, exchange, account, path)
        elif method == "GET" and (wire := LISTS.get(path)):
            await self._list(wire, exchange, account, path)
        else:
            await _refuse(_speaking(path), exchange, _unknown(method, path))

    async def _list(self, wire: Wire, exchange: Exchange, account: str, path: str) -> None:
        """The models: free, in no journal, and met only by an outage or by a rule that names the path."""
        fault = self._simulator.faults.listing_fault(Facts(account, path, "", None, ""))
        if fault is Fault.OUTAGE:
            exchange.cut()
        elif fault in REFUSALS:
            await _refuse(wire, exchange, Refusal(REFUSALS[fault]))
        else:
            await _models(wire, exchange)


async def _models(wire: Wire, exchange: Exchange) -> None:
    try:
        wire.authorise(exchange.request.headers)
    except Refused as refused:
        await _refuse(wire, exchange, refused.refusal)
    else:
        await exchange.reply(200, {"content-type": JSON_TYPE}, wire.listing())


async def _refuse(wire: Wire, exchange: Exchange, refusal: Refusal) -> None:
    told = wire.error(refusal, "")
    await exchange.reply(told.status, {"content-type": JSON_TYPE}, told.body)


def _split(target: str) -> tuple[str, str]:
    found = _ACCOUNT.fullmatch(target)
    return (unquote(found[1]), found[2]) if found else (DEFAULT_ACCOUNT, target)


def _completing(path: str, query: str) -> Wire | None:
    """The wire that answers a POST; Gemini's stream is spoken as server-sent events only."""
    if (wire := COMPLETIONS.get(path)) is not None:
        return wire
    found = _GEMINI_METHOD.fullmatch(path)
    if found is None or (found[1] == "streamGenerateContent" and parse_qs(query).get("alt") != ["sse"]):
        return None
    return _GEMINI.get(found[1])


def _speaking(path: str) -> Wire:
    """Whose words an unknown path is refused in: those of the vendor it begins with, else OpenAI's."""
    return _VENDORS.get(path.split("/", 2)[1] if path.startswith("/") else "", _CHAT)


def _unknown(method: str, path: str) -> Refusal:
    if path in COMPLETIONS or path in LISTS:
        return Refusal(Cause.WRONG_METHOD, f"{method} on {path}")
    return Refusal(Cause.UNKNOWN_PATH, f"{method} {path}")
