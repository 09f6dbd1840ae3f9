"""Feedback: one of a task and caller, shown with the task, and counted where the next task is routed."""

from uuid import uuid4

import pytest

from orchestrator import auth
from orchestrator.store import views
from schemas.api import Problem, TaskView
from schemas.feedback import FeedbackView
from schemas.routing import RouteExplanation
from tests.integration.api.visitor import BODY, TASKS, Visitor


async def ended(caller: Visitor) -> TaskView:
    task = await caller.submit()
    await caller.succeed(task.id)
    return task


def said(task: TaskView) -> str:
    return f"{TASKS}/{task.id}/feedback"


async def test_feedback_is_kept_and_shown_with_the_task(caller: Visitor) -> None:
    task = await ended(caller)
    response = await caller.post(said(task), json={"rating": 4, "accepted": True, "comment": "good"})
    assert response.status_code == 200, response.text
    given = FeedbackView.model_validate_json(response.content)
    assert (given.rating, given.accepted, given.comment, given.provider) == (4, True, "good", "sim")
    shown = TaskView.model_validate_json((await caller.get(f"{TASKS}/{task.id}?include=feedback")).content)
    assert shown.feedback == [given]
    assert (await caller.get(said(task))).json()["data"] == [given.model_dump(mode="json")]


async def test_saying_it_again_takes_the_place_and_the_same_again_changes_nothing(caller: Visitor) -> None:
    task = await ended(caller)
    await caller.post(said(task), json={"rating": 1, "comment": "no"})
    tag = (await caller.get(f"{TASKS}/{task.id}")).headers["etag"]
    first = await caller.post(said(task), json={"accepted": True})
    assert (first.json()["rating"], first.json()["comment"]) == (None, None)
    assert (await caller.get(f"{TASKS}/{task.id}")).headers["etag"] != tag
    assert (await caller.post(said(task), json={"accepted": True})).json() == first.json()
    events = (await caller.get(f"{TASKS}/{task.id}/events", accept="application/json")).json()["data"]
    assert [each["name"] for each in events].count("task.feedback") == 2
    assert events[-1]["data"] == {"rating": None, "accepted": True}


async def test_each_key_has_a_word_of_its_own(caller: Visitor) -> None:
    task = await ended(caller)
    await caller.post(said(task), json={"rating": 1})
    other = await auth.create_key(caller.parts, caller.tenant_id, "other", tuple(auth.Scope))
    await Visitor(caller.parts, caller.http, caller.tenant_id, other).post(said(task), json={"rating": 5})
    assert [each["rating"] for each in (await caller.get(said(task))).json()["data"]] == [1, 5]


async def test_a_task_that_runs_or_is_not_there_takes_none(caller: Visitor, stranger: Visitor) -> None:
    task = await caller.submit()
    early = Problem.model_validate_json((await caller.post(said(task), json={"rating": 5})).content)
    assert (early.status, early.code) == (409, "task_not_finished")
    assert (await caller.post(f"{TASKS}/{uuid4()}/feedback", json={"rating": 5})).status_code == 404
    assert (await stranger.post(said(task), json={"rating": 5})).status_code == 404
    assert (await stranger.get(said(task))).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": 4.5}, "rating"),
        ({"accepted": "yes"}, "accepted"),
        ({"comment": "x" * 2001}, "comment"),
        ({"comment": "a\x00b"}, "comment"),
        ({"stars": 3}, "stars"),
    ],
)
async def test_what_is_no_feedback_is_refused_by_field(
    caller: Visitor, body: dict[str, object], field: str
) -> None:
    task = await ended(caller)
    problem = Problem.model_validate_json((await caller.post(said(task), json=body)).content)
    assert (problem.status, problem.errors[0].field) == (422, field)


async def test_bad_feedback_lowers_the_score_of_who_gave_the_result(caller: Visitor) -> None:
    task = await ended(caller)
    views.forget_routing(caller.tenant_id)
    before = await _route(caller)
    await caller.post(said(task), json={"rating": 1, "accepted": False})
    after = await _route(caller)
    assert (before.candidates[0].feedback, after.candidates[0].feedback) == (0, 1)
    assert after.candidates[0].parts.history < before.candidates[0].parts.history


async def test_a_failed_task_may_be_rated_and_counts_for_nobody(caller: Visitor) -> None:
    task = await caller.submit()
    await caller.fail(task.id)
    given = await caller.post(said(task), json={"rating": 1})
    assert (given.status_code, given.json()["provider"]) == (200, None)
    assert (await _route(caller)).candidates[0].feedback == 0


async def _route(caller: Visitor) -> RouteExplanation:
    return RouteExplanation.model_validate_json(
        (await caller.post("/api/v1/routing/explain", json=BODY)).content
    )
