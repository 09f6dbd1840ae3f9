"""The HTTP client that an own adapter is given: below its provider's address alone, bounded in size.

What can't be reached, or is too large, is a failure of the provider; `sent` tells whether anything left us.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import orjson

from orchestrator.adapters import ProviderFailed, Response
from orchestrator.catalogue.vendors import path_of
from orchestrator.http import transport
from orchestrator.http.transport import TransportError, never_connected
from orchestrator.wiring import Parts
from schemas.errors import Category
from schemas.providers import Provider
from workers.providers.base import CORRELATION_HEADER

_LINE_END: Final = b"\n"


class BoundedClient:
    """HTTP below one provider's address."""

    def __init__(self, parts: Parts, provider: Provider, call_id: str) -> None:
        self._client = parts.http.to(provider, private=parts.config.allow_private_providers)
        self._provider = provider
        self._most = parts.config.max_answer_bytes
        self._headers = {CORRELATION_HEADER: call_id, **provider.options.headers}
        self.sent = False

    async def request(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The whole response. Raises `ProviderFailed` if there is none, or if it is too large."""
        async with self.stream(method, path, json=json, headers=headers) as streamed:
            return await streamed.read()

    def stream(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> "AbstractAsyncContextManager[BoundedStream]":
        """The response, to be read while it comes. Raises `ProviderFailed` as `request` does."""
        content = None if json is None else orjson.dumps(json)
        kind = {} if content is None else {"Content-Type": "application/json"}
        given = {"Accept": "application/json", **kind, **self._headers, **(headers or {})}
        return self._opened(method, path, content, given)

    @asynccontextmanager
    async def _opened(
        self, method: str, path: str, content: bytes | None, headers: dict[str, str]
    ) -> "AsyncIterator[BoundedStream]":
        self.sent = True
        try:
            async with self._client.stream(
                method, path_of(self._provider, path), headers=headers, content=content
            ) as response:
                yield BoundedStream(response, self._most)
        except TransportError as error:
            unsent = never_connected(error)
            raise ProviderFailed(
                Category.CONNECT_ERROR if unsent else Category.TRUNCATED,
                f"{type(error).__name__}: {error}"[:500],
                may_be_billed=not unsent,
            ) from error


class BoundedStream:
    """A response while it comes; read it once, in one of the three ways."""

    def __init__(self, response: transport.Response, most: int) -> None:
        self._response, self._most = response, most
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes as they come. Raises `ProviderFailed` where they are too many."""
        read = 0
        async for chunk in self._response.aiter_bytes():
            read += len(chunk)
            if read > self._most:
                raise ProviderFailed(Category.MALFORMED, f"The answer is larger than {self._most} bytes.")
            yield chunk

    async def lines(self) -> AsyncIterator[str]:
        """Its lines as they are complete, without their ends. Raises `ProviderFailed`."""
        rest = bytearray()
        async for chunk in self.chunks():
            rest += chunk
            if _LINE_END in chunk:
                *complete, rest = rest.split(_LINE_END)
                for line in complete:
                    yield line.decode("utf-8", "replace").removesuffix("\r")
        if rest:
            yield rest.decode("utf-8", "replace")

    async def read(self) -> Response:
        """All of it. Raises `ProviderFailed`."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
        return Response(self.status, self.headers, bytes(body))
