"""From submit to settle: every row of a task that goes well."""

from tests.integration.flow.world import World, answered


async def test_a_task_goes_from_submit_to_success_with_every_row_in_place(world: World) -> None:
    task_id = await world.submit(labels=["b", "a"])
    lease = await world.take(task_id)
    intent = await world.called(lease, answered("text", 1_500_000))
    assert await world.succeed(lease, intent) == "succeeded"
    task = await world.task(task_id)
    assert (task.status, task.attempt, task.failures, task.crashes) == ("succeeded", 1, 0, 0)
    assert task.lease_token is None
    assert task.lease_until is None
    assert task.created_at <= task.queued_at <= task.started_at <= task.finished_at
    assert task.labels == ["a", "b"]
    attempt = (await world.rows("SELECT * FROM attempts WHERE task_id = :id", id=task_id))[0]
    assert (attempt.attempt, attempt.outcome, attempt.boot_id) == (1, "succeeded", world.boot_id)
    call = await world.call(intent.call_id)
    assert (call.status, call.verdict, call.cost_nanos, call.estimated) == (
        "answered", "accepted", 1_500_000, False,
    )  # fmt: skip
    assert call.usage == {"prompt_tokens": 10, "completion_tokens": 5}
    answer = await world.value("SELECT answer FROM call_answers WHERE call_id = :id", id=intent.call_id)
    assert answer == "text"
    assert await world.ledger(task_id) == [("spend", 1_500_000)]
    stored = await world.value("SELECT result FROM task_results WHERE id = :id", id=task_id)
    assert stored["type"] == "code"
    assert await world.events(task_id) == [
        "task.queued", "task.started", "call.started", "call.first_token", "call.answered",
        "task.verifying", "task.succeeded",
    ]  # fmt: skip
