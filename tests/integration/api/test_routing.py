"""The doors of routing: the explanation of a task, of a request, and the tenant's configuration."""

from typing import Any
from uuid import UUID

import pytest

from orchestrator import auth
from orchestrator.flow.configure import configure
from orchestrator.store import views
from schemas.api import Problem, Validated
from schemas.routing import RouteExplanation, RoutingConfig, TaskRoute
from tests.integration.api.visitor import BODY, TASKS, Visitor, setting

CONFIG = "/api/v1/config"
EXPLAIN = "/api/v1/routing/explain"


@pytest.fixture
async def choosy(caller: Visitor) -> Visitor:
    """A tenant with three providers of different makers."""
    name = str(await caller.value("SELECT name FROM tenants WHERE id = :tenant"))
    more = (setting("sim"), setting("luna").model_copy(update={"model": "gpt-6-luna"}))
    sol = setting("sol").model_copy(update={"model": "gpt-6.1-sol"})
    await configure(caller.parts, name, (*more, sol))
    return caller


async def put(caller: Visitor, body: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {caller.key}"}
    response = await caller.http.put(CONFIG, json=body, headers=headers)
    return response.status_code, response.json()


async def explained(caller: Visitor, task_id: UUID) -> TaskRoute:
    return TaskRoute.model_validate_json((await caller.get(f"{TASKS}/{task_id}/explain")).content)


async def test_a_task_keeps_why_it_went_where_it_went(choosy: Visitor) -> None:
    await choosy.change("UPDATE providers SET paused = true WHERE tenant_id = :tenant AND name = 'sim'")
    views.forget_providers(choosy.tenant_id)
    task = await choosy.submit()
    found = await explained(choosy, task.id)
    assert found.route is not None
    assert found.provider == task.provider == found.route.candidates[0].provider
    assert (found.route.strategy, found.route.chosen_by) == ("balanced", "default")
    assert {each.provider for each in found.route.candidates} == {"luna", "sol"}
    assert [(each.provider, each.reason) for each in found.route.filtered] == [("sim", "paused")]
    scores = [each.score for each in found.route.candidates]
    assert scores == sorted(scores, reverse=True)
    assert await choosy.value(
        "SELECT explanation ->> 'strategy' FROM task_payloads WHERE id = :id", id=task.id
    )


async def test_the_explanation_stays_when_the_task_has_gone_on(choosy: Visitor) -> None:
    task = await choosy.submit()
    before = await explained(choosy, task.id)
    await choosy.change("UPDATE tasks SET candidate = 1 WHERE id = :id", id=task.id)
    after = await explained(choosy, task.id)
    assert (after.current, after.route) == (1, before.route)
    assert after.route is not None
    assert after.provider == after.route.candidates[1].provider


async def test_a_task_from_before_routes_were_explained_has_none(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.change("UPDATE task_payloads SET explanation = NULL WHERE id = :id", id=task.id)
    assert (await explained(caller, task.id)).route is None


async def test_a_request_is_explained_and_nothing_stored(choosy: Visitor) -> None:
    response = await choosy.post(EXPLAIN, json=BODY | {"preferences": {"strategy": "cheapest"}})
    told = RouteExplanation.model_validate_json(response.content)
    assert told.candidates[0].provider == "luna"
    assert told.chosen_by == "task"
    assert await choosy.stored() == 0


async def test_a_dry_run_tells_the_route_and_what_a_call_is_likely_to_cost(choosy: Visitor) -> None:
    response = await choosy.post(f"{TASKS}?validate_only=true", json=BODY)
    answer = Validated.model_validate_json(response.content)
    assert [each.provider for each in answer.candidates] == [
        each.provider for each in answer.route.candidates
    ]
    assert answer.estimate.likely_cost_usd == answer.route.candidates[0].estimated_cost_usd
    assert 0 < float(answer.estimate.likely_cost_usd) < float(answer.estimate.max_cost_usd)


@pytest.mark.parametrize("path", [TASKS, EXPLAIN])
async def test_where_nobody_can_take_it_each_filter_says_whom_it_took_away(
    choosy: Visitor, path: str
) -> None:
    preferences = {"excluded": ["sim"], "max_cost_usd": "0"}
    response = await choosy.post(path, json=BODY | {"preferences": preferences})
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code) == (422, "no_provider")
    told = {(error.field, error.code) for error in problem.errors}
    assert told == {("preferences.excluded", "excluded"), ("preferences.max_cost_usd", "max_cost")}
    assert "sim is among preferences.excluded" in problem.detail
    assert await choosy.stored() == 0


async def test_a_tenants_configuration_is_the_default_until_it_is_set(choosy: Visitor) -> None:
    assert RoutingConfig.model_validate_json((await choosy.get(CONFIG)).content) == RoutingConfig()
    asked = {"strategy": "round_robin", "max_cost_usd": "0.50", "preferred": ["sol"]}
    status, shown = await put(choosy, asked)
    assert (status, shown["strategy"], shown["weights"]["capability"]) == (200, "round_robin", 40)
    assert (await choosy.get(CONFIG)).json() == shown
    firsts = [(await choosy.submit()).provider for _ in range(6)]
    assert sorted(firsts) == ["luna", "luna", "sim", "sim", "sol", "sol"]
    status, shown = await put(choosy, {})
    assert RoutingConfig.model_validate(shown) == RoutingConfig()


async def test_only_an_admins_key_loosens_redaction_and_any_writers_tightens_it(choosy: Visitor) -> None:
    scopes = "UPDATE api_keys SET scopes = CAST(:scopes AS text[]) WHERE tenant_id = :tenant"
    writer, admin = [
        [str(each) for each in auth.Scope if each != "admin"],
        [str(each) for each in auth.Scope],
    ]

    async def tried(rule: str | None, with_: list[str]) -> int:
        await choosy.change(scopes, scopes=with_)
        auth._believed.clear()
        return (await put(choosy, {"redaction": rule} if rule else {}))[0]

    assert [await tried(rule, writer) for rule in ("optional", "off", "required", None)] == [
        403,
        403,
        200,
        200,
    ]
    assert await tried("optional", admin) == 200
    assert [await tried(rule, writer) for rule in ("optional", "off", None)] == [200, 403, 200]
    status, problem = await put(choosy, {"redaction": "off"})
    assert (status, problem["code"]) == (403, "forbidden")
    assert "--new-key" in problem["detail"]


async def test_another_tenants_configuration_is_its_own(choosy: Visitor, stranger: Visitor) -> None:
    await put(choosy, {"strategy": "cheapest"})
    assert (await stranger.get(CONFIG)).json()["strategy"] == "balanced"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"strategy": "best"}, ["strategy"]),
        ({"weights": {"cost": 30}}, ["weights"]),
        ({"weights": {"cost": 101}}, ["weights.cost"]),
        ({"max_cost_usd": "-1"}, ["max_cost_usd"]),
        ({"preferred": ["nobody"]}, ["preferred"]),
        ({"shares": {"nobody": 1, "sim": 2}}, ["shares"]),
        ({"shares": {"sim": 0}}, ["shares"]),
        ({"shares": {"sim": -1}}, ["shares.sim"]),
        ({"strategie": "cheapest"}, ["strategie"]),
        ([], ["body"]),
    ],
)
async def test_a_configuration_that_makes_no_sense_is_refused_by_field(
    choosy: Visitor, body: Any, fields: list[str]
) -> None:
    status, shown = await put(choosy, body)
    assert status == 422
    assert [error["field"] for error in shown["errors"]] == fields
    assert RoutingConfig.model_validate_json((await choosy.get(CONFIG)).content) == RoutingConfig()


async def test_real_calls_become_the_record_that_routing_goes_by(choosy: Visitor) -> None:
    before = {each.provider.name: each for each in await views.offers(choosy.parts.db, choosy.tenant_id)}
    assert {each.record.calls for each in before.values()} == {0}
    task = await choosy.submit(preferences={"providers": ["sol"]})
    await choosy.succeed(task.id)
    views.forget_routing(choosy.tenant_id)
    after = {each.provider.name: each for each in await views.offers(choosy.parts.db, choosy.tenant_id)}
    assert (after["sol"].record.calls, after["sol"].record.successes) == (1, 1)
    assert after["sol"].record.output_tokens == 20
    assert after["sol"].record.seconds is not None
    assert after["luna"].record.calls == 0


@pytest.mark.parametrize(
    ("status", "verdict", "category", "counted"),
    [
        ("answered", "accepted", None, (1, 1)),
        ("answered", "rejected", None, (1, 0)),
        ("failed", None, "server_error", (1, 0)),
        ("failed", None, "model_not_found", (1, 0)),
        ("failed", None, "rate_limited", (0, 0)),
        ("failed", None, "canceled", (0, 0)),
        ("failed", None, "bad_request", (0, 0)),
        ("unknown", None, "crashed", (0, 0)),
    ],
)
async def test_only_what_speaks_for_or_against_a_provider_counts(
    caller: Visitor, status: str, verdict: str | None, category: str | None, counted: tuple[int, int]
) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    await caller.change(
        "UPDATE calls SET status = :status, verdict = :verdict, category = :category"
        " WHERE tenant_id = :tenant",
        status=status, verdict=verdict, category=category,
    )  # fmt: skip
    views.forget_routing(caller.tenant_id)
    (offer,) = await views.offers(caller.parts.db, caller.tenant_id)
    assert (offer.record.calls, offer.record.successes) == counted


@pytest.mark.parametrize(
    ("verdict", "category", "counted"), [(None, "server_error", 0), ("rejected", None, 1)]
)
async def test_an_outage_is_forgiven_after_an_hour_and_a_bad_answer_is_not(
    caller: Visitor, verdict: str | None, category: str | None, counted: int
) -> None:
    task = await caller.submit()
    await caller.succeed(task.id)
    await caller.change(
        "UPDATE calls SET status = :status, verdict = :verdict, category = :category,"
        " ended_at = ended_at - interval '61 minutes' WHERE tenant_id = :tenant",
        status="failed" if category else "answered", verdict=verdict, category=category,
    )  # fmt: skip
    views.forget_routing(caller.tenant_id)
    (offer,) = await views.offers(caller.parts.db, caller.tenant_id)
    assert (offer.record.calls, offer.record.successes) == (counted, 0)


async def test_accounts_of_one_vendor_take_turns_and_show_their_load(choosy: Visitor) -> None:
    await choosy.change("UPDATE providers SET model = 'gpt-6-luna' WHERE tenant_id = :tenant")
    views.forget_providers(choosy.tenant_id)
    firsts = [(await choosy.submit()).provider for _ in range(9)]
    assert {name: firsts.count(name) for name in set(firsts)} == {"sim": 3, "luna": 3, "sol": 3}
