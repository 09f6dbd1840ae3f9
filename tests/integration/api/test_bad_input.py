"""Whatever is wrong with a request: a problem that names the field, and nothing stored."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from orchestrator.api import bodies
from orchestrator.api.app import openapi_document
from schemas.api import Problem
from tests.integration.api.visitor import BODY, DIFF, TASKS, Visitor

DEEP = b"[" * 10_000 + b"]" * 10_000


def body(**fields: Any) -> bytes:
    return json.dumps(BODY | fields).encode()


ROWS: dict[str, tuple[bytes, int, str]] = {
    "an unknown field": (body(contxt={}), 422, "contxt"),
    "an unknown field inside": (body(preferences={"modell": "x"}), 422, "preferences.modell"),
    "an unknown kind": (body(kind="dance"), 422, "kind"),
    "a kind that is no text": (body(kind=["x"]), 422, "kind"),
    "neither kind nor context": (b'{"preferences": {}}', 422, "kind"),
    "no context": (b'{"kind": "generate_code"}', 422, "context"),
    "an empty description": (body(context={"description": ""}), 422, "context.description"),
    "an unknown provider": (body(preferences={"providers": ["nobody"]}), 422, "preferences.providers"),
    "an empty diff": (body(kind="review_code", context={"diff": " "}), 422, "context.diff"),
    "a diff that is none": (body(kind="review_code", context={"diff": "hello"}), 422, "context.diff"),
    "a path outside the tree": (
        body(kind="fix_bug", context={"description": "x", "files": [{"path": "../a", "content": ""}]}),
        422,
        "context.files.0.path",
    ),
    "a path given twice": (
        body(kind="fix_bug", context={"description": "x", "files": [{"path": "a", "content": ""}] * 2}),
        422,
        "context",
    ),
    "a level that the kind has not": (
        body(preferences={"verification_level": "anchored"}),
        422,
        "preferences.verification_level",
    ),
    "a deadline that has passed": (body(deadline="2020-01-01T00:00:00Z"), 422, "deadline"),
    "a start beyond all plans": (
        body(run_at="9999-12-31T23:59:59Z", deadline="9999-12-31T23:59:59.5Z"),
        422,
        "run_at",
    ),
    "a time without a zone": (body(run_at="2030-01-01T00:00:00"), 422, "run_at"),
    "a time in seconds": (body(run_at=1893456000), 422, "run_at"),
    "a truth for a number": (body(preferences={"max_attempts": True}), 422, "preferences.max_attempts"),
    "a text for a number": (body(preferences={"temperature": "1"}), 422, "preferences.temperature"),
    "a webhook without a host": (
        body(preferences={"webhook": {"url": "http:///x", "secret": "whsec_" + "A" * 32}}),
        422,
        "preferences.webhook.url",
    ),
    "a webhook's secret that is too short": (
        body(preferences={"webhook": {"url": "https://example.com/", "secret": "whsec_AAAA"}}),
        422,
        "preferences.webhook.secret",
    ),
    "a huge integer": (body(preferences={"max_tokens": 10**400}), 422, "preferences.max_tokens"),
    "a list": (b"[]", 422, "body"),
    "nothing": (b"", 400, "body"),
    "half an object": (b'{"kind": ', 400, "body"),
    "bytes that are no UTF-8": (b'{"kind": "\xff"}', 400, "body"),
    "a number that is none": (b'{"kind": NaN}', 400, "body"),
    "an integer of too many digits": (b'{"kind": ' + b"1" * 5000 + b"}", 400, "body"),
    "10,000 levels": (DEEP, 400, "body"),
    "100 levels": (b'{"kind": ' + b"[" * 100 + b"]" * 100 + b"}", 422, "kind.0.0.0"),
    "a million values": (b"[" + b"[]," * 150_000 + b"[]]", 400, "body"),
    "a doubled key": (b'{"kind": "generate_code", "kind": "fix_bug"}', 422, "kind"),
    "a doubled key inside": (
        b'{"kind": "generate_code", "context": {"description": "a", "description": "b"}}',
        422,
        "context.description",
    ),
    "a NUL character": (body(context={"description": "a\x00b"}), 422, "context.description"),
    "a NUL in a key": (body(metadata={"a\x00": "b"}), 422, "metadata.a\\u0000"),
    "a lone surrogate": (
        b'{"kind": "generate_code", "context": {"description": "a\\ud800b"}}',
        422,
        "context.description",
    ),
    "a lone surrogate in a key": (b'{"kind": "generate_code", "\\uDFFF": 1}', 422, "\\udfff"),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
async def test_the_problem_names_the_field_and_nothing_is_stored(
    caller: Visitor, row: tuple[bytes, int, str]
) -> None:
    content, status, field = row
    response = await caller.post_raw(content)
    problem = Problem.model_validate_json(response.content)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status_code, problem.status) == (status, status)
    assert field in [error.field for error in problem.errors]
    assert all(error.message and error.code for error in problem.errors)
    assert await caller.stored() == 0


async def test_what_looks_suspicious_but_is_right_is_accepted(caller: Visitor) -> None:
    text = "a pair \\ud83d\\ude00, an escaped \\\\u0000, brackets " + "[{" * 50
    content = b'{"kind": "generate_code", "context": {"description": "' + text.encode() + b'"}}'
    assert (await caller.post_raw(content)).status_code == 202


async def test_an_unknown_field_is_told_what_it_may_have_meant(caller: Visitor) -> None:
    response = await caller.post_raw(body(preferences={"max_token": 1}))
    message = response.json()["errors"][0]["message"]
    assert "did you mean 'max_tokens'" in message
    assert "temperature" in message


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/json; charset=latin-1", ""])
async def test_another_content_type_is_a_415(caller: Visitor, kind: str) -> None:
    response = await caller.post_raw(body(), Content_Type=kind)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.errors[0].field) == (415, "Content-Type")
    assert await caller.stored() == 0


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
async def test_a_content_encoding_is_a_415_that_names_it(caller: Visitor, coding: str) -> None:
    response = await caller.post_raw(body(), Content_Encoding=coding)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.errors[0].field) == (415, "Content-Encoding")
    assert await caller.stored() == 0


async def test_a_body_that_is_said_to_be_plain_is_taken(caller: Visitor) -> None:
    assert (await caller.post_raw(body(), Content_Encoding="identity")).status_code == 202


async def test_a_body_of_20_mb_is_refused_by_its_announced_length(caller: Visitor) -> None:
    response = await caller.post_raw(b" " * 20_000_000)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.errors[0].field) == (413, "body")
    assert await caller.stored() == 0


async def test_a_body_that_does_not_say_its_length_is_counted_as_it_comes(caller: Visitor) -> None:
    async def stream() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 1_000_000

    headers = {"Authorization": f"Bearer {caller.key}", "Content-Type": "application/json"}
    response = await caller.http.post(TASKS, content=stream(), headers=headers)
    assert response.status_code == 413
    assert await caller.stored() == 0


async def test_a_body_that_never_ends_is_given_up(caller: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LONGEST_SECONDS", 0.05)

    async def stalling() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"Authorization": f"Bearer {caller.key}", "Content-Type": "application/json"}
    response = await caller.http.post(TASKS, content=stalling(), headers=headers)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "body")


@pytest.mark.parametrize("path", ["", "/status", "/result", "/calls", "/events"])
async def test_a_malformed_task_id_is_named(caller: Visitor, path: str) -> None:
    response = await caller.get(f"{TASKS}/not-a-uuid{path}")
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.errors[0].field) == (422, "task_id")


@pytest.mark.parametrize("key", [b"", b"a b", b"\xfc", b"x" * 256])
async def test_a_bad_idempotency_key_is_named(caller: Visitor, key: bytes) -> None:
    headers = [(b"Authorization", f"Bearer {caller.key}".encode()), (b"Idempotency-Key", key)]
    response = await caller.http.post(TASKS, json=BODY, headers=headers)
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.errors[0].field) == (422, "Idempotency-Key")
    assert await caller.stored() == 0


async def test_a_shortcut_refuses_another_kind(caller: Visitor) -> None:
    response = await caller.post(f"{TASKS}/fix-bug", json={"kind": "review_code", "context": {"diff": DIFF}})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "kind")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("stauts=failed", "stauts"),
        ("status=lost", "status.0"),
        ("limit=many", "limit"),
        ("cursor=!!", "cursor"),
        ("ids=1,2", "ids"),
        ("include=secrets", "include"),
        ("created_after=yesterday", "created_after"),
        ("user_id=%00", "user_id"),
    ],
)
async def test_a_filter_that_is_not_understood_is_refused(caller: Visitor, query: str, field: str) -> None:
    response = await caller.get(f"{TASKS}?{query}")
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == field


EVERY_DOOR = sorted(
    (method, path) for path, methods in openapi_document()["paths"].items() for method in methods
)
FRONT = [(method, path) for method, path in EVERY_DOOR if path.startswith("/openai/")]
DOORS = [door for door in EVERY_DOOR if door not in FRONT]


@pytest.mark.parametrize(("method", "path"), DOORS)
async def test_a_query_parameter_that_nobody_knows_is_refused(
    caller: Visitor, method: str, path: str
) -> None:
    nothing = UUID(int=0)
    address = path.format(
        task_id=nothing, budget_id=nothing, check_id=nothing, gate_id="circuit.none", kind="fix_bug",
        name="none", template="openai",
    )  # fmt: skip
    headers = {"Authorization": f"Bearer {caller.key}"}
    sent = BODY if method == "post" else None
    response = await caller.http.request(
        method, f"{address}?%66oo=1&foo=2&b%C3%A4r", headers=headers, json=sent
    )
    problem = Problem.model_validate_json(response.content)
    assert (response.status_code, problem.code) == (422, "invalid_request")
    assert [error.field for error in problem.errors] == ["foo", "bär"]
    assert {error.code for error in problem.errors} == {"unknown_parameter"}
    assert await caller.stored() == 0


@pytest.mark.parametrize(("method", "path"), FRONT)
async def test_the_front_refuses_such_a_parameter_in_openais_shape(
    caller: Visitor, method: str, path: str
) -> None:
    headers = {"Authorization": f"Bearer {caller.key}"}
    sent = BODY if method == "post" else None
    response = await caller.http.request(method, f"{path}?foo=2", headers=headers, json=sent)
    error = response.json()["error"]
    assert (response.status_code, error["param"], error["code"]) == (400, "foo", "unknown_parameter")
    assert await caller.stored() == 0


async def test_a_misspelt_dry_run_submits_nothing_and_is_told_its_name(caller: Visitor) -> None:
    response = await caller.post(f"{TASKS}?validate-only=true", json=BODY)
    problem = Problem.model_validate_json(response.content)
    assert "did you mean 'validate_only'?" in problem.detail
    assert "known are include, validate_only" in problem.detail
    assert await caller.stored() == 0


async def test_an_address_that_takes_no_parameter_says_so(caller: Visitor) -> None:
    response = await caller.get(f"{TASKS}/stats?status=queued")
    assert response.json()["detail"] == ("there is no query parameter 'status'; this address takes none")
