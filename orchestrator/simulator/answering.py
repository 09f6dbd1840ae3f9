"""One request from its arrival to its line in the journal: read, plan, script, deliver, book."""

import hashlib
import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from orchestrator.simulator import accidents, bill, embeddings, models, rules, structured, tokens
from orchestrator.simulator.connection import ClientGone, Exchange
from orchestrator.simulator.delivery import Delivery, Stream, Whole
from orchestrator.simulator.faults import REFUSALS, Fault, Persona, Plan
from orchestrator.simulator.journal import Entry, Journal
from orchestrator.simulator.rates import Rates
from orchestrator.simulator.wire import (
    DEFAULT_TIER,
    FLEX_TIER,
    Ask,
    Cause,
    Finish,
    Message,
    Refusal,
    Refused,
    Reply,
    Usage,
    Wire,
)

JSON_TYPE: Final = "application/json"
CORRELATION: Final = "x-client-request-id"
"""Where our client writes the call's id, whatever the vendor; it comes back in the journal."""
_MAX_CORRELATION: Final = 512
_BOOT: Final = secrets.token_hex(6)

Script = Callable[[tuple[Message, ...], Persona | None], str]


@dataclass(slots=True)
class Simulator:
    """What all requests share."""

    journal: Journal
    script: Script
    latency_ms: float
    faults: rules.Rules = field(default_factory=rules.Rules)
    rates: Rates = field(default_factory=Rates)
    prefixes: tokens.SeenPrefixes = field(default_factory=tokens.SeenPrefixes)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def begin(self, wire: Wire, exchange: Exchange, account: str, path: str) -> Entry:
        """The journal's entry for a request that has arrived."""
        request = exchange.request
        correlation = request.headers.get(CORRELATION, "")[:_MAX_CORRELATION]
        entry = Entry(
            id=correlation or None,
            request_id=f"req_{_BOOT}{next(self.numbers):010x}",
            account=account,
            path=path,
            received_at=request.received_at,
            request_bytes=len(request.body),
            wire=wire.name,
            vendor=wire.models,
        )
        self.journal.begin(entry)
        return entry


async def answer(simulator: Simulator, wire: Wire, exchange: Exchange, account: str, path: str) -> None:
    """Answer one request for a completion."""
    work = _Work(simulator, wire, exchange, simulator.begin(wire, exchange, account, path))
    try:
        await work.do()
    except Refused as refused:
        await work.refuse(refused.refusal)
    except ClientGone:
        work.entry.outcome = "disconnected"
        raise
    finally:
        work.close()


class _Work:
    """One request on its way through the simulator."""

    def __init__(self, simulator: Simulator, wire: Wire, exchange: Exchange, entry: Entry) -> None:
        self.entry = entry
        self._simulator = simulator
        self._wire = wire
        self._exchange = exchange
        self._plan = Plan()
        self._usage = Usage()
        self._delivery: Delivery | None = None
        self._model: models.Model | None = None

    async def do(self) -> None:
        """Read, plan, make the answer, send it."""
        ask = self._read()
        self._plan = self._planned(ask, self._exchange.request.headers.get(rules.HEADER))
        if self._plan.fault is Fault.OUTAGE:
            self.entry.outcome = Fault.OUTAGE
            self._exchange.cut()
            return
        await self._refuse_as_planned(ask)
        reply = self._reply(ask)
        self._delivery = self._deliver(ask, reply)
        latency = self._plan.latency_ms
        await self._exchange.wait((self._simulator.latency_ms if latency is None else latency) / 1000)
        headers = self._headers(ask)
        scene = accidents.Scene(self._exchange, self._delivery, self._plan, headers, self._wire)
        self.entry.outcome = await accidents.deliver(scene)

    async def refuse(self, refusal: Refusal) -> None:
        """Send an error and write it down."""
        seconds = self._retry_after(refusal)
        told = self._wire.error(replace(refusal, retry_after=seconds), self.entry.request_id)
        self.entry.outcome = told.outcome
        headers = self._common() | {"content-type": JSON_TYPE}
        if seconds is not None:
            headers |= self._wire.retry_headers(seconds, refusal.cause is Cause.RATE_LIMITED)
        await self._exchange.reply(told.status, headers, told.body)

    def close(self) -> None:
        """Book what was generated, and finish the entry."""
        entry, exchange = self.entry, self._exchange
        if entry.outcome == "open":
            entry.outcome = "aborted"
        if self._delivery is not None and self._model is not None:
            usage = accidents.charged(self._plan.fault, self._delivery, self._usage)
            entry.count(usage)
            entry.billed_nano_dollars = bill.charge(self._model, usage, entry.served_tier or DEFAULT_TIER)
        entry.status = exchange.status
        entry.first_sent_at = exchange.first_sent_at
        entry.response_bytes = exchange.sent
        entry.ended_at = time.time()
        self._simulator.journal.end(entry)

    def _read(self) -> Ask:
        request = self._exchange.request
        self._wire.authorise(request.headers)
        if len(request.body) > self._wire.max_body:
            raise Refused(Refusal(Cause.TOO_LARGE, str(self._wire.max_body)))
        ask = self._wire.read(request.body, self.entry.path)
        # A stalled request must not hold its body in memory.
        request.body = b""
        return ask

    def _planned(self, ask: Ask, header: str | None) -> Plan:
        entry = self.entry
        prompt = "\n".join(message.text for message in ask.messages)
        entry.model = ask.model
        entry.streamed = ask.stream
        entry.prompt_sha256 = hashlib.sha256(prompt.encode()).hexdigest()
        if header is not None:
            plan: Plan | None = rules.from_header(header)
        else:
            plan = self._simulator.faults.plan(
                rules.Facts(entry.account, entry.path, ask.model, entry.id, prompt)
            )
        if plan is not None and plan.fault is not None:
            entry.fault = plan.fault
        return plan or Plan()

    async def _refuse_as_planned(self, ask: Ask) -> None:
        fault = self._plan.fault
        if fault is None or fault not in REFUSALS:
            return
        if fault is Fault.PROMPT_BLOCKED and self._wire.blocks_in_answer:
            return
        if self._plan.latency_ms:
            await self._exchange.wait(self._plan.latency_ms / 1000)
        raise Refused(Refusal(REFUSALS[fault], ask.model if fault is Fault.MODEL_GONE else ""))

    def _reply(self, ask: Ask) -> Reply:
        model = self._model = models.find(self._wire.models, self._plan.served_by or ask.model)
        if model is None:
            raise Refused(Refusal(Cause.MISSING_MODEL, ask.model))
        reply = self._embedded(ask, model) if ask.embeds else self._written(ask, model)
        reply = replace(reply, tier=self._plan.served_tier or _tier_sold(ask, model))
        self._usage = reply.usage
        self._simulator.rates.spend(self.entry.account, reply.usage.prompt)
        self.entry.served_model, self.entry.served_tier = reply.model, reply.tier
        self.entry.finish_reason = reply.finish
        return reply

    def _written(self, ask: Ask, model: models.Model) -> Reply:
        """An answer in words."""
        prompt_tokens = tokens.of_prompt(ask.messages)
        if prompt_tokens > model.context_tokens:
            found = f"{prompt_tokens} > {model.context_tokens}"
            raise Refused(Refusal(Cause.CONTEXT_TOO_LONG, found, "messages"))
        text = self._simulator.script(ask.messages, self._plan.persona)
        if ask.schema is not None:
            text = structured.example(ask.schema, text)
        visible = tokens.count(text)
        reasoning = tokens.of_reasoning(visible) if ask.thinks else 0
        prefix = tokens.Prefix()
        if ask.caching is not None:
            prefix = self._simulator.prefixes.look(self.entry.account, model.name, ask.caching)
        usage = Usage(
            prompt_tokens,
            prefix.read,
            reasoning + visible,
            reasoning,
            prefix.written,
            prefix.written if ask.caching is not None and ask.caching.hour else 0,
        )
        reply = self._blank(model, text, usage)
        return accidents.altered(_within(reply, ask.max_tokens), self._plan.fault)

    def _embedded(self, ask: Ask, model: models.Model) -> Reply:
        """An answer in vectors."""
        wanted = ask.embeds
        assert wanted is not None
        text = embeddings.render(wanted, model)
        reply = self._blank(model, text, Usage(prompt=wanted.tokens))
        return replace(reply, shows_usage=self._plan.fault is not Fault.NO_USAGE)

    def _blank(self, model: models.Model, text: str, usage: Usage) -> Reply:
        return Reply(
            id=self._wire.id_prefix + self.entry.request_id.removeprefix("req_"),
            created=int(self.entry.received_at),
            model=model.name,
            text=text,
            finish=Finish.STOP,
            usage=usage,
        )

    def _deliver(self, ask: Ask, reply: Reply) -> Delivery:
        headers = self._headers(ask)
        if ask.stream:
            return Stream(self._exchange, self._wire.framing(ask, reply), reply.text, headers)
        return Whole(self._exchange, self._wire, reply, headers, self.entry.request_id)

    def _headers(self, ask: Ask) -> dict[str, str]:
        kind = self._wire.stream_type if ask.stream else JSON_TYPE
        return {"content-type": kind} | self._common()

    def _common(self) -> dict[str, str]:
        elapsed = max(0, int((time.time() - self.entry.received_at) * 1000))
        standing = self._simulator.rates.standing(self.entry.account)
        return self._wire.headers(self.entry.request_id, elapsed, standing)

    def _retry_after(self, refusal: Refusal) -> float | None:
        """Seconds to come again in: as planned, a second for a rate limit, never for a used-up quota."""
        if refusal.cause is Cause.QUOTA:
            return None
        if self._plan.retry_after is None and refusal.cause is Cause.RATE_LIMITED:
            return 1.0
        return self._plan.retry_after


def _tier_sold(ask: Ask, model: models.Model) -> str:
    """The tier that was asked for where the model is sold at it, else the usual one."""
    return FLEX_TIER if ask.tier == FLEX_TIER and model.flex else DEFAULT_TIER


def _within(reply: Reply, max_tokens: int | None) -> Reply:
    """The reply as the caller's limit leaves it: thinking comes first, the answer gets the rest."""
    if max_tokens is None or reply.usage.completion <= max_tokens:
        return reply
    reasoning = min(reply.usage.reasoning, max_tokens)
    thought = replace(reply, usage=replace(reply.usage, reasoning=reasoning))
    return accidents.cut(thought, max_tokens - reasoning, Finish.LENGTH)
