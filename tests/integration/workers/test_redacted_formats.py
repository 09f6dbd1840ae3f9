"""Every format of a secret is hidden on its way, and comes back."""

from tests.integration.flow.world import World
from tests.integration.workers.canned import Canned
from tests.integration.workers.test_redaction import ONE, answering, provider, result_of
from tests.integration.workers.test_run import work
from tests.unit.context.leaks import SAMPLES
from workers.process import Process

__all__ = ["provider"]


async def test_every_format_is_hidden_on_its_way_and_comes_back(
    world: World, process: Process, provider: Canned
) -> None:
    content = "".join(f"# {at} {text}\n" for at, (_, text, _) in enumerate(SAMPLES))
    answering(
        provider,
        lambda prompt: (
            "All moved.\n\nold.txt\n<<<<<<< DELETE\n\nnew.txt\n<<<<<<< SEARCH\n=======\n"
            + prompt.partition('<file path="old.txt">\n')[2].partition("</file>")[0]
            + ">>>>>>> REPLACE\n"
        ),
    )
    files = [{"path": "old.txt", "content": content}]
    task_id = await world.submit(
        kind="fix_bug", context={"description": "Move it.", "files": files}, preferences=ONE
    )
    await work(process, task_id)
    result = await result_of(world, task_id)
    assert result["files"][0] | {"base_sha256": None} == {
        "path": "new.txt", "operation": "create", "base_sha256": None, "content": content,
    }  # fmt: skip
    asked = b"".join(provider.asked).decode()
    assert [rule for rule, _, secret in SAMPLES if secret in asked] == []
