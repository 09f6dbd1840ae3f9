"""An answer's body as what was asked for; anything else (a proxy's page, another program) is `Unreadable`."""

from collections.abc import Callable
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from orchestrator.client.errors import Unreadable
from orchestrator.client.replies import Event, Page, Reply, page

R = TypeVar("R", bound=Reply)
T = TypeVar("T")


def read(kind: type[R], response: httpx.Response) -> R:
    """The one reply in a response."""
    return _fitting(response, lambda: kind.read(_object(response.json())))


def read_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in a response, as it is."""
    return _fitting(response, lambda: _object(response.json()))


def read_page(kind: type[R], response: httpx.Response) -> Page[R]:
    """The page in a response."""
    return _fitting(response, lambda: page(kind, _object(response.json())))


def read_event(response: httpx.Response, data: str) -> Event:
    """The event in a message of a stream."""
    return _fitting(response, lambda: Event.read(_object(httpx.Response(200, text=data).json())))


def _fitting(response: httpx.Response, taken: Callable[[], T]) -> T:
    try:
        return taken()
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"]))
        raise Unreadable(_said(response, f"{where}: {fault['msg']}")) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise Unreadable(_said(response, str(error))) from error


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise TypeError("it is no JSON object")
    return body


def _said(response: httpx.Response, why: str) -> str:
    request = response.request
    return (
        f"{request.method} {request.url} was answered with HTTP {response.status_code} "
        f"and something that no Orchestrator of this version says: {why}"
    )
