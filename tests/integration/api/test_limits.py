"""The doors of money limits and gates: what a tenant sees and may change, and nobody else's."""

from contextlib import closing
from uuid import UUID

import httpx
import pytest

from orchestrator import auth
from orchestrator.api.app import create_app
from orchestrator.flow.watch import Watch
from orchestrator.limits.breakers import Breakers, Circuit, Health, Phase, Policy, announce
from orchestrator.limits.gates import close_after, note_circuit
from orchestrator.store.statements import text
from orchestrator.wiring import Parts
from schemas.api import BudgetPage, Problem
from schemas.budgets import Budget
from schemas.errors import Category, Failure
from schemas.gates import CircuitBreaker, CircuitBreakerPage
from tests.integration.api.visitor import BODY, Visitor

MONEY = {"scope": "tenant", "period": "month", "limit_usd": "25"}
BREAKERS = "/api/v1/circuit-breakers"
MODEL = "gpt-5-mini"


async def circuit(caller: Visitor) -> Circuit:
    query = text("SELECT id, base_url FROM providers WHERE tenant_id = :tenant")
    row = (await caller.parts.db.run(query, tenant=caller.tenant_id))[0]
    return Circuit(row.id, row.base_url, MODEL)


async def open_circuit(caller: Visitor, breakers: Breakers) -> Circuit:
    """Five failed calls, noted as a worker notes them."""
    which = await circuit(caller)
    for _ in range(5):
        with breakers.guard(which, 60) as verdict:
            verdict.health = Health.FAILURE
    note = note_circuit(
        caller.parts.db, which.provider_id, MODEL, state="open", seconds=10, reason="5 of 5 calls failed"
    )
    await note
    return which


async def shown(caller: Visitor) -> dict[str, CircuitBreaker]:
    page = CircuitBreakerPage.model_validate_json((await caller.get(BREAKERS)).content)
    return {each.id: each for each in page.data}


async def made(caller: Visitor, **fields: object) -> Budget:
    response = await caller.post("/api/v1/budgets", json=MONEY | fields)
    assert response.status_code == 201, response.text
    return Budget.model_validate_json(response.content)


async def test_a_budget_is_made_shown_changed_and_dropped(caller: Visitor) -> None:
    budget = await made(caller)
    assert (budget.limit_usd, budget.remaining_usd, budget.hard) == ("25.00", "25.00", True)
    assert (await made(caller, limit_usd="30")).id == budget.id
    page = BudgetPage.model_validate_json((await caller.get("/api/v1/budgets")).content)
    assert [(each.id, each.limit_usd) for each in page.data] == [(budget.id, "30.00")]
    address = f"/api/v1/budgets/{budget.id}"
    dropped = await caller.http.delete(address, headers={"Authorization": f"Bearer {caller.key}"})
    assert dropped.status_code == 204
    assert (await caller.get(address)).status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"limit_usd": "0"}, "limit_usd"),
        ({"limit_usd": 3}, "limit_usd"),
        ({"limit_usd": "1e9"}, "limit_usd"),
        ({"scope": "galaxy"}, "scope"),
        ({"extra": 1}, "extra"),
        ({"scope": "provider", "subject": "nobody"}, "subject"),
    ],
)
async def test_a_budget_that_makes_no_sense_is_refused_with_its_field(
    caller: Visitor, fields: dict[str, object], field: str
) -> None:
    response = await caller.post("/api/v1/budgets", json=MONEY | fields)
    problem = Problem.model_validate_json(response.content)
    assert response.status_code == 422
    assert [each.field for each in problem.errors] == [field]


async def test_another_tenants_budget_is_not_there(caller: Visitor, stranger: Visitor) -> None:
    budget = await made(caller)
    address = f"/api/v1/budgets/{budget.id}"
    headers = {"Authorization": f"Bearer {stranger.key}"}
    assert (await stranger.get(address)).status_code == 404
    assert (await stranger.http.delete(address, headers=headers)).status_code == 404
    assert (await stranger.get("/api/v1/budgets")).json() == {"data": []}
    assert (await caller.get(address)).status_code == 200


async def test_a_used_up_budget_is_a_402_that_says_so_and_stores_nothing(caller: Visitor) -> None:
    budget = await made(caller)
    await caller.change(
        "INSERT INTO budget_windows (budget_id, starts, spent_nanos)"
        " VALUES (:id, date_trunc('month', now(), 'UTC'), 25000000000)",
        id=budget.id,
    )
    response = await caller.post(json=BODY)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code, problem.retryable) == (402, "budget_exhausted", False)
    assert "$25.00 spent" in problem.detail
    assert await caller.stored() == 0
    waits = await caller.post(json=BODY | {"preferences": {"on_budget": "wait"}})
    assert waits.status_code == 202


async def test_every_gate_of_a_provider_is_shown_open_or_not(caller: Visitor) -> None:
    gates = await shown(caller)
    assert sorted(gates) == ["circuit.sim", "cool_down.sim", "credential.sim"]
    assert {each.state for each in gates.values()} == {"closed"}
    assert (gates["circuit.sim"].model, gates["circuit.sim"].calls) == (MODEL, 0)
    assert gates["cool_down.sim"].model is None


async def test_an_open_circuit_is_shown_with_its_window_and_an_operator_closes_it(
    caller: Visitor, breakers: Breakers
) -> None:
    which = await open_circuit(caller, breakers)
    gate = (await shown(caller))["circuit.sim"]
    assert (gate.state, gate.reason) == ("open", "5 of 5 calls failed")
    assert gate.closed_until is not None
    response = await caller.post(f"{BREAKERS}/circuit.sim/reset")
    assert response.status_code == 204
    assert breakers.state(which).name is Phase.CLOSED
    after = (await shown(caller))["circuit.sim"]
    assert (after.state, after.reason, after.closed_until) == ("closed", None, None)
    told = [(each.state, each.reason) for each in after.transitions]
    assert told == [("closed", "reset by an operator"), ("open", "5 of 5 calls failed")]


async def test_a_refused_credential_is_shown_without_an_end_and_can_be_cleared(caller: Visitor) -> None:
    provider = (await circuit(caller)).provider_id
    failure = Failure(category=Category.UNAUTHORIZED, message="no", http_status=401)
    await close_after(caller.parts.db, provider, failure)
    gate = (await shown(caller))["credential.sim"]
    assert (gate.state, gate.reason, gate.closed_until) == ("open", "misconfigured", None)
    assert (await caller.post(f"{BREAKERS}/credential.sim/reset")).status_code == 204
    assert (await shown(caller))["credential.sim"].state == "closed"


async def test_what_is_no_gate_of_ones_own_is_not_there(
    caller: Visitor, stranger: Visitor, breakers: Breakers
) -> None:
    which = await open_circuit(caller, breakers)
    assert (await shown(stranger))["circuit.sim"].state == "closed"
    assert (await stranger.post(f"{BREAKERS}/circuit.sim/reset")).status_code == 204
    assert breakers.state(which).name is Phase.OPEN
    assert (await caller.post(f"{BREAKERS}/circuit.nobody/reset")).status_code == 404
    breakers.reset(which)


@pytest.fixture
async def lonely(parts: Parts, watcher: Watch, caller: Visitor) -> Visitor:
    """The same tenant at an API process whose Redis is away."""
    with closing(Breakers("redis://127.0.0.1:9/0", Policy.of(parts.config), announce)) as breakers:
        transport = httpx.ASGITransport(app=create_app(parts, watcher, breakers))
        http = httpx.AsyncClient(transport=transport, base_url="http://api")
        return Visitor(parts, http, caller.tenant_id, caller.key)


async def test_without_redis_gates_are_shown_as_last_noted_and_a_circuit_cant_be_reset(
    caller: Visitor, lonely: Visitor, breakers: Breakers
) -> None:
    which = await open_circuit(caller, breakers)
    gate = (await shown(lonely))["circuit.sim"]
    assert (gate.state, gate.calls, gate.failures) == ("open", None, None)
    response = await lonely.post(f"{BREAKERS}/circuit.sim/reset")
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code, problem.retryable) == (503, "broker_unavailable", True)
    assert (await shown(caller))["circuit.sim"].state == "open"
    breakers.reset(which)


async def test_the_figures_tell_of_gates_and_budgets(
    caller: Visitor, lonely: Visitor, breakers: Breakers
) -> None:
    await caller.change("DELETE FROM gates")
    await made(caller, scope="user", subject="ada")
    which = await open_circuit(caller, breakers)
    figures = (await lonely.get("/metrics")).text
    assert 'orchestrator_gates{kind="circuit",state="open"} 1' in figures
    assert 'orchestrator_budget_limit_nanodollars{scope="user",period="month",hard="true"} 2.5e+10' in figures
    assert "orchestrator_failovers_total" in figures
    breakers.reset(which)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/budgets"),
        ("DELETE", f"/api/v1/budgets/{UUID(int=1)}"),
        ("POST", f"{BREAKERS}/x/reset"),
        ("PATCH", "/api/v1/providers/alpha"),
        ("POST", "/api/v1/provider-templates"),
    ],
)
async def test_a_key_that_submits_does_not_change_what_holds_it(
    caller: Visitor, method: str, path: str
) -> None:
    scopes = (auth.Scope.READ, auth.Scope.WRITE)
    key = await auth.create_key(caller.parts, caller.tenant_id, "submitter", scopes)
    headers = {"Authorization": f"Bearer {key}"}
    response = await caller.http.request(method, path, json=MONEY, headers=headers)
    assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert "up --new-key" in response.json()["detail"]
