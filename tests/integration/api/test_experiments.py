"""Experiments over HTTP: made and changed, sticky by session, samples counted, contaminated ones left out."""

from typing import Any

import pytest

from orchestrator.flow.configure import configure
from schemas.api import Problem, TaskView
from schemas.experiments import ArmResult, ExperimentPage, ExperimentReport, ExperimentView
from schemas.routing import TaskRoute
from tests.integration.api.visitor import BODY, TASKS, Visitor, setting

EXPERIMENTS = "/api/v1/experiments"
ARMS = [{"name": "control"}, {"name": "b", "provider": "luna"}]


@pytest.fixture
async def choosy(caller: Visitor) -> Visitor:
    """A tenant with two providers."""
    name = str(await caller.value("SELECT name FROM tenants WHERE id = :tenant"))
    await configure(
        caller.parts, name, (setting("sim"), setting("luna").model_copy(update={"model": "gpt-6-luna"}))
    )
    return caller


async def made(caller: Visitor, **fields: Any) -> ExperimentView:
    response = await caller.post(EXPERIMENTS, json={"name": "e1", "arms": ARMS} | fields)
    assert response.status_code == 201, response.text
    assert response.headers["location"] == f"{EXPERIMENTS}/{response.json()['name']}"
    return ExperimentView.model_validate_json(response.content)


async def patched(caller: Visitor, body: Any, name: str = "e1") -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {caller.key}"}
    response = await caller.http.patch(f"{EXPERIMENTS}/{name}", json=body, headers=headers)
    return response.status_code, response.json()


async def arm_of(caller: Visitor, task: TaskView) -> str | None:
    found = TaskRoute.model_validate_json((await caller.get(f"{TASKS}/{task.id}/explain")).content)
    assert found.route is not None
    return found.route.experiment.arm if found.route.experiment else None


async def report(caller: Visitor) -> tuple[ArmResult, ArmResult]:
    response = await caller.get(f"{EXPERIMENTS}/e1")
    control, arm = ExperimentReport.model_validate_json(response.content).results
    return control, arm


async def test_a_session_stays_with_its_arm_and_the_task_tells_why(choosy: Visitor) -> None:
    await made(choosy)
    seen: dict[str, set[str | None]] = {}
    for number in range(48):
        session = f"s-{number % 24}"
        task = await choosy.submit(session_id=session)
        arm = await arm_of(choosy, task)
        seen.setdefault(session, set()).add(arm)
        assert (task.provider == "luna") or arm == "control"
    assert all(len(arms) == 1 for arms in seen.values())
    assert set.union(*seen.values()) == {"control", "b"}
    wishing = await choosy.submit(preferences={"preferred": ["sim"]})
    assert await arm_of(choosy, wishing) is None


async def test_what_was_made_is_listed_paused_resumed_and_ended(choosy: Visitor) -> None:
    first = await made(choosy, metric="cost", kinds=["generate_code"], label="x")
    second = await made(choosy, name="e2", status="paused")
    listed = ExperimentPage.model_validate_json((await choosy.get(EXPERIMENTS)).content)
    assert listed.data == [first, second]
    assert await arm_of(choosy, await choosy.submit()) is None
    assert (await patched(choosy, {"status": "running"}, "e2"))[1]["status"] == "running"
    assert await arm_of(choosy, await choosy.submit()) is not None
    status, ended = await patched(choosy, {"status": "ended"}, "e2")
    assert (status, bool(ended["ended_at"])) == (200, True)
    assert await arm_of(choosy, await choosy.submit()) is None
    status, problem = await patched(choosy, {"status": "running"}, "e2")
    assert (status, problem["errors"][0]["field"]) == (422, "status")


async def test_weights_are_shifted(choosy: Visitor) -> None:
    await made(choosy)
    status, body = await patched(choosy, {"weights": {"control": 0, "b": 5}})
    assert (status, [arm["weight"] for arm in body["arms"]]) == (200, [0, 5])
    assert {await arm_of(choosy, await choosy.submit()) for _ in range(5)} == {"b"}


async def test_samples_are_what_ended_where_the_arm_had_put_it(choosy: Visitor) -> None:
    await made(choosy)
    await patched(choosy, {"weights": {"control": 0}})
    tasks = [await choosy.submit() for _ in range(6)]
    for task in tasks[:2]:
        await choosy.succeed(task.id)
    await choosy.fail(tasks[2].id)
    await choosy.post(f"{TASKS}/{tasks[3].id}/cancel")
    await choosy.change("UPDATE tasks SET candidate = 1 WHERE id = :id", id=tasks[4].id)
    await choosy.post(f"{TASKS}/{tasks[0].id}/feedback", json={"accepted": True})
    control, arm = await report(choosy)
    assert (arm.assigned, arm.samples, arm.succeeded) == (6, 3, 2)
    assert (arm.canceled, arm.contaminated, arm.open) == (1, 1, 1)
    assert (arm.rated, arm.accepted_rate) == (1, 1.0)
    assert arm.success_rate == pytest.approx(2 / 3, abs=1e-3)
    assert arm.mean_cost_usd == "0.000823045"
    assert arm.mean_seconds is not None
    assert (control.assigned, control.success_rate, arm.comparison) == (0, None, None)


async def test_a_task_that_came_back_to_its_first_provider_is_contaminated(choosy: Visitor) -> None:
    await made(choosy)
    await patched(choosy, {"weights": {"b": 0}})
    task = await choosy.submit()
    await choosy.change(
        "INSERT INTO events (task_id, seq, tenant_id, name, at, data)"
        " VALUES (:id, 99, :tenant, 'task.failed_over', now(), '{}')",
        id=task.id,
    )
    await choosy.succeed(task.id)
    control, _ = await report(choosy)
    assert (control.samples, control.contaminated) == (0, 1)


@pytest.mark.parametrize("metric", ["success_rate", "cost", "latency", "accepted"])
async def test_each_metric_is_compared_and_told_how_sure_it_is(choosy: Visitor, metric: str) -> None:
    await made(choosy, metric=metric)
    for weights in ({"control": 0, "b": 1}, {"control": 1, "b": 0}):
        await patched(choosy, {"weights": weights})
        for _ in range(2):
            task = await choosy.submit()
            await choosy.succeed(task.id)
            await choosy.post(f"{TASKS}/{task.id}/feedback", json={"accepted": weights["b"] == 1})
    control, arm = await report(choosy)
    assert control.comparison is None
    assert arm.comparison is not None
    assert (arm.comparison.enough, arm.comparison.verdict) == (False, "undecided")
    assert 0 <= arm.comparison.confidence <= 1
    if metric == "accepted":
        assert arm.comparison.difference == 1.0


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"arms": ARMS[:1]}, "arms"),
        ({"arms": [{"name": "a"}, {"name": "a"}]}, "arms"),
        ({"arms": [{"name": "a", "weight": 0}, {"name": "b", "weight": 0}]}, "arms"),
        ({"arms": [{"name": "a"}, {"name": "b", "provider": "gone"}]}, "arms.1.provider"),
        ({"arms": [{"name": "a"}, {"name": "b", "model": "nobody-has-it"}]}, "arms.1.model"),
        ({"arms": [{"name": "a"}, {"name": "b", "strategy": "best"}]}, "arms.1.strategy"),
        ({"metric": "beauty"}, "metric"),
        ({"kinds": []}, "kinds"),
        ({"name": "Spaces are not"}, "name"),
        ({"status": "ended"}, "status"),
        ({"winner": "b"}, "winner"),
    ],
)
async def test_what_is_no_experiment_is_refused_by_field(
    choosy: Visitor, fields: dict[str, Any], field: str
) -> None:
    response = await choosy.post(EXPERIMENTS, json={"name": "e1", "arms": ARMS} | fields)
    problem = Problem.model_validate_json(response.content)
    assert (problem.status, problem.errors[0].field) == (422, field)


async def test_names_are_taken_once_and_strangers_see_nothing(choosy: Visitor, stranger: Visitor) -> None:
    await made(choosy)
    again = await choosy.post(EXPERIMENTS, json={"name": "e1", "arms": ARMS})
    assert (again.status_code, again.json()["code"]) == (409, "experiment_exists")
    assert (await stranger.get(f"{EXPERIMENTS}/e1")).status_code == 404
    assert (await patched(stranger, {"status": "ended"}))[0] == 404
    assert (await stranger.get(EXPERIMENTS)).json()["data"] == []
    for body, field in (({}, "body"), ({"weights": {"c": 1}}, "weights.c"),
                        ({"weights": {"control": 0, "b": 0}}, "weights")):  # fmt: skip
        status, problem = await patched(choosy, body)
        assert (status, problem["errors"][0]["field"]) == (422, field)


async def test_a_dry_run_shows_the_arm_of_a_session(choosy: Visitor) -> None:
    await made(choosy)
    body = BODY | {"session_id": "s-1"}
    shown = (await choosy.post("/api/v1/routing/explain", json=body)).json()["experiment"]["arm"]
    assert await arm_of(choosy, await choosy.submit(session_id="s-1")) == shown
