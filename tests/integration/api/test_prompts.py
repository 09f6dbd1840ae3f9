"""A tenant's own prompts over HTTP: kept when they can be used, and nobody else's."""

import pytest

from schemas.api import PromptPage, PromptView
from schemas.tasks import TaskKind
from tests.integration.api.visitor import Visitor

PROMPTS = "/api/v1/prompts"


async def put(caller: Visitor, name: str, template: str) -> tuple[int, dict[str, object]]:
    response = await caller.http.put(
        f"{PROMPTS}/{name}", json={"template": template}, headers={"Authorization": f"Bearer {caller.key}"}
    )
    return response.status_code, response.json()


async def delete(caller: Visitor, name: str) -> int:
    headers = {"Authorization": f"Bearer {caller.key}"}
    return (await caller.http.delete(f"{PROMPTS}/{name}", headers=headers)).status_code


async def test_a_prompt_of_ones_own_replaces_the_built_in_one_until_it_is_removed(
    caller: Visitor, stranger: Visitor
) -> None:
    page = PromptPage.model_validate_json((await caller.get(PROMPTS)).content)
    assert {each.name for each in page.data} == set(TaskKind) - {TaskKind.CHAT, TaskKind.EMBED}
    assert all(each.built_in for each in page.data)
    status, body = await put(caller, "fix_bug", "Mend {{ language }} with care.")
    assert (status, body["built_in"], body["template"]) == (200, False, "Mend {{ language }} with care.")
    mine = PromptView.model_validate_json((await caller.get(f"{PROMPTS}/fix_bug")).content)
    theirs = PromptView.model_validate_json((await stranger.get(f"{PROMPTS}/fix_bug")).content)
    assert (mine.built_in, theirs.built_in) == (False, True)
    assert mine.version != theirs.version
    assert (await put(caller, "fix_bug", "Mend it."))[1]["version"] != mine.version
    assert [await delete(caller, "fix_bug") for _ in range(2)] == [204, 404]
    assert (await caller.get(f"{PROMPTS}/fix_bug")).json()["built_in"] is True


@pytest.mark.parametrize(
    "text",
    ["{{ kind.x }}", "{% if %}", "", "x" * 20_001, "{{ nobody }}"],
    ids=["attribute", "broken", "empty", "long", "unknown"],
)
async def test_a_text_that_cannot_be_used_is_refused_with_its_field(caller: Visitor, text: str) -> None:
    status, body = await put(caller, "refactor", text)
    assert status == 422
    assert isinstance(body["errors"], list)
    assert body["errors"][0]["field"] == "template"


async def test_a_prompt_that_there_is_not_is_not_found(caller: Visitor) -> None:
    assert (await put(caller, "chat", "x"))[0] == 404
    assert (await caller.get(f"{PROMPTS}/dance")).status_code == 404
