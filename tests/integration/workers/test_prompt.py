"""What a worker sends: the tenant's own beginning, a bundle's tree, nothing where there is no tree."""

import asyncio
import base64
import subprocess
from pathlib import Path
from typing import Any

from orchestrator.flow.lead import lead
from orchestrator.store import views
from tests.integration.flow.world import World
from workers.process import Process
from workers.run import run

ONE = {"preferences": {"providers": ["alpha"]}}


async def worked(world: World, process: Process, **fields: Any) -> Any:
    """A task after a worker was nudged for it."""
    task_id = await world.submit(**ONE, **fields)
    await asyncio.to_thread(run, process, task_id)
    task = await world.task(task_id)
    found = await world.rows("SELECT result FROM task_results WHERE id = :id", id=task_id)
    return task.status, task.error, found[0].result if found else None


async def test_a_result_names_the_tenants_own_prompt_it_was_made_with(world: World, process: Process) -> None:
    assert (await worked(world, process))[2]["verification"]["checks"][0]["name"] != "prompt"
    await lead(world.parts, world.tenant_id, "generate_code", "Write it well.")
    status, _, result = await worked(world, process)
    version = (await views.prompts(world.parts.db, world.tenant_id))["generate_code"].version
    assert status == "succeeded"
    assert result["verification"]["checks"][0] == {
        "name": "prompt",
        "passed": True,
        "detail": f"the tenant's own generate_code prompt, version {version}",
    }


def bundled(folder: Path) -> str:
    """A bundle of one commit with one file."""
    (folder / "cart.py").write_text("def total(items):\n    return sum(items)\n")
    for asked in (
        ("init", "-q", "-b", "main"),
        ("add", "-A"),
        ("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "one"),
        ("bundle", "create", "-q", "b", "main"),
    ):
        subprocess.run(["git", *asked], cwd=folder, check=True)
    return base64.b64encode((folder / "b").read_bytes()).decode()


async def test_a_bundle_is_worked_on_like_files(world: World, process: Process, tmp_path: Path) -> None:
    given = {"bundle": {"data": bundled(tmp_path)}}
    status, _, result = await worked(world, process, kind="document", context=given)
    assert status == "succeeded"
    assert [(file["path"], file["operation"]) for file in result["files"]] == [("cart.py", "modify")]
    assert '+    """Total, given items."""' in result["diff"]


async def test_a_tree_that_cannot_be_had_fails_the_task_and_costs_nothing(
    world: World, process: Process
) -> None:
    status, error, _ = await worked(world, process, kind="document", context={"bundle": {"data": "aGVsbG8="}})
    assert status == "failed"
    assert "context.bundle can't be used" in error["message"]
    assert await world.rows("SELECT id FROM calls") == []
