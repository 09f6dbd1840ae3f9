"""Route: which providers may take a task, in the order they are tried, and why. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from orchestrator.catalogue.classify import Classified, classify
from orchestrator.catalogue.models import (
    CostModel,
    cost_model_of,
    describe,
)
from orchestrator.flow.assign import Assignment, assign
from orchestrator.flow.fit import Fit, Lookup, Terms, fit
from orchestrator.flow.rank import Contender, rank
from orchestrator.flow.score import Facts, Score, score
from schemas.budgets import nanos_of
from schemas.calls import dollars
from schemas.errors import FieldError, NoProvider
from schemas.experiments import Arm
from schemas.providers import Candidate, Vendor
from schemas.routing import (
    DEFAULT_BUDGET_USD,
    FilterReason,
    Offer,
    Record,
    RoutingConfig,
    Strategy,
)
from schemas.tasks import TaskRequest

_FIELDS: Final = {
    FilterReason.NOT_NAMED: "preferences.providers",
    FilterReason.EXCLUDED: "preferences.excluded",
    FilterReason.PAUSED: "provider",
    FilterReason.NO_CREDENTIAL: "provider",
    FilterReason.CAPABILITY: "kind",
    FilterReason.STRUCTURED_OUTPUT: "context.answer_schema",
    FilterReason.LANGUAGE: "context.constraints.language",
    FilterReason.CONTEXT: "context",
    FilterReason.MAX_COST: "preferences.max_cost_usd",
}
"""The field at fault when a filter leaves nobody."""

_UNMEASURED: Final = Record()


@dataclass(frozen=True, slots=True)
class Route:
    """Candidates in the order they are tried; `explanation` is a `RouteExplanation` as JSON."""

    candidates: tuple[Candidate, ...]
    explanation: dict[str, Any]
    simulated: bool
    """Whether the first candidate only plays a model."""
    children: tuple[tuple[Candidate, ...], ...] = ()
    """The routes of a consensus' children: each starts at a provider of its own."""


def route(request: TaskRequest, offers: Sequence[Offer], terms: Terms, lookup: Lookup = describe) -> Route:
    """The route of a task. Raises `NoProvider`, which says which filter has taken whom away.

    A provider that is named but not configured is an error that names the field, never ignored.
    """
    _refuse_unknown(request, offers)
    needs = classify(request)
    given = assign(request, terms.experiments, terms.task_id)
    if given is None:
        return _routed(request, needs, offers, terms, lookup, None)
    first = {each.provider.id for each in offers if given.arm.names(each.provider)}
    found: Route | None = None
    named: list[str] = []
    try:
        found = _routed(request, needs, offers, terms, lookup, given.arm)
        named = [each.name for each in found.candidates if each.provider_id in first]
    except NoProvider:
        pass
    if found is None or not named:
        found = _routed(request, needs, offers, terms, lookup, None)
    found.explanation["experiment"] = _told(given, named)
    return found


def _routed(
    request: TaskRequest,
    needs: Classified,
    offers: Sequence[Offer],
    terms: Terms,
    lookup: Lookup,
    arm: Arm | None,
) -> Route:
    fitting: list[Fit] = []
    filtered: list[dict[str, str]] = []
    for offer in offers:
        found = fit(request, needs, offer, terms, lookup, arm)
        if isinstance(found, Fit):
            fitting.append(found)
        else:
            filtered.append({"provider": offer.provider.name, "reason": found[0], "detail": found[1]})
    if not fitting:
        raise _nobody(filtered)
    strategy, chosen_by = _strategy(request, terms.config, arm)
    budget = request.preferences.max_cost_usd or terms.config.max_cost_usd or DEFAULT_BUDGET_USD
    named = _named(request, terms.config, strategy)
    worth = _scores(request, fitting, terms, named, nanos_of(budget))
    contenders = [_contender(index, fit, worth[index], named, terms) for index, fit in enumerate(fitting)]
    ranked = rank(strategy, contenders, terms.chance)
    if arm is not None:
        ranked.sort(key=lambda each: not arm.names(fitting[each.offer].offer.provider))
    first = fitting[ranked[0].offer].offer.provider
    explanation = {
        "strategy": strategy,
        "chosen_by": chosen_by,
        "weights": dict(terms.config.weights),
        "speed_priority": request.preferences.speed_priority,
        "budget_usd": dollars(nanos_of(budget)),
        "classification": _classification(request, needs),
        "input_tokens": terms.input_tokens,
        "output_tokens": fitting[ranked[0].offer].output,
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


def _classification(request: TaskRequest, needs: Classified) -> dict[str, Any]:
    return {
        "kind": request.kind,
        "kind_found": request.classified,
        "language": needs.language,
        "complexity": needs.complexity,
        "capabilities": list(needs.capabilities),
    }


def _told(given: Assignment, named: list[str]) -> dict[str, Any]:
    return {
        "id": str(given.experiment.id),
        "name": given.experiment.name,
        "arm": given.arm.name,
        "sticky_by": given.sticky_by,
        "applied": bool(named),
        "providers": named,
    }


def _strategy(request: TaskRequest, config: RoutingConfig, arm: Arm | None) -> tuple[Strategy, str]:
    wishes = request.preferences
    if wishes.strategy is not None:
        return wishes.strategy, "task"
    if wishes.preferred:
        return Strategy.PREFERRED, "task"
    if arm is not None and arm.strategy is not None:
        return arm.strategy, "experiment"
    return config.strategy, "tenant" if "strategy" in config.model_fields_set else "default"


def _named(request: TaskRequest, config: RoutingConfig, strategy: Strategy) -> dict[str, int]:
    """The place of each provider in the list that says which come first."""
    wishes = request.preferences
    names = wishes.preferred or config.preferred
    if strategy is Strategy.FIXED:
        names = wishes.providers or names
    return {name: index for index, name in enumerate(dict.fromkeys(names))}


def _scores(
    request: TaskRequest, fitting: list[Fit], terms: Terms, named: dict[str, int], budget: int
) -> list[Score]:
    kinds: dict[tuple[Vendor, str], int] = {}
    for each in sorted(fitting, key=lambda each: each.offer.position):
        kinds.setdefault((each.offer.provider.vendor, each.asked), len(kinds))
    found = []
    for each in fitting:
        provider = each.offer.provider
        preference = _preference(provider.name, named, kinds[provider.vendor, each.asked] / len(kinds))
        speed_priority = request.preferences.speed_priority
        facts = Facts(each.described, each.fits, each.cost, budget, _record(each), speed_priority, preference)
        found.append(score(facts, terms.config.weights))
    return found


def _record(fit: Fit) -> Record:
    """What was measured with the model that is asked for."""
    return fit.offer.record if fit.asked == fit.offer.provider.model else _UNMEASURED


def _preference(name: str, named: dict[str, int], place: float) -> float:
    """Of a named list: 100 down to above 50, else 0. Without a list: the configured order, 100 downwards."""
    if not named:
        return 100 * (1 - place)
    return 100 - 50 * named[name] / len(named) if name in named else 0.0


def _contender(index: int, fit: Fit, worth: Score, named: dict[str, int], terms: Terms) -> Contender:
    offer, provider, shares = fit.offer, fit.offer.provider, terms.config.shares
    limit = provider.concurrency_limit
    return Contender(
        offer=index,
        provider=provider.name,
        vendor=provider.vendor,
        model=fit.asked,
        total=worth.total,
        cost=fit.cost,
        free=cost_model_of(provider) is not CostModel.PER_TOKEN and fit.cost == 0,
        seconds=worth.seconds,
        position=offer.position,
        named=named.get(provider.name),
        share=float(shares.get(provider.name, 0)) if shares else worth.total,
        in_flight=offer.in_flight,
        gate=offer.gate,
        full=limit is not None and offer.in_flight >= limit,
        retired=not provider.simulated and fit.described.retired(provider.vendor, terms.now.date()),
    )


def _shown(each: Contender, fit: Fit, worth: Score) -> dict[str, Any]:
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
        "feedback": _record(fit).feedback,
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
