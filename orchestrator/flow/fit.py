"""Fit: whether a provider can take a task at all, and what a call is likely to cost there. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from orchestrator.catalogue import tokens
from orchestrator.catalogue.abilities import takes
from orchestrator.catalogue.classify import Classified
from orchestrator.catalogue.credits import most_of_a_job
from orchestrator.catalogue.embeddings import embeds
from orchestrator.catalogue.estimates import TYPICAL_OUTPUT, estimate, full_hour
from orchestrator.catalogue.models import CostModel, Model, can_structure, cost_model_of, output_asked
from orchestrator.catalogue.tiers import tier_asked
from orchestrator.flow.rank import Chance
from schemas.budgets import nanos_of
from schemas.calls import dollars
from schemas.experiments import Arm, ExperimentView
from schemas.providers import Vendor
from schemas.routing import FilterReason, Offer, RoutingConfig
from schemas.tasks import ChatRequest, EmbedRequest, TaskRequest

Lookup = Callable[[Vendor, str], Model]
"""What is known of the model that a vendor serves under a name."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a route goes by beside the task and the offers.

    `input_tokens` is the task's estimated size, `least_tokens` what remains where its files are cut to fit.
    `experiments` are those that take tasks now, `task_id` what a task without a session sticks by in them.
    """

    config: RoutingConfig
    input_tokens: int
    now: datetime
    chance: Chance = Chance()  # noqa: RUF009 - a tuple
    least_tokens: int | None = None
    experiments: tuple[ExperimentView, ...] = ()
    task_id: str = ""
    hour: datetime = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hour", full_hour(self.now))


class Fit(NamedTuple):
    """An offer that no filter has taken away."""

    offer: Offer
    asked: str
    described: Model
    fits: bool | None
    output: int
    """Tokens that a call may answer with at most."""
    cost: int
    tier: str | None


def fit(
    request: TaskRequest, needs: Classified, offer: Offer, terms: Terms, lookup: Lookup, arm: Arm | None
) -> Fit | tuple[FilterReason, str]:
    """The offer with what is needed to score it, or the first filter that takes it away, and why."""
    wishes, provider = request.preferences, offer.provider
    if wishes.providers is not None and provider.name not in wishes.providers:
        return FilterReason.NOT_NAMED, "is not among preferences.providers"
    if provider.name in wishes.excluded:
        return FilterReason.EXCLUDED, "is among preferences.excluded"
    if offer.paused:
        return FilterReason.PAUSED, "is paused"
    if not provider.credential.strip():
        return FilterReason.NO_CREDENTIAL, "has no credential"
    of_arm = arm.model if arm is not None and arm.names(provider) else None
    asked = wishes.model or of_arm or provider.model
    model = lookup(provider.vendor, asked)
    for capability in needs.capabilities:
        if model.strengths[capability] <= 0:
            return FilterReason.CAPABILITY, f"can't be asked for {capability}"
    if not takes(provider.vendor, request.kind):
        return FilterReason.CAPABILITY, f"does not take {request.kind}: it brings changes of code alone"
    if _wants_json(request) and not can_structure(provider, model):
        return (
            FilterReason.STRUCTURED_OUTPUT,
            f"{asked} is not known to answer by a JSON Schema (options.structured_output can say so)",
        )
    if isinstance(request, EmbedRequest) and not embeds(provider, asked):
        return (
            FilterReason.CAPABILITY,
            f"is not known to serve embeddings of {asked} (options.embedding_model can say so)",
        )
    language = needs.language
    if language and model.languages is not None and language not in model.languages:
        return FilterReason.LANGUAGE, f"{asked} does not know the language {language}"
    output, (most, least) = _output(request, provider.vendor, asked), _needed(request, terms)
    fits = model.holds(most, output)
    if model.holds(least, output) is False:
        size = f"about {least:,} tokens and up to {output:,} of answer"
        return FilterReason.CONTEXT, f"{asked} holds {model.context:,} tokens, less than {size}"
    tier = tier_asked(
        provider.vendor, asked, wishes.speed_priority, _seconds_left(request, terms), terms.hour
    )
    taken = terms.input_tokens if fits is not False else min(terms.input_tokens, model.context or 0)
    cost = _estimate(offer, asked, output, taken, terms.hour, tier)
    if wishes.max_cost_usd is not None and cost > nanos_of(wishes.max_cost_usd):
        return FilterReason.MAX_COST, f"a call is estimated at ${dollars(cost)}"
    return Fit(offer, asked, model, fits, output, cost, tier)


def _seconds_left(request: TaskRequest, terms: Terms) -> float:
    if request.deadline is None:
        return float("inf")
    starts = max(request.run_at, terms.now) if request.run_at else terms.now
    return (request.deadline - starts).total_seconds()


def _output(request: TaskRequest, vendor: Vendor, model: str) -> int:
    if isinstance(request, EmbedRequest):
        return 0
    return output_asked(vendor, model, request.preferences.max_tokens)


def _needed(request: TaskRequest, terms: Terms) -> tuple[int, int]:
    """The tokens that a model should hold at once, and must: of texts to be embedded, the longest one."""
    if isinstance(request, EmbedRequest):
        longest = tokens.estimate(max(request.context.inputs, key=len))
        return longest, longest
    return terms.input_tokens, terms.input_tokens if terms.least_tokens is None else terms.least_tokens


def _wants_json(request: TaskRequest) -> bool:
    return isinstance(request, ChatRequest) and request.context.answer_schema is not None


def _estimate(offer: Offer, model: str, most: int, taken: int, hour: datetime, tier: str | None) -> int:
    if offer.provider.vendor is Vendor.COPILOT:
        return most_of_a_job(offer.provider.options.copilot)
    if cost_model_of(offer.provider) is not CostModel.PER_TOKEN:
        return 0
    usual = offer.record.output_tokens if model == offer.provider.model else None
    likely = min(most, round(usual) if usual else TYPICAL_OUTPUT)
    return estimate(offer.provider.vendor, model, taken, likely, hour, tier)
