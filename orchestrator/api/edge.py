"""The outermost layer, pure ASGI: request ids, security headers, figures, and what nobody caught.

Nothing passes it without an `X-Request-Id`, and no exception leaves it.
"""

import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestrator import clock, telemetry
from orchestrator.api.openai_errors import is_front
from orchestrator.api.problems import problem
from schemas.errors import OrchestratorError

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Edge:
    """Wraps the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passage = _Passage(scope, send)
        try:
            await self._app(scope, receive, passage.send)
        except Exception as error:  # noqa: BLE001 - the last one to see it: logged, answered, not raised
            telemetry.fault("http.fault", error, request_id=passage.request_id, path=scope["path"])
            if not passage.started:
                fault = OrchestratorError("Something went wrong here; it was logged.")
                await problem(scope, fault)(scope, receive, passage.send)


class _Passage:
    """One request on its way out."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._since = clock.monotonic()
        self.started = False
        self.request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = self.request_id

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._mark(MutableHeaders(scope=message))
            self._observe(message["status"])
        await self._send(message)

    def _mark(self, headers: MutableHeaders) -> None:
        headers["x-request-id"] = self.request_id
        headers["x-content-type-options"] = "nosniff"
        headers["referrer-policy"] = "no-referrer"
        if is_front(self._scope["path"]):
            headers["openai-processing-ms"] = str(int((clock.monotonic() - self._since) * 1000))
        headers.setdefault("cache-control", "no-store")
        headers.setdefault("content-security-policy", "default-src 'none'; frame-ancestors 'none'")

    def _observe(self, status: int) -> None:
        method = self._scope["method"] if self._scope["method"] in _METHODS else "other"
        route = getattr(self._scope.get("route"), "path", "unmatched")
        seconds = clock.monotonic() - self._since
        telemetry.REQUESTS.labels(method, route, str(status)).observe(seconds)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return bytes(value).decode("ascii")
    return str(clock.new_id())
