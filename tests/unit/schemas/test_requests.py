"""Requests mean what they say: nothing is read as another type, and a webhook can be called and signed."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.tasks import TASK_REQUEST, TaskRequest

SECRET = "whsec_" + base64.b64encode(bytes(24)).decode()
FILES = [{"path": "a.py", "content": ""}]


def request(**fields: Any) -> TaskRequest:
    body = {"kind": "fix_bug", "context": {"description": "d", "files": FILES}} | fields
    return TASK_REQUEST.validate_python(body)


def hook(url: str = "https://example.com/hook", secret: str = SECRET) -> TaskRequest:
    return request(preferences={"webhook": {"url": url, "secret": secret}})


@pytest.mark.parametrize("given", [True, "1", "1.0", [1], {}])
@pytest.mark.parametrize("name", ["temperature", "max_tokens", "max_attempts", "timeout_seconds"])
def test_a_number_is_a_number(name: str, given: object) -> None:
    with pytest.raises(ValidationError) as raised:
        request(preferences={name: given})
    assert raised.value.errors()[0]["loc"][-1] == name


@pytest.mark.parametrize("given", [True, "1"])
def test_a_number_of_a_context_is_a_number(given: object) -> None:
    for context in ({"estimated_complexity": given}, {"constraints": {"max_files": given}}):
        with pytest.raises(ValidationError):
            request(context={"description": "d", "files": FILES} | context)
    with pytest.raises(ValidationError):
        TASK_REQUEST.validate_python(
            {"kind": "review", "context": {"diff": "@@ -1 +1 @@\n", "max_findings": given}}
        )


def test_a_whole_number_is_also_a_temperature() -> None:
    assert request(preferences={"temperature": 1}).preferences.temperature == 1


@pytest.mark.parametrize("given", [True, 1893456000, 1.5, "1893456000", "2030-01-01"])
@pytest.mark.parametrize("name", ["run_at", "deadline"])
def test_a_time_is_written_out(name: str, given: object) -> None:
    with pytest.raises(ValidationError, match="RFC 3339"):
        request(**{name: given})


def test_a_time_may_be_written_or_be_one() -> None:
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    assert request(run_at="2030-01-01T00:00:00Z").run_at == request(run_at=moment).run_at == moment


def test_a_stored_request_is_read_back_as_it_was() -> None:
    whole = request(
        run_at="2030-01-01T00:00:00Z",
        preferences={
            "temperature": 1,
            "max_tokens": 5,
            "verification_level": "parsed",
            "webhook": {"url": "https://example.com/", "secret": SECRET},
        },
    )
    assert TASK_REQUEST.validate_json(whole.model_dump_json()) == whole


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "http://127.0.0.1:8080/hook?a=b&c=%20#d",
        "http://[::1]:65535/",
        "https://xn--bcher-kva.example./a@b",
        "http://my_service:/x",
        "https://example.com/ü",
    ],
)
def test_an_address_that_can_be_called_is_taken(url: str) -> None:
    webhook = hook(url).preferences.webhook
    assert webhook is not None
    assert webhook.url == url


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://example.com/", "http:// or https://"),
        ("http://[::1", "such as https://example.com/hook"),
        ("http://[::1]x/", "such as|port"),
        ("http://[fe80::1%eth0]/", "IPv6|zone|such as"),
        ("http://[v1.x]/", "IPv6"),
        ("http://x:99999/", "port from 1 to 65535"),
        ("http://x:0/", "port from 1 to 65535"),
        ("http://x:-1/", "port from 1 to 65535"),
        ("http://x:١/", "port from 1 to 65535"),
        ("http:///x", "name a host"),
        ("http://", "name a host"),
        ("http://:80/", "name a host"),
        ("http://a b/", "spaces"),
        ("http://a/\r\nX: y", "spaces or control characters"),
        ("http://a/\x7f", "control characters"),
        ("http://user:password@example.com/", "user name"),
        ("http://@example.com/", "user name"),
        ("http://bücher.example/", "xn--"),
        ("http://a..b/", "host"),
        ("http://a\\b/", "host"),
        (f"http://{'a' * 64}/", "63"),
        (f"http://{'a.' * 200}/", "host"),
        (f"http://a/{'a' * 2048}", "2048"),
    ],
)
def test_an_address_that_cannot_be_called_is_refused_with_what_would_be_right(url: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told) as raised:
        hook(url)
    assert raised.value.errors()[0]["loc"][-1] == "url"


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_of_24_to_64_bytes_is_taken(length: int) -> None:
    secret = "whsec_" + base64.b64encode(bytes(length)).decode()
    assert hook(secret=secret).preferences.webhook is not None


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_" + "=" * 32,
        "whsec_" + "A" * 33,
        "whsec_" + "A" * 31 + "-",
        "whsec_" + "é" * 32,
        base64.b64encode(bytes(24)).decode(),
    ],
)
def test_a_secret_that_is_none_is_refused_with_its_form(secret: str) -> None:
    with pytest.raises(ValidationError, match="24 to 64 random bytes in base64"):
        hook(secret=secret)
