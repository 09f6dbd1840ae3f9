"""What would become of a request: its route and its cost, decided as submit decides, with nothing stored."""

from datetime import datetime
from typing import Any

from orchestrator import clock
from orchestrator.api.doorway import Visit
from orchestrator.catalogue import prices, sizes
from orchestrator.catalogue.estimates import TYPICAL_OUTPUT, estimate, full_hour
from orchestrator.catalogue.models import output_asked
from orchestrator.flow.admit import admit
from orchestrator.flow.fit import Terms
from orchestrator.flow.route import Route, route
from orchestrator.store import views
from schemas.budgets import nanos_of
from schemas.calls import dollars
from schemas.providers import Candidate
from schemas.tasks import EmbedRequest, TaskRequest, is_looked_at_twice


async def planned(visit: Visit, asked: TaskRequest) -> Route:
    """The route a task would take now; its turn is the first. Raises `InvalidRequest`, `NoProvider`."""
    now = clock.now()
    config = await views.routing_config(visit.parts.db, visit.tenant_id)
    admit(asked, now, tests=visit.parts.config.sandboxed_tests, config=config)
    offers = await views.offers(visit.parts.db, visit.tenant_id)
    whole, least = sizes.of(asked, asked.model_dump_json())
    running = await views.running_experiments(visit.parts.db, visit.tenant_id)
    terms = Terms(
        config,
        whole,
        now,
        least_tokens=least,
        experiments=running,
        task_id=str(clock.new_id()) if running else "",
    )
    return route(asked, offers, terms)


async def preview(visit: Visit, asked: TaskRequest) -> dict[str, Any]:
    """A `Validated`."""
    routed = await planned(visit, asked)
    return {
        "valid": True,
        "candidates": [
            {"provider": each.name, "vendor": each.vendor, "model": each.model} for each in routed.candidates
        ],
        "estimate": _estimated(asked, routed, clock.now()),
        "route": routed.explanation,
    }


def _estimated(asked: TaskRequest, routed: Route, at: datetime) -> dict[str, Any]:
    """An `EstimateView`: the first call at each provider that is asked, and the second look at its answer."""
    starts = [each[0] for each in routed.children] or [routed.candidates[0]]
    twice = is_looked_at_twice(asked)
    taken, likely, bound = routed.explanation["input_tokens"], 0, 0
    for start, shown in zip(starts, routed.explanation["candidates"], strict=False):
        if shown["free"]:
            continue
        most = 0 if isinstance(asked, EmbedRequest) else _output(asked, start)
        first = nanos_of(shown["estimated_cost_usd"])
        likely += first
        bound += max(first, prices.upper_bound(start.vendor, start.model, taken, most, at))
        if twice:
            longer, said = taken + TYPICAL_OUTPUT, min(most, TYPICAL_OUTPUT)
            likely += estimate(start.vendor, start.model, longer, said, full_hour(at), shown["tier"])
            bound += prices.upper_bound(start.vendor, start.model, taken + most, most, at)
    return {
        "calls": len(starts) * (2 if twice else 1),
        "input_tokens": taken,
        "max_output_tokens": routed.explanation["output_tokens"],
        "max_cost_usd": dollars(max(bound, likely)),
        "likely_cost_usd": dollars(likely),
    }


def _output(asked: TaskRequest, at: Candidate) -> int:
    return output_asked(at.vendor, at.model, asked.preferences.max_tokens)
