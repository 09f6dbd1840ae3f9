"""A consensus over HTTP: submitted, estimated, shown with its children, listed and called off."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.flow.configure import configure
from schemas.api import Problem, TaskView
from schemas.budgets import nanos_of
from tests.integration.api.visitor import BODY, TASKS, Visitor, setting

TWO = {"preferences": {"consensus": 2}}


@pytest.fixture
async def several(caller: Visitor) -> Visitor:
    """A tenant with three providers."""
    name = str(await caller.value("SELECT name FROM tenants WHERE id = :tenant"))
    await configure(caller.parts, name, tuple(setting(each) for each in ("sim", "sum", "som")))
    return caller


async def family(several: Visitor) -> TaskView:
    response = await several.post(TASKS, json=BODY | TWO)
    assert response.status_code == 202, response.text
    return TaskView.model_validate_json(response.content)


async def test_a_task_shows_the_children_it_asks(several: Visitor) -> None:
    task = await family(several)
    assert (task.status, task.status_reason, task.consensus) == ("queued", "waiting_for_children", 2)
    assert (task.parent_id, task.next_attempt_at, task.run_at) == (None, None, None)
    assert task.children is not None
    assert len({child.provider for child in task.children}) == 2
    shown = TaskView.model_validate_json((await several.get(task.links.self)).content)
    assert shown.children == task.children
    child = TaskView.model_validate_json((await several.get(task.children[0].links.self)).content)
    assert (child.parent_id, child.consensus, child.children) == (task.id, None, None)
    assert task.deadline - child.deadline == timedelta(minutes=1)


async def test_children_are_left_out_of_the_list_unless_asked_for(several: Visitor) -> None:
    task = await family(several)
    children = {str(child.id) for child in task.children or ()}

    async def listed(query: str) -> set[str]:
        response = await several.get(f"{TASKS}{query}")
        assert response.status_code == 200, response.text
        return {each["id"] for each in response.json()["data"]}

    assert await listed("") & (children | {str(task.id)}) == {str(task.id)}
    assert await listed("?include=children&limit=100") >= children
    assert await listed(f"?parent_id={task.id}") == children
    assert await listed(f"?ids={','.join(children)}") == children


async def test_a_family_is_one_task_in_the_counts_and_as_many_as_wait_in_the_queues(several: Visitor) -> None:
    async def counted() -> tuple[int, int]:
        stats = (await several.get(f"{TASKS}/stats")).json()
        return sum(stats["by_status"].values()), sum(stats["waiting_by_queue"].values())

    tasks, waiting = await counted()
    await family(several)
    assert await counted() == (tasks + 1, waiting + 2)


async def test_the_estimate_is_for_all_children(several: Visitor) -> None:
    one = (await several.post(f"{TASKS}?validate_only=true", json=BODY)).json()["estimate"]
    two = (await several.post(f"{TASKS}?validate_only=true", json=BODY | TWO)).json()["estimate"]
    assert (one["calls"], two["calls"]) == (1, 2)
    for name in ("max_cost_usd", "likely_cost_usd"):
        assert nanos_of(two[name]) > nanos_of(one[name])


async def test_the_estimate_of_a_review_has_its_verifier_in_it(several: Visitor) -> None:
    diff = "--- a/x.py\n+++ b/x.py\n@@ -1 +1,2 @@\n import os\n+y = eval(input())\n"
    asked = {"kind": "review_code", "context": {"diff": diff}}

    async def estimated(**preferences: object) -> dict[str, Any]:
        body = asked | {"preferences": preferences}
        answer = await several.post(f"{TASKS}?validate_only=true", json=body)
        found: dict[str, Any] = answer.json()["estimate"]
        return found

    bare, usual = await estimated(verifier=False), await estimated()
    alone, both = await estimated(verifier=False, consensus=2), await estimated(consensus=2)
    assert [each["calls"] for each in (bare, usual, alone, both)] == [1, 2, 2, 4]
    for name in ("max_cost_usd", "likely_cost_usd"):
        costs = [nanos_of(each[name]) for each in (bare, usual, alone, both)]
        assert costs[1] > 1.5 * costs[0]
        assert costs[3] - costs[2] > costs[1] - costs[0]


async def test_more_than_there_are_providers_is_refused_by_field(several: Visitor) -> None:
    asked = BODY | {"preferences": {"consensus": 5}}
    for query in ("", "?validate_only=true"):
        response = await several.post(f"{TASKS}{query}", json=asked)
        problem = Problem.model_validate_json(response.content)
        assert (response.status_code, problem.code) == (422, "no_provider")
        assert [each.field for each in problem.errors] == ["preferences.consensus"]


async def test_a_number_out_of_range_is_refused(several: Visitor) -> None:
    for number in (1, 6, "3", 2.0):
        response = await several.post(TASKS, json=BODY | {"preferences": {"consensus": number}})
        assert response.status_code == 422
        assert response.json()["errors"][0]["field"] == "preferences.consensus"


async def test_a_cancel_shows_the_children_cancelled_and_none_of_them_is_retried(several: Visitor) -> None:
    task = await family(several)
    response = await several.post(task.links.cancel)
    assert response.status_code == 200
    assert {child["status"] for child in response.json()["children"]} == {"canceled"}
    child = response.json()["children"][0]["links"]["self"]
    refused = await several.post(f"{child}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "child_task")
    assert str(task.id) in refused.json()["detail"]
    again = await several.post(f"{task.links.self}/retry")
    assert len(again.json()["children"]) == 2
