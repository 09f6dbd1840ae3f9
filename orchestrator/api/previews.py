"""What would become of a request: its route and its cost, decided as submit decides, with nothing stored."""

from typing import Any

from orchestrator import clock
from orchestrator.api.doorway import Visit
from orchestrator.catalogue import prices, sizes
from orchestrator.flow.admit import admit
from orchestrator.flow.fit import Terms
from orchestrator.flow.route import Route, route
from orchestrator.store import views
from schemas.budgets import nanos_of
from schemas.calls import dollars
from schemas.tasks import TaskRequest


async def planned(visit: Visit, asked: TaskRequest) -> Route:
    """The route a task would take now; its turn is the first. Raises `InvalidRequest`, `NoProvider`."""
    now = clock.now()
    config = await views.routing_config(visit.parts.db, visit.tenant_id)
    admit(asked, now, tests=visit.parts.config.sandboxed_tests, rule=config.redaction)
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
    first, explained = routed.candidates[0], routed.explanation
    taken, most = explained["input_tokens"], explained["output_tokens"]
    asked_at = [each[0] for each in routed.children] or [first]
    shown = explained["candidates"][: len(asked_at)]
    likely = sum(nanos_of(each["estimated_cost_usd"]) for each in shown)
    bounds = (prices.upper_bound(each.vendor, each.model, taken, most, clock.now()) for each in asked_at)
    costs = zip(bounds, shown, strict=True)
    bound = sum(
        0 if each["free"] else max(most_of_it, nanos_of(each["estimated_cost_usd"]))
        for most_of_it, each in costs
    )
    return {
        "valid": True,
        "candidates": [
            {"provider": each.name, "vendor": each.vendor, "model": each.model} for each in routed.candidates
        ],
        "estimate": {
            "calls": len(asked_at),
            "input_tokens": taken,
            "max_output_tokens": most,
            "max_cost_usd": dollars(bound),
            "likely_cost_usd": dollars(likely),
        },
        "route": explained,
    }
