"""An API that answers from a script and remembers what it was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from orchestrator.client import Client, Patience

TASK_ID = "01a1fa51-85bd-708a-bc72-e058f7ed41a1"
Answer = httpx.Response | Exception


@dataclass
class Api:
    """Answers the requests in order; the last answer is repeated. `slept` is what the client waited."""

    answers: list[Answer]
    requests: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        answer.request = request
        return answer

    def client(self, api_key: str | None = "orc_live_test", tries: int = 4) -> Client:
        patience = Patience(tries=tries, sleep=self.slept.append)
        return Client("http://api.test", api_key, patience=patience, transport=httpx.MockTransport(self))

    @property
    def paths(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


def api(*answers: Answer) -> Api:
    return Api(list(answers))


def ok(body: Any = None, status: int = 200, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=task() if body is None else body, headers=named)


def task(status: str = "queued", **fields: Any) -> dict[str, Any]:
    return {"id": TASK_ID, "kind": "generate_code", "status": status} | fields


def problem(status: int, code: str, detail: str = "It can't be done.", **fields: Any) -> httpx.Response:
    body = {"title": code, "status": status, "code": code, "detail": detail, "request_id": "r-1"}
    headers = {"Retry-After": str(fields.pop("retry_after"))} if "retry_after" in fields else {}
    return httpx.Response(status, json=body | fields, headers=headers)


def refusing() -> Callable[[httpx.Request], httpx.Response]:
    """An API that nobody runs."""

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    return answer
