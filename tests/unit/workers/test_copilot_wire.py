"""GitHub's API as the wire speaks it: requests as documented, replies and errors as they are meant."""

from pathlib import Path
from uuid import UUID

import orjson
import pytest
import yaml
from pydantic import ValidationError

from orchestrator.catalogue.credits import cost_of
from schemas.copilot import CopilotOptions
from schemas.errors import Category
from schemas.tasks import TaskKind
from workers.context import Message
from workers.providers import copilot
from workers.providers.copilot import GitHub, failure_of

ID = UUID("01890000-0000-7000-8000-000000000001")
OPTIONS = CopilotOptions.model_validate({"repository": "acme/shop"})
GITHUB = GitHub(OPTIONS, "token")


def test_an_event_is_what_github_documents() -> None:
    request = GITHUB.dispatch(ID, TaskKind.FIX_BUG, None, "mend it")
    assert (request.method, request.path) == ("POST", "/repos/acme/shop/dispatches")
    assert request.headers["Authorization"] == "Bearer token"
    body = orjson.loads(request.body or b"")
    assert body["event_type"] == "copilot-generation"
    assert len(body["client_payload"]) <= 10
    assert body["client_payload"]["correlation_id"] == str(ID)
    assert body["client_payload"]["branch"] == "ai-automation"


def test_an_agent_task_carries_its_correlation_id_in_its_prompt() -> None:
    body = orjson.loads(GITHUB.start_agent(ID, "main", "mend it", "gpt-5.4").body or b"")
    assert body["prompt"].endswith(str(ID))
    assert (body["base_ref"], body["model"], body["create_pull_request"]) == ("main", "gpt-5.4", True)
    assert "model" not in orjson.loads(GITHUB.start_agent(ID, "main", "x", "auto").body or b"")


def test_a_prompt_holds_every_message() -> None:
    told = copilot.prompt_of((Message("system", "S"), Message("assistant", "A"), Message("user", "U")))
    assert told.index("S") < told.index("A") < told.index("U")


def test_a_run_is_found_by_its_name_and_by_nothing_else() -> None:
    other = {"id": 1, "name": "x", "display_title": "x", "status": "queued"}
    ours = {"id": 2, "name": "Copilot", "display_title": f"Copilot {ID}", "status": "queued"}
    found = copilot.found_runs(orjson.dumps({"workflow_runs": [other, ours]}), ID)
    assert [(run.id, run.result) for run in found] == [("2", None)]
    assert copilot.found_runs(orjson.dumps({"workflow_runs": [other]}), ID) == ()


def test_a_prompts_size_is_what_it_takes_in_the_event() -> None:
    assert copilot.size_of("a\n" * 10) == 2 + 30
    assert copilot.size_of("ü") == 4


@pytest.mark.parametrize(
    ("conclusion", "result"),
    [("success", "success"), ("failure", "failed"), ("cancelled", "cancelled"), ("timed_out", "timed_out")],
)
def test_a_run_ends_as_its_conclusion_says(conclusion: str, result: str) -> None:
    run = {"id": 1, "status": "completed", "conclusion": conclusion}
    assert copilot.read_run(orjson.dumps(run)).result == result


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"workflow_runs": 1}', b'{"workflow_runs": [1]}'])
def test_another_shape_is_an_error_and_no_absence(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"GitHub|Input"):
        copilot.found_runs(body, ID)


def test_credits_are_summed_only_if_all_sessions_tell_of_them() -> None:
    told = {"usage": {"type": "ai_credits", "amount": 1_500_000_000}}
    assert (
        copilot.read_agent_task(orjson.dumps({"id": "a", "sessions": [told, told]})).nano_credits == 3 * 10**9
    )
    run = copilot.read_agent_task(orjson.dumps({"id": "a", "sessions": [told, {}]}))
    assert (run.nano_credits, run.told_usage) == (None, True)


def test_a_credit_is_a_cent_and_parts_are_rounded_up() -> None:
    assert cost_of(10**9).nanos == 10_000_000
    assert cost_of(1).nanos == 1
    assert cost_of(0).nanos == 0


@pytest.mark.parametrize(
    ("status", "headers", "message", "category", "wait"),
    [
        (401, {}, "Bad credentials", Category.UNAUTHORIZED, None),
        (403, {}, "Resource not accessible", Category.UNAUTHORIZED, None),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1060"}, "", Category.RATE_LIMITED, 60.0),
        (403, {}, "You have exceeded a secondary rate limit", Category.RATE_LIMITED, 60.0),
        (429, {"retry-after": "7"}, "", Category.RATE_LIMITED, 7.0),
        (404, {}, "Not Found", Category.MODEL_NOT_FOUND, None),
        (422, {}, "Validation Failed", Category.BAD_REQUEST, None),
        (500, {}, "", Category.SERVER_ERROR, None),
        (503, {}, "", Category.OVERLOADED, None),
    ],
)
def test_errors_mean_what_github_says_they_mean(
    status: int, headers: dict[str, str], message: str, category: Category, wait: float | None
) -> None:
    failure = failure_of(status, headers, orjson.dumps({"message": message}), 1000.0)
    assert (failure.category, failure.retry_after, failure.http_status) == (category, wait, status)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"repository": "shop"},
        {"repository": "acme/.."},
        {"repository": "acme/shop/more"},
        {"repository": "acme/shop", "workflow": "../x.yml"},
        {"repository": "acme/shop", "timeout_minutes": 0},
        {"repository": "acme/shop", "colour": "red"},
    ],
)
def test_bad_options_are_refused_by_field(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CopilotOptions.model_validate(wrong)


def test_the_shipped_workflow_keeps_its_half_of_the_contract() -> None:
    text = (Path(__file__).parents[3] / "docs/examples/copilot-generation.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert "client_payload.correlation_id" in workflow["run-name"]
    assert workflow[True] == {"repository_dispatch": {"types": [copilot.EVENT]}}
    steps = workflow["jobs"]["answer"]["steps"]
    assert all("${{" not in step.get("run", "") for step in steps), "a payload in a script is an injection"
    upload = next(step for step in steps if "upload-artifact" in step.get("uses", ""))
    assert upload["with"]["name"] == copilot.ARTIFACT
    assert any(f"/{copilot.ANSWER_FILES[0]}" in step.get("run", "") for step in steps)
    sent = orjson.loads(GITHUB.dispatch(ID, TaskKind.FIX_BUG, None, "x").body or b"")["client_payload"]
    used = {part.split(" ")[0].rstrip("}") for part in text.split("client_payload.")[1:]}
    assert used <= set(sent)
