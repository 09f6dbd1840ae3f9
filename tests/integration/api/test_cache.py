"""The cache's doors: what it spared the caller's tenant, and forgetting it."""

from dataclasses import replace

import pytest

from orchestrator import auth
from orchestrator.flow.warm import warm
from orchestrator.volatile.answers import AnswerCache
from schemas.api import Problem
from schemas.errors import InvalidRequest
from schemas.kept import CacheStats, WarmRequest
from tests.integration.api.visitor import Visitor

STATS, CLEAR, WARM = "/api/v1/cache/stats", "/api/v1/cache/clear", "/api/v1/cache/warm"


async def stats(caller: Visitor) -> CacheStats:
    response = await caller.get(STATS)
    assert response.status_code == 200, response.text
    return CacheStats.model_validate_json(response.content)


async def test_the_counts_are_the_tenants_own(caller: Visitor, stranger: Visitor) -> None:
    cache = caller.parts.cache
    assert (await stats(caller)).hit_ratio is None
    cache.look(caller.tenant_id, "a")
    cache.keep(caller.tenant_id, "a", "text", 60)
    for _ in range(3):
        cache.look(caller.tenant_id, "a")
    cache.count(caller.tenant_id, served=3, input_tokens_served=30, saved_nanos=1_500_000)
    found = await stats(caller)
    assert (found.lookups, found.hits, found.hits_in_process, found.misses) == (4, 3, 3, 1)
    assert (found.hit_ratio, found.kept, found.served) == (0.75, 1, 3)
    assert (found.input_tokens_served, found.saved_usd) == (30, "0.0015")
    assert found.since is not None
    assert (await stats(stranger)).lookups == 0


async def test_clearing_forgets_the_tenants_answers_and_no_others(caller: Visitor, stranger: Visitor) -> None:
    cache = caller.parts.cache
    for tenant_id in (caller.tenant_id, stranger.tenant_id):
        cache.keep(tenant_id, "a", "text", 60)
    assert (await caller.post(CLEAR)).status_code == 204
    assert cache.look(caller.tenant_id, "a") is None
    assert cache.look(stranger.tenant_id, "a") is not None


async def test_a_key_that_only_reads_clears_nothing(caller: Visitor) -> None:
    key = await auth.create_key(caller.parts, caller.tenant_id, "reader", (auth.Scope.READ,))
    reader = Visitor(caller.parts, caller.http, caller.tenant_id, key)
    assert (await reader.post(CLEAR)).status_code == 403
    assert (await reader.post(WARM, {})).status_code == 403
    assert (await reader.get(STATS)).status_code == 200


async def test_a_cache_that_is_away_is_said_to_be_away(
    caller: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(AnswerCache, "_run", away)
    for response in (await caller.get(STATS), await caller.post(CLEAR)):
        problem = Problem.model_validate_json(response.content)
        assert (problem.status, problem.code, problem.retryable) == (503, "broker_unavailable", True)


async def test_warming_takes_ids_or_a_choice_and_says_what_it_came_to(caller: Visitor) -> None:
    unknown = "0197a000-0000-7000-8000-000000000000"
    response = await caller.post(WARM, {"tasks": [unknown]})
    assert response.status_code == 200, response.text
    left_out = [{"task_id": unknown, "reason": "unknown"}]
    assert response.json() == {"kept": 0, "there": 0, "left_out": left_out}
    for wrong in ({"tasks": [unknown], "limit": 3}, {"kind": "nothing"}, {"limit": 0}, {"which": 1}):
        assert (await caller.post(WARM, wrong)).status_code == 422


async def test_it_is_said_that_the_operator_keeps_no_answers(caller: Visitor) -> None:
    config = caller.parts.config.model_copy(update={"cache_megabytes": 0})
    with pytest.raises(InvalidRequest, match="ORCHESTRATOR_CACHE_MEGABYTES"):
        await warm(replace(caller.parts, config=config), caller.tenant_id, WarmRequest())
