"""Doors of the cache of answers: what it has spared the tenant, filling it anew, forgetting it all."""

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.api.described import body_of, problems
from orchestrator.api.doorway import Reader, Writer
from orchestrator.api.providers import taken
from orchestrator.api.replies import json_reply
from orchestrator.api.shapes import BASE
from orchestrator.flow.clear import clear
from orchestrator.flow.warm import warm
from orchestrator.volatile.answers import Unreachable
from schemas.calls import dollars
from schemas.errors import BrokerUnavailable
from schemas.kept import CacheStats, Warmed, WarmRequest

router = APIRouter(prefix=BASE, tags=["cache"])


@router.get("/cache/stats", response_model=None, responses={200: {"model": CacheStats}, **problems(403, 503)})
async def cache_stats(visit: Reader) -> Response:
    """Show what the cache of answers was asked, had, and spared the tenant."""
    try:
        counts = await asyncio.to_thread(visit.parts.cache.stats, visit.tenant_id)
    except Unreachable:
        raise BrokerUnavailable("The cache does not answer. Try again.", retry_after=5) from None
    hits = counts["hits_first"] + counts["hits_second"] + counts["hits_alike"]
    asked = hits + counts["misses"]
    return json_reply(
        {
            "since": datetime.fromtimestamp(counts["since"], UTC) if counts["since"] else None,
            "lookups": asked,
            "hits": hits,
            "hits_alike": counts["hits_alike"],
            "hits_in_process": counts["hits_first"],
            "misses": counts["misses"],
            "hit_ratio": round(hits / asked, 4) if asked else None,
            "kept": counts["kept"],
            "served": counts["served"],
            "input_tokens_served": counts["input_tokens_served"],
            "output_tokens_served": counts["output_tokens_served"],
            "saved_usd": dollars(counts["saved_nanos"]),
        }
    )


@router.post("/cache/clear", response_model=None, status_code=204, responses={204: {}, **problems(403, 503)})
async def clear_cache(visit: Writer) -> Response:
    """Forget all kept answers of the tenant: none of them serves a task any more."""
    try:
        await clear(visit.parts, visit.tenant_id)
    except Unreachable:
        raise BrokerUnavailable("The cache does not answer. Try again.", retry_after=5) from None
    return Response(status_code=204)


@router.post(
    "/cache/warm",
    response_model=None,
    responses={200: {"model": Warmed}, **problems(400, 403, 413, 415, 422, 503)},
    openapi_extra=body_of("WarmRequest"),
)
async def warm_cache(request: Request, visit: Writer) -> Response:
    """Keep answers that ended tasks were given, for tasks that ask the same; nothing is paid."""
    asked = await taken(request, visit, WarmRequest)
    try:
        return json_reply((await warm(visit.parts, visit.tenant_id, asked)).model_dump(mode="json"))
    except Unreachable:
        raise BrokerUnavailable("The cache does not answer. Try again.", retry_after=5) from None
