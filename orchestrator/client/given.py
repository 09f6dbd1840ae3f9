"""What a caller gives, checked before anything is sent: the address, the key, ids, text.

A mistake made here is said here, as `Unsendable`, and never becomes another request than was meant.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit
from uuid import UUID

import httpx
from pydantic import BaseModel

from orchestrator.client.errors import Unsendable
from orchestrator.client.replies import Task

TaskRef = Task | UUID | str

_HOST: Final = re.compile(r"[^\s/\\%@]+")
_LONGEST_KEY: Final = 255
_AROUND: Final = 20


def address(base_url: str) -> str:
    """The address of the API without a slash at its end."""
    try:
        parts = urlsplit(base_url)
        fits = parts.scheme in ("http", "https") and parts.port != 0 and not (parts.query or parts.fragment)
        host = parts.hostname or ""
        httpx.URL(base_url)
    except (ValueError, httpx.InvalidURL) as error:
        raise Unsendable(f"{base_url!r} is no address: {error}") from error
    if not (fits and _HOST.fullmatch(host) and base_url.isprintable()):
        raise Unsendable(f"{base_url!r} is no address: it must look like http://127.0.0.1:8000")
    return base_url.rstrip("/")


def api_key(key: str) -> str:
    """A key that a header can carry; the error does not repeat it."""
    if not _visible(key):
        raise Unsendable("the API key must be visible ASCII characters, as `orc_live_…` is")
    return key


def idempotency_key(key: str) -> str:
    """An Idempotency-Key as the API takes it."""
    if not (_visible(key) and len(key) <= _LONGEST_KEY):
        raise Unsendable(
            f"{key!r} is no Idempotency-Key: it must be 1 to {_LONGEST_KEY} visible ASCII characters"
        )
    return key


def task_path(task: TaskRef) -> str:
    """The address of a task below the API's."""
    reference = task.id if isinstance(task, Task) else task
    try:
        return f"/tasks/{reference if isinstance(reference, UUID) else UUID(reference)}"
    except (ValueError, AttributeError, TypeError) as error:
        raise Unsendable(f"{reference!r} is no task id: it must be a UUID") from error


def part(reference: UUID | str) -> str:
    """One part of an address; whatever stands in it stays one part."""
    return quote(str(reference).encode("utf-8", "replace"), safe="").replace(".", "%2E")


def query(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The query parameters that were given, fit to be sent."""
    given = {name: value for name, value in (params or {}).items() if value is not None}
    for name, value in given.items():
        for each in value if isinstance(value, list | tuple) else [value]:
            _encoded(str(each), name)
    return given


def body(request: Mapping[str, Any] | BaseModel) -> bytes:
    """A request as JSON."""
    plain = (
        request.model_dump(mode="json", exclude_unset=True)
        if isinstance(request, BaseModel)
        else dict(request)
    )
    try:
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise Unsendable(f"the request can't be written as JSON: {error}") from error
    return _encoded(text, "the request")


def _encoded(text: str, where: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        near = text[max(0, error.start - _AROUND) : error.end + _AROUND]
        raise Unsendable(f"{where} has bytes that are no UTF-8 text: {near!a}") from error


def _visible(key: str) -> bool:
    return key != "" and all("!" <= char <= "~" for char in key)
