"""Which faults, latencies and personas meet which requests: rules set over HTTP, or one request's header.

The first rule that matches decides alone. The header `x-simulator: fault=429, retry_after=2` goes before
all rules.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final

from pydantic import Field, TypeAdapter, ValidationError

from orchestrator.simulator.faults import Fault, Persona, Plan
from orchestrator.simulator.wire import Cause, Refusal, Refused
from schemas.base import Value

HEADER: Final = "x-simulator"
_MAX_MS: Final = 600_000

Milliseconds = Annotated[float, Field(ge=0, le=_MAX_MS)]


class Match(Value):
    """What a request must be like; a field left out matches everything."""

    account: str | None = None
    path: str | None = Field(None, description="how the path begins, without /accounts/{account}")
    model: str | None = Field(None, description="the name asked for; * and ? are wildcards")
    correlation: str | None = Field(None, description="the call id the client sent")
    prompt_contains: str | None = None


class _Effects(Value):
    """What is done to a request."""

    fault: Fault | None = None
    persona: Persona | None = None
    latency_ms: Milliseconds | None = Field(None, description="until the first byte of the answer")
    chunk_ms: Milliseconds | None = Field(None, description="between two chunks of the answer")
    retry_after: float | None = Field(None, ge=0, le=1_000_000, description="seconds, in a 429 or 503")
    after_chunks: int | None = Field(None, ge=0, description="chunks that are sent before the fault")
    served_by: str | None = Field(None, description="the model that answers in the place of the one asked")
    served_tier: str | None = Field(None, description="the service tier that serves, whatever was asked")

    def plan(self) -> Plan:
        """The effects as the rest of the simulator reads them."""
        return Plan(
            fault=self.fault,
            persona=self.persona,
            latency_ms=self.latency_ms,
            chunk_ms=self.chunk_ms,
            retry_after=self.retry_after,
            after_chunks=self.after_chunks,
            served_by=self.served_by,
            served_tier=self.served_tier,
        )


class Rule(_Effects):
    """Effects on the requests that match, for so many of them, with this probability."""

    match: Match = Field(default_factory=lambda: Match.model_validate({}))
    times: int | None = Field(None, ge=1, description="how many requests; without it until removed")
    probability: float = Field(1.0, ge=0, le=1)
    seed: int = 0


RULES: Final = TypeAdapter(list[Rule])


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules can look at."""

    account: str
    path: str
    model: str
    correlation: str | None
    prompt: str


class _Active:
    """A rule in force, with what is left of it."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.applied = 0
        self._plan = rule.plan()
        self._dice = random.Random(rule.seed)

    def take(self, facts: Facts) -> Plan | None:
        """The plan, when the rule meets this request; one use is then spent."""
        rule = self.rule
        if rule.times is not None and self.applied >= rule.times:
            return None
        if not _matches(rule.match, facts) or self._dice.random() >= rule.probability:
            return None
        self.applied += 1
        return self._plan


class Rules:
    """The rules in force, in their order."""

    def __init__(self) -> None:
        self._active: list[_Active] = []

    def replace(self, rules: Sequence[Rule]) -> None:
        """Put these in the place of all rules; counters start afresh."""
        self._active = [_Active(rule) for rule in rules]

    def plan(self, facts: Facts) -> Plan | None:
        """What the first matching rule says."""
        plans = (active.take(facts) for active in self._active)
        return next((plan for plan in plans if plan is not None), None)

    def listing_fault(self, facts: Facts) -> Fault | None:
        """What meets a free list: an outage, or a rule that names the list's own path."""
        for active in self._active:
            named = (active.rule.match.path or "").startswith(facts.path)
            if (named or active.rule.fault is Fault.OUTAGE) and active.take(facts):
                return active.rule.fault
        return None

    def view(self) -> list[dict[str, Any]]:
        """The rules with how often each was applied."""
        return [
            active.rule.model_dump(mode="json", exclude_none=True) | {"applied": active.applied}
            for active in self._active
        ]


def from_header(value: str) -> Plan:
    """The plan in one request's header; Refused when it can't be read."""
    fields: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, _, setting = part.partition("=")
        name, setting = name.strip(), setting.strip()
        if name in ("latency", "chunk"):
            name, setting = f"{name}_ms", setting.removesuffix("ms")
        fields[name] = setting
    try:
        return _Effects.model_validate_strings(fields).plan()
    except ValidationError as error:
        raise Refused(Refusal(Cause.BAD_REQUEST, f"{HEADER}: {reason(error)}", HEADER)) from None


def reason(error: ValidationError) -> str:
    """What is wrong, in one line that names the field."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _matches(match: Match, facts: Facts) -> bool:
    return (
        (match.account is None or match.account == facts.account)
        and (match.path is None or facts.path.startswith(match.path))
        and (match.model is None or fnmatchcase(facts.model, match.model))
        and (match.correlation is None or match.correlation == facts.correlation)
        and (match.prompt_contains is None or match.prompt_contains in facts.prompt)
    )
