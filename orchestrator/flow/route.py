"""Route: which providers may take a task, in the order they are tried, and why. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from orchestrator.catalogue.abilities import takes
from orchestrator.catalogue.credits import most_of_a_job
from orchestrator.catalogue.estimates import TYPICAL_OUTPUT, estimate, full_hour
from orchestrator.catalogue.models import (
    Capability,
    CostModel,
    Model,
    cost_model,
    describe,
    output_asked,
)
from orchestrator.catalogue.tiers import tier_asked
from orchestrator.flow.rank import Chance, Contender, rank
from orchestrator.flow.score import Facts, Score, score
from schemas.budgets import nanos_of
from schemas.calls import dollars
from schemas.errors import FieldError, NoProvider
from schemas.providers import Candidate, Vendor
from schemas.routing import (
    DEFAULT_BUDGET_USD,
    FilterReason,
    Offer,
    Record,
    RoutingConfig,
    Strategy,
)
from schemas.tasks import ChatRequest, TaskKind, TaskRequest

ASKED: Final = {
    TaskKind.GENERATE_CODE: Capability.GENERATION,
    TaskKind.FIX_BUG: Capability.FIXING,
    TaskKind.REVIEW_CODE: Capability.REVIEW,
    TaskKind.CHAT: Capability.GENERATION,
}

_FIELDS: Final = {
    FilterReason.NOT_NAMED: "preferences.providers",
    FilterReason.EXCLUDED: "preferences.excluded",
    FilterReason.PAUSED: "provider",
    FilterReason.NO_CREDENTIAL: "provider",
    FilterReason.CAPABILITY: "kind",
    FilterReason.LANGUAGE: "context.constraints.language",
    FilterReason.CONTEXT: "context",
    FilterReason.MAX_COST: "preferences.max_cost_usd",
}
"""The field at fault when a filter leaves nobody."""

_UNMEASURED: Final = Record()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a route goes by beside the task and the offers; `input_tokens` is the task's estimated size."""

    config: RoutingConfig
    input_tokens: int
    now: datetime
    chance: Chance = Chance()  # noqa: RUF009 - a tuple
    hour: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hour", full_hour(self.now))


@dataclass(frozen=True, slots=True)
class Route:
    """Candidates in the order they are tried; `explanation` is a `RouteExplanation` as JSON."""

    candidates: tuple[Candidate, ...]
    explanation: dict[str, Any]
    simulated: bool
    """Whether the first candidate only plays a model."""
    children: tuple[tuple[Candidate, ...], ...] = ()
    """The routes of a consensus' children: each starts at a provider of its own."""


class _Fit(NamedTuple):
    """An offer that no filter has taken away."""

    offer: Offer
    asked: str
    described: Model
    fits: bool | None
    cost: int
    tier: str | None


Lookup = Callable[[Vendor, str], Model]


def route(request: TaskRequest, offers: Sequence[Offer], terms: Terms, lookup: Lookup = describe) -> Route:
    """The route of a task. Raises `NoProvider`, which says which filter has taken whom away.

    A provider that is named but not configured is an error that names the field, never ignored.
    """
    _refuse_unknown(request, offers)
    fitting: list[_Fit] = []
    filtered: list[dict[str, str]] = []
    for offer in offers:
        fit = _fit(request, offer, terms, lookup)
        if isinstance(fit, _Fit):
            fitting.append(fit)
        else:
            filtered.append({"provider": offer.provider.name, "reason": fit[0], "detail": fit[1]})
    if not fitting:
        raise _nobody(filtered)
    strategy, chosen_by = _strategy(request, terms.config)
    budget = request.preferences.max_cost_usd or terms.config.max_cost_usd or DEFAULT_BUDGET_USD
    named = _named(request, terms.config, strategy)
    worth = _scores(request, fitting, terms, named, nanos_of(budget))
    contenders = [_contender(index, fit, worth[index], named, terms) for index, fit in enumerate(fitting)]
    ranked = rank(strategy, contenders, terms.chance)
    first = fitting[ranked[0].offer].offer.provider
    explanation = {
        "strategy": strategy,
        "chosen_by": chosen_by,
        "weights": dict(terms.config.weights),
        "speed_priority": request.preferences.speed_priority,
        "budget_usd": dollars(nanos_of(budget)),
        "input_tokens": terms.input_tokens,
        "output_tokens": output_asked(first.vendor, ranked[0].model, request.preferences.max_tokens),
        "turn": terms.chance.turn,
        "draw": terms.chance.draw,
        "candidates": [_shown(each, fitting[each.offer], worth[each.offer]) for each in ranked],
        "filtered": filtered,
    }
    candidates = tuple(
        _candidate(fitting[each.offer].offer.provider.id, each.provider, each.vendor, each.model)
        for each in ranked
    )
    return Route(candidates, explanation, first.simulated, _children(request, candidates))


def _children(request: TaskRequest, candidates: tuple[Candidate, ...]) -> tuple[tuple[Candidate, ...], ...]:
    """A route for each child: its own provider, then those where no other child starts, then the others."""
    wanted = request.preferences.consensus
    if wanted is None:
        return ()
    if len(candidates) < wanted:
        names = ", ".join(candidate.name for candidate in candidates)
        message = (
            f"preferences.consensus asks {wanted} different providers, and {len(candidates)} can take this "
            f"task: {names}; lower it, or configure more providers"
        )
        where = "preferences.consensus"
        raise NoProvider(
            message, errors=(FieldError(field=where, message=message, code="too_few_providers"),)
        )
    starts, spare = candidates[:wanted], candidates[wanted:]
    return tuple((start, *spare, *starts[index + 1 :], *starts[:index]) for index, start in enumerate(starts))


def _fit(request: TaskRequest, offer: Offer, terms: Terms, lookup: Lookup) -> _Fit | tuple[FilterReason, str]:
    wishes, provider = request.preferences, offer.provider
    if wishes.providers is not None and provider.name not in wishes.providers:
        return FilterReason.NOT_NAMED, "is not among preferences.providers"
    if provider.name in wishes.excluded:
        return FilterReason.EXCLUDED, "is among preferences.excluded"
    if offer.paused:
        return FilterReason.PAUSED, "is paused"
    if not provider.credential.strip():
        return FilterReason.NO_CREDENTIAL, "has no credential"
    asked = wishes.model or provider.model
    model = lookup(provider.vendor, asked)
    capability = ASKED[request.kind]
    if model.strengths[capability] <= 0:
        return FilterReason.CAPABILITY, f"can't be asked for {capability}"
    if not takes(provider.vendor, request.kind):
        return FilterReason.CAPABILITY, f"does not take {request.kind}: it brings changes of code alone"
    language = None if isinstance(request, ChatRequest) else request.context.constraints.language
    if language and model.languages is not None and language.lower() not in model.languages:
        return FilterReason.LANGUAGE, f"{asked} does not know the language {language}"
    output = output_asked(provider.vendor, asked, wishes.max_tokens)
    fits = model.holds(terms.input_tokens, output)
    if fits is False:
        size = f"about {terms.input_tokens:,} tokens and up to {output:,} of answer"
        return FilterReason.CONTEXT, f"{asked} holds {model.context:,} tokens, less than {size}"
    tier = tier_asked(
        provider.vendor, asked, wishes.speed_priority, _seconds_left(request, terms), terms.hour
    )
    cost = _estimate(offer, asked, output, terms, tier)
    if wishes.max_cost_usd is not None and cost > nanos_of(wishes.max_cost_usd):
        return FilterReason.MAX_COST, f"a call is estimated at ${dollars(cost)}"
    return _Fit(offer, asked, model, fits, cost, tier)


def _seconds_left(request: TaskRequest, terms: Terms) -> float:
    if request.deadline is None:
        return float("inf")
    starts = max(request.run_at, terms.now) if request.run_at else terms.now
    return (request.deadline - starts).total_seconds()


def _estimate(offer: Offer, model: str, most: int, terms: Terms, tier: str | None) -> int:
    if offer.provider.vendor is Vendor.COPILOT:
        return most_of_a_job(offer.provider.options.copilot)
    usual = offer.record.output_tokens if model == offer.provider.model else None
    likely = min(most, round(usual) if usual else TYPICAL_OUTPUT)
    return estimate(offer.provider.vendor, model, terms.input_tokens, likely, terms.hour, tier)


def _strategy(request: TaskRequest, config: RoutingConfig) -> tuple[Strategy, str]:
    wishes = request.preferences
    if wishes.strategy is not None:
        return wishes.strategy, "task"
    if wishes.preferred:
        return Strategy.PREFERRED, "task"
    return config.strategy, "tenant" if "strategy" in config.model_fields_set else "default"


def _named(request: TaskRequest, config: RoutingConfig, strategy: Strategy) -> dict[str, int]:
    """The place of each provider in the list that says which come first."""
    wishes = request.preferences
    names = wishes.preferred or config.preferred
    if strategy is Strategy.FIXED:
        names = wishes.providers or names
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def _scores(
    request: TaskRequest, fitting: list[_Fit], terms: Terms, named: dict[str, int], budget: int
) -> list[Score]:
    kinds: dict[tuple[Vendor, str], int] = {}
    for fit in sorted(fitting, key=lambda fit: fit.offer.position):
        kinds.setdefault((fit.offer.provider.vendor, fit.asked), len(kinds))
    found = []
    for fit in fitting:
        provider = fit.offer.provider
        preference = _preference(provider.name, named, kinds[provider.vendor, fit.asked] / len(kinds))
        speed_priority = request.preferences.speed_priority
        facts = Facts(fit.described, fit.fits, fit.cost, budget, _record(fit), speed_priority, preference)
        found.append(score(facts, terms.config.weights))
    return found


def _record(fit: _Fit) -> Record:
    """What was measured with the model that is asked for."""
    return fit.offer.record if fit.asked == fit.offer.provider.model else _UNMEASURED


def _preference(name: str, named: dict[str, int], place: float) -> float:
    """Of a named list: 100 down to above 50, else 0. Without a list: the configured order, 100 downwards."""
    if not named:
        return 100 * (1 - place)
    return 100 - 50 * named[name] / len(named) if name in named else 0.0


def _contender(index: int, fit: _Fit, worth: Score, named: dict[str, int], terms: Terms) -> Contender:
    offer, provider, shares = fit.offer, fit.offer.provider, terms.config.shares
    limit = provider.concurrency_limit
    return Contender(
        offer=index,
        provider=provider.name,
        vendor=provider.vendor,
        model=fit.asked,
        total=worth.total,
        cost=fit.cost,
        free=cost_model(provider.vendor) is not CostModel.PER_TOKEN and fit.cost == 0,
        seconds=worth.seconds,
        position=offer.position,
        named=named.get(provider.name),
        share=float(shares.get(provider.name, 0)) if shares else worth.total,
        in_flight=offer.in_flight,
        gate=offer.gate,
        full=limit is not None and offer.in_flight >= limit,
        retired=not provider.simulated and fit.described.retired(provider.vendor, terms.now.date()),
    )


def _shown(each: Contender, fit: _Fit, worth: Score) -> dict[str, Any]:
    return {
        "provider": each.provider,
        "vendor": each.vendor,
        "model": each.model,
        "score": worth.total,
        "parts": {
            "capability": worth.capability,
            "cost": worth.cost,
            "history": worth.history,
            "preference": worth.preference,
        },
        "capability": {
            "generation": worth.generation,
            "fixing": worth.fixing,
            "review": worth.review,
            "context": worth.context,
        },
        "estimated_cost_usd": dollars(each.cost),
        "tier": fit.tier,
        "free": each.free,
        "expected_seconds": worth.seconds,
        "success_rate": worth.success_rate,
        "calls": _record(fit).calls,
        "known_model": fit.described.known,
        "position": each.position,
        "share": each.share,
        "in_flight": each.in_flight,
        "gate": each.gate,
        "retired": each.retired,
    }


@lru_cache(maxsize=4096)
def _candidate(provider_id: UUID, name: str, vendor: Vendor, model: str) -> Candidate:
    return Candidate(provider_id=provider_id, name=name, vendor=vendor, model=model)


def _refuse_unknown(request: TaskRequest, offers: Sequence[Offer]) -> None:
    wishes = request.preferences
    if not (wishes.providers or wishes.preferred or wishes.excluded):
        return
    known = {offer.provider.name for offer in offers}
    lists = (("providers", wishes.providers), ("preferred", wishes.preferred), ("excluded", wishes.excluded))
    for field_name, names in lists:
        for name in names or ():
            if name not in known:
                listed = ", ".join(sorted(known)) or "none"
                message = f"there is no provider {name!r}; configured are: {listed}"
                where = f"preferences.{field_name}"
                raise NoProvider(
                    message, errors=(FieldError(field=where, message=message, code="unknown_provider"),)
                )


def _nobody(filtered: list[dict[str, str]]) -> NoProvider:
    if not filtered:
        return NoProvider(
            "No provider is configured: set a key such as OPENAI_API_KEY and run `orchestrator up` again."
        )
    told = [f"{each['provider']} {each['detail']}" for each in filtered]
    errors = [
        FieldError(field=_FIELDS[FilterReason(each["reason"])], message=line, code=each["reason"])
        for each, line in zip(filtered, told, strict=True)
    ]
    return NoProvider(f"No provider can take this task: {'; '.join(told)}.", errors=tuple(errors))
