"""Query parameters: one that an address does not know is refused, never ignored.

A misspelt `validate_only` must not submit a task. What an address knows is what its document says;
without a query string there is nothing to do.
"""

import difflib
from copy import copy
from typing import Final
from urllib.parse import parse_qsl

from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Cookie, Header, Path
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.api.problems import invalid
from schemas.errors import FieldError

_LONGEST: Final = 100


def strict(route: BaseRoute) -> BaseRoute:
    """The same route, with the query parameters it knows and no others."""
    if not isinstance(route, APIRoute):
        return route
    found = get_flat_params(route.dependant)
    known = [each.alias for each in found if not isinstance(each.field_info, Path | Header | Cookie)]
    guarded = copy(route)
    guarded.app = _Strict(route.app, tuple(sorted(known)))
    return guarded


class _Strict:
    """Asks an endpoint only what it knows."""

    def __init__(self, app: ASGIApp, known: tuple[str, ...]) -> None:
        self._app = app
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if query := scope.get("query_string"):
            given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
            unknown = dict.fromkeys(name for name, _ in given if name not in self._known)
            if unknown:
                raise invalid([self._complaint(name[:_LONGEST]) for name in unknown])
        await self._app(scope, receive, send)

    def _complaint(self, name: str) -> FieldError:
        near = difflib.get_close_matches(name, self._known, n=1)
        meant = f" (did you mean {near[0]!r}?)" if near else ""
        known = f"known are {', '.join(self._known)}" if self._known else "this address takes none"
        message = f"there is no query parameter {name!r}{meant}; {known}"
        return FieldError(field=name, message=message, code="unknown_parameter")
