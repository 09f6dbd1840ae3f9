"""What a caller can get wrong, and answers of other servers: typed errors, and nothing sent by mistake."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from orchestrator import client as sdk
from tests.unit.client.scripted import TASK_ID, api, ok

NO_TEXT = "a\udcffb"
REQUEST = {"kind": "generate_code", "context": {"description": "a parser"}}


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://[::1]x",
        "http://x:99999",
        "http://x:0",
        "http://x:y",
        "http://",
        "http:///x",
        "http://a b",
        "http://a\nb",
        "http://\udcff",
        "http://é..com",
        "http://user@",
        "http://x/?a=b",
        "localhost:8000",
        "ftp://x",
        "",
    ],
)
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(sdk.Unsendable, match="is no address"):
        sdk.Client(url)


@pytest.mark.parametrize("url", ["http://[::1]:8000/", "https://bücher.example/below", "http://127.0.0.1:1"])
def test_an_address_may_have_any_host_and_a_path(url: str) -> None:
    sdk.Client(url).close()


@pytest.mark.parametrize("key", ["é", "a b", "a\nX: y", "\udcff"])
def test_an_api_key_that_no_header_can_carry_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(sdk.Unsendable, match="visible ASCII") as raised:
        sdk.Client("http://x", key)
    assert key not in str(raised.value)


@pytest.mark.parametrize("key", ["é", "", "a b", "a\r\nX: y", "x" * 256])
def test_an_idempotency_key_that_the_api_would_refuse_is_not_sent(key: str) -> None:
    server = api(ok(status=202))
    with pytest.raises(sdk.Unsendable, match="Idempotency-Key"):
        server.client().submit(REQUEST, idempotency_key=key)
    with pytest.raises(sdk.Unsendable, match="Idempotency-Key"):
        server.client().retry(TASK_ID, idempotency_key=key)
    assert server.paths == []


@pytest.mark.parametrize("reference", ["stats", "../../../readyz", "", "..", "a/b?c", NO_TEXT, None, 7])
@pytest.mark.parametrize("method", ["get", "status", "result", "calls", "cancel", "retry", "wait"])
def test_an_id_that_is_no_uuid_never_becomes_a_request(method: str, reference: Any) -> None:
    server = api(ok())
    with pytest.raises(sdk.Unsendable, match="is no task id"):
        getattr(server.client(), method)(reference)
    assert server.paths == []


@pytest.mark.parametrize("method", ["events", "stream"])
def test_an_id_that_is_no_uuid_has_no_events(method: str) -> None:
    events: Iterator[sdk.Event] = getattr(api(ok()).client(), method)("stats")
    with pytest.raises(sdk.Unsendable, match="'stats' is no task id"):
        next(events)


def test_an_id_may_be_a_uuid_or_any_spelling_of_one() -> None:
    server = api(ok())
    for reference in (UUID(TASK_ID), TASK_ID.upper(), server.client().get(TASK_ID)):
        server.client().get(reference)
    assert set(server.paths) == {f"GET /api/v1/tasks/{TASK_ID}"}


def test_text_that_is_no_unicode_is_named_and_not_sent() -> None:
    server = api(ok())
    with pytest.raises(sdk.Unsendable, match=r"the request has bytes that are no UTF-8 text: .*udcff"):
        server.client().submit({"kind": "generate_code", "context": {"description": NO_TEXT}})
    with pytest.raises(sdk.Unsendable, match="label has bytes"):
        server.client().list(label=[NO_TEXT])
    assert server.paths == []


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_a_request_that_is_no_json_is_not_sent(value: object) -> None:
    server = api(ok())
    with pytest.raises(sdk.Unsendable, match="can't be written as JSON"):
        server.client().validate({"kind": value})
    assert server.paths == []


ASKED: list[Callable[[sdk.Client], object]] = [
    lambda client: client.get(TASK_ID),
    lambda client: client.calls(TASK_ID),
    lambda client: client.wait(TASK_ID),
    lambda client: client.list(),
    lambda client: client.submit(REQUEST),
    lambda client: list(client.events(TASK_ID)),
]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>a router</html>"),
        httpx.Response(200, json=["a", "list"]),
        httpx.Response(200, json={"data": [7], "id": 7}),
        httpx.Response(302, headers={"Location": "/login"}),
        httpx.Response(200, content=b"\xff"),
    ],
    ids=["a page", "a list", "another object", "a redirect", "no text"],
)
@pytest.mark.parametrize("asked", ASKED)
def test_another_servers_answer_is_said_to_be_one(
    asked: Callable[[sdk.Client], object], answer: httpx.Response
) -> None:
    with pytest.raises(sdk.Unreadable, match="no Orchestrator of this version"):
        asked(api(answer).client())


def test_an_answer_that_is_packed_wrongly_is_unreadable() -> None:
    broken = httpx.DecodingError("incorrect header check")
    with pytest.raises(sdk.Unreadable, match="can't be decoded"):
        api(broken).client().get(TASK_ID)
