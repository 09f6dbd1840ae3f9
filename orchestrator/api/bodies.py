"""Read a request's body as strict JSON: size, type, depth, doubled keys, NUL and lone surrogates.

What Postgres can't store or two parsers could read differently is refused here, with the field's
path. The usual body pays for one pass of the parser; the walk through values happens only where the
bytes give reason.
"""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

from orchestrator.api.problems import invalid
from schemas.errors import FieldError, MalformedBody, PayloadTooLarge, UnsupportedMediaType

MAX_DEPTH: Final = 64
MAX_VALUES: Final = 100_000
LONGEST_SECONDS: Final = 60
_Path = tuple[str | int, ...]


class _Doubled(dict[str, Any]):
    """An object that gave a key twice."""

    key: str = ""


async def read_json(request: Request, most: int) -> Any:
    """The body's value. Raises the errors of this module's contract; at most `most` bytes are taken."""
    _refuse_other_types(request.headers.get("content-type"))
    _refuse_encoded(request.headers.get("content-encoding"))
    raw = await _read(request, most)
    value, doubled = _parse(raw)
    suspicious = b"\\u0000" in raw or b"\\ud" in raw or b"\\uD" in raw
    if suspicious or doubled or raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        errors = [error for error in map(_refusal, _walk(value)) if error]
        if errors:
            raise invalid(errors)
    return value


def _refuse_other_types(content_type: str | None) -> None:
    media, _, parameters = (content_type or "").partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if media.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        error = FieldError(
            field="Content-Type", message="Content-Type must be application/json", code="content_type"
        )
        raise UnsupportedMediaType(errors=(error,))


def _refuse_encoded(coding: str | None) -> None:
    if (coding or "").strip().lower() in ("", "identity"):
        return
    message = "Content-Encoding must be left out: bodies are not decompressed here"
    error = FieldError(field="Content-Encoding", message=message, code="content_encoding")
    raise UnsupportedMediaType(f"{message}.", errors=(error,))


async def _read(request: Request, most: int) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    chunks, size = [], 0
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise _too_large(most)
                chunks.append(chunk)
    except (ClientDisconnect, TimeoutError) as error:
        raise _malformed("it did not come to its end") from error
    return b"".join(chunks)


def _too_large(most: int) -> PayloadTooLarge:
    message = f"body must not be larger than {most} bytes"
    error = FieldError(field="body", message=message, code="too_large")
    return PayloadTooLarge(f"The {message}.", errors=(error,))


def _parse(raw: bytes) -> tuple[Any, bool]:
    doubled: list[_Doubled] = []

    def take(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        marked = _Doubled(value)
        marked.key = _first_doubled(pairs)
        doubled.append(marked)
        return marked

    try:
        return json.loads(raw.decode(), object_pairs_hook=take, parse_constant=_refuse_constant), bool(
            doubled
        )
    except UnicodeDecodeError as error:
        raise _malformed(f"it is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        what = error.msg[0].lower() + error.msg[1:]
        raise _malformed(f"{what} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise _malformed(f"it is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        raise _malformed("a number has too many digits") from error


def _refuse_constant(name: str) -> Any:
    raise _malformed(f"{name} is no JSON number")


def _malformed(what: str) -> MalformedBody:
    message = f"The body is not valid JSON: {what}."
    return MalformedBody(message, errors=(FieldError(field="body", message=message, code="malformed"),))


def _first_doubled(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    return ""


def _walk(value: Any) -> Iterator[tuple[_Path, Any]]:
    waiting: list[tuple[_Path, Any]] = [((), value)]
    taken = 0
    while waiting:
        taken += 1
        if taken + len(waiting) > MAX_VALUES:
            raise _malformed(f"it has more than {MAX_VALUES} values")
        path, value = waiting.pop()
        yield path, value
        if len(path) > MAX_DEPTH:
            return
        if isinstance(value, dict):
            waiting.extend(((*path, key), inner) for key, inner in value.items())
        elif isinstance(value, list):
            waiting.extend(((*path, index), inner) for index, inner in enumerate(value))


def _refusal(found: tuple[_Path, Any]) -> FieldError | None:
    path, value = found
    if len(path) > MAX_DEPTH:
        return _error(path[:4], f"is nested deeper than {MAX_DEPTH} levels", "too_deep")
    if isinstance(value, _Doubled):
        return _error((*path, value.key), "is given twice", "duplicate_key")
    if isinstance(value, str) and (what := _unstorable(value)):
        return _error(path, f"must not contain {what}", "unstorable_text")
    if path and isinstance(path[-1], str) and (what := _unstorable(path[-1])):
        return _error(path, f"must not have {what} in its name", "unstorable_text")
    return None


def _unstorable(text: str) -> str | None:
    if "\x00" in text:
        return "NUL characters"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "lone surrogates"
    return None


def _error(path: _Path, what: str, code: str) -> FieldError:
    dotted = ".".join(str(part) for part in path)
    field = dotted.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()[:200] or "body"
    return FieldError(field=field, message=f"{field} {what}", code=code)
