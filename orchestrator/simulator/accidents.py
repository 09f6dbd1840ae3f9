"""What each fault does to an answer that has been made and would otherwise go out.

Faults that are plain errors (`faults.REFUSALS`) never come here; an accident ends with the outcome that
the journal shows, and a client that leaves ends it with ClientGone.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from orchestrator.simulator import tokens
from orchestrator.simulator.connection import Exchange
from orchestrator.simulator.delivery import FOREVER_SECONDS, Delivery
from orchestrator.simulator.faults import Fault, Plan
from orchestrator.simulator.wire import Cause, Finish, Refusal, Reply, Usage, Wire

ANSWERED: Final = "answered"
TRICKLE_MS: Final = 250.0
FILTERED_AFTER_TOKENS: Final = 10
OVERLOADED: Final = Refusal(Cause.OVERLOADED)
REFUSED: Final = "I can't help with that (simulated)."
_PROXY_PAGE: Final = b"<html><body><h1>It works!</h1><p>Simulated proxy page.</p></body></html>"


@dataclass(frozen=True, slots=True)
class Scene:
    """What an accident works on."""

    exchange: Exchange
    delivery: Delivery
    plan: Plan
    headers: Mapping[str, str]
    wire: Wire

    def parts(self, otherwise: int) -> int:
        """How many parts go out before the accident."""
        return otherwise if self.plan.after_chunks is None else self.plan.after_chunks

    def half(self) -> int:
        """The usual place of an accident: in the middle."""
        return self.parts(max(1, self.delivery.parts // 2))


async def deliver(scene: Scene) -> str:
    """Send the answer, with its accident where one is planned; returns the outcome."""
    accident = _ACCIDENTS.get(scene.plan.fault) if scene.plan.fault else None
    if accident is not None:
        return await accident(scene)
    await scene.delivery.begin()
    await scene.delivery.send(scene.delivery.parts, (scene.plan.chunk_ms or 0) / 1000)
    await scene.delivery.finish()
    return ANSWERED


def altered(reply: Reply, fault: Fault | None) -> Reply:
    """The reply as the faults leave it that change what is said, not how it is sent."""
    if fault is Fault.NO_USAGE:
        return replace(reply, shows_usage=False)
    visible = tokens.count(reply.text)
    match fault:
        case Fault.LENGTH:
            return cut(reply, visible // 2, Finish.LENGTH)
        case Fault.CONTEXT_FULL:
            return cut(reply, visible // 2, Finish.CONTEXT_FULL)
        case Fault.CONTENT_FILTER:
            return cut(reply, FILTERED_AFTER_TOKENS, Finish.CONTENT_FILTER)
        case Fault.REFUSAL:
            return cut(replace(reply, text=REFUSED), tokens.count(REFUSED), Finish.REFUSAL)
        case Fault.PROMPT_BLOCKED:
            unread = replace(reply, text="", usage=replace(reply.usage, reasoning=0))
            return cut(unread, 0, Finish.BLOCKED)
        case _:
            return reply


def cut(reply: Reply, visible_tokens: int, finish: Finish) -> Reply:
    """The reply with a text of so many tokens, and its usage to match."""
    text = tokens.first(reply.text, visible_tokens)
    usage = replace(reply.usage, completion=reply.usage.reasoning + tokens.count(text))
    return replace(reply, text=text, finish=finish, usage=usage)


def charged(fault: Fault | None, delivery: Delivery, usage: Usage) -> Usage:
    """What the vendor charges for when the answer ended here."""
    if fault in (Fault.NO_FIRST_TOKEN, Fault.OVERLOADED_IN_STREAM, Fault.WRONG_CONTENT_TYPE):
        return Usage()
    if fault is Fault.EMPTY:
        return replace(usage, completion=0, reasoning=0)
    return usage if fault is Fault.MALFORMED else delivery.generated(usage)


async def _stall(scene: Scene) -> str:
    await scene.delivery.begin()
    await scene.delivery.send(scene.parts(0))
    await scene.delivery.stand_still()
    return "stalled"


async def _no_first_token(scene: Scene) -> str:
    await scene.exchange.wait(FOREVER_SECONDS)
    return "stalled"


async def _trickle(scene: Scene) -> str:
    await scene.delivery.begin()
    pause = scene.plan.chunk_ms if scene.plan.chunk_ms is not None else TRICKLE_MS
    await scene.delivery.send(scene.delivery.parts, pause / 1000)
    await scene.delivery.finish()
    return ANSWERED


async def _truncate(scene: Scene) -> str:
    await scene.delivery.truncate(scene.half())
    return "truncated"


async def _disconnect(scene: Scene) -> str:
    await scene.delivery.begin()
    await scene.delivery.send(scene.half())
    scene.exchange.cut()
    return "cut"


async def _malformed(scene: Scene) -> str:
    await scene.delivery.garble()
    return "malformed"


async def _empty(scene: Scene) -> str:
    await scene.exchange.reply(200, scene.headers, b"")
    return "empty"


async def _overloaded_in_stream(scene: Scene) -> str:
    await scene.delivery.break_off(scene.parts(1), OVERLOADED)
    return scene.wire.error(OVERLOADED, "").outcome


async def _wrong_content_type(scene: Scene) -> str:
    await scene.exchange.reply(200, {**scene.headers, "content-type": "text/html"}, _PROXY_PAGE)
    return "wrong_content_type"


_ACCIDENTS: Final[dict[Fault, Callable[[Scene], Awaitable[str]]]] = {
    Fault.STALL: _stall,
    Fault.NO_FIRST_TOKEN: _no_first_token,
    Fault.TRICKLE: _trickle,
    Fault.TRUNCATE: _truncate,
    Fault.DISCONNECT: _disconnect,
    Fault.MALFORMED: _malformed,
    Fault.EMPTY: _empty,
    Fault.OVERLOADED_IN_STREAM: _overloaded_in_stream,
    Fault.WRONG_CONTENT_TYPE: _wrong_content_type,
}
