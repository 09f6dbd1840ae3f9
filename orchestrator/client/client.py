"""The client: one method for each thing the API does.

A submit carries an Idempotency-Key made here, so repeating it can't make a second task.
"""

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID, uuid4

import httpx
from pydantic import BaseModel

from orchestrator.client import errors, given
from orchestrator.client.answers import read, read_event, read_object, read_page
from orchestrator.client.experiments import ExperimentCalls
from orchestrator.client.given import TaskRef, task_path
from orchestrator.client.looking import Look
from orchestrator.client.providers import ProviderCalls
from orchestrator.client.replies import (
    Budget,
    Call,
    CircuitBreaker,
    Config,
    Event,
    Page,
    Reply,
    Route,
    Task,
    TaskRoute,
)
from orchestrator.client.sending import Patience, Sender, refused
from orchestrator.client.sse import messages

LONGEST_WAIT: Final = 30
"""Seconds one request asks the server to hold its answer; below what proxies cut off."""
_STREAM_IDLE: Final = 60.0


class Client(ExperimentCalls, ProviderCalls):
    """A connection to the API under `base_url`, as the holder of `api_key`."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None = None,
        *,
        timeout: float = 30.0,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        headers = {"User-Agent": "orchestrator-python"}
        if api_key:
            headers["Authorization"] = f"Bearer {given.api_key(api_key)}"
        self._http = httpx.Client(
            base_url=f"{given.address(base_url)}/api/v1",
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=5.0),
            transport=transport,
            trust_env=False,
        )
        self._patience = patience or Patience()
        self._sender = Sender(self._http, self._patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def submit(self, request: Mapping[str, Any] | BaseModel, *, idempotency_key: str | None = None) -> Task:
        """Submit a task; when this returns it is stored and will reach an end."""
        key = _key(idempotency_key)
        return read(Task, self._sender.send("POST", "/tasks", content=given.body(request), headers=key))

    def validate(self, request: Mapping[str, Any] | BaseModel) -> Reply:
        """Where the task would go and what it would cost; stores nothing."""
        query = {"validate_only": "true"}
        return read(Reply, self._sender.send("POST", "/tasks", content=given.body(request), params=query))

    def get(self, task: TaskRef, *, include: str | None = None) -> Task:
        """The whole task as it stands; `include` names more of it: `result`, `request`, `calls`."""
        return read(Task, self._got(task_path(task), {"include": include}))

    def status(self, task: TaskRef) -> Reply:
        """The short form: status, reason, times."""
        return read(Reply, self._got(f"{task_path(task)}/status"))

    def result(self, task: TaskRef) -> Reply:
        """How the task ended, a result or an error; raises `Conflict` while it has not."""
        return read(Reply, self._got(f"{task_path(task)}/result"))

    def export(self, task: TaskRef, form: str) -> dict[str, Any]:
        """A review's findings as `sarif` (2.1.0) or `rdjson` (reviewdog)."""
        return read_object(self._got(f"{task_path(task)}/result", {"format": form}))

    def calls(self, task: TaskRef) -> Page[Call]:
        """The provider calls that the task made, with tokens and cost."""
        return read_page(Call, self._got(f"{task_path(task)}/calls"))

    def feedback(
        self,
        task: TaskRef,
        *,
        rating: int | None = None,
        accepted: bool | None = None,
        comment: str | None = None,
    ) -> Reply:
        """Say what an ended task's result was worth, in place of what was said with this key before."""
        said = {"rating": rating, "accepted": accepted, "comment": comment}
        asked = {name: value for name, value in said.items() if value is not None}
        return read(
            Reply, self._sender.send("POST", f"{task_path(task)}/feedback", content=given.body(asked))
        )

    def explain(self, task: TaskRef) -> TaskRoute:
        """Why the task went where it went."""
        return read(TaskRoute, self._got(f"{task_path(task)}/explain"))

    def explain_route(self, request: Mapping[str, Any] | BaseModel) -> Route:
        """Where a task would go, and why; stores nothing."""
        return read(Route, self._sender.send("POST", "/routing/explain", content=given.body(request)))

    def config(self) -> Config:
        """How the tenant's tasks are routed."""
        return read(Config, self._got("/config"))

    def set_config(self, config: Mapping[str, Any]) -> Config:
        """Replace the routing configuration; what is left out goes back to its default."""
        return read(Config, self._sender.send("PUT", "/config", content=given.body(config)))

    def cache_stats(self) -> Reply:
        """What the cache of answers was asked, had, and spared the tenant."""
        return read(Reply, self._got("/cache/stats"))

    def clear_cache(self) -> None:
        """Forget all kept answers of the tenant."""
        self._sender.send("POST", "/cache/clear")

    def warm_cache(self, **which: Any) -> Reply:
        """Keep what ended tasks were answered; `which` as in `POST /cache/warm`. Nothing is paid."""
        asked = {name: value for name, value in which.items() if value is not None}
        return read(Reply, self._sender.send("POST", "/cache/warm", content=given.body(asked)))

    def prompts(self) -> Page[Reply]:
        """How the prompts of each kind begin."""
        return read_page(Reply, self._got("/prompts"))

    def set_prompt(self, name: str, template: str) -> Reply:
        """Begin the prompts of a kind with a text of one's own."""
        path = f"/prompts/{given.part(name)}"
        return read(Reply, self._sender.send("PUT", path, content=given.body({"template": template})))

    def remove_prompt(self, name: str) -> None:
        """Go back to the built-in text."""
        self._sender.send("DELETE", f"/prompts/{given.part(name)}")

    def cancel(self, task: TaskRef) -> Task:
        """Ask for the task to be cancelled; cancelling twice is the same as once."""
        return read(Task, self._sender.send("POST", f"{task_path(task)}/cancel"))

    def retry(self, task: TaskRef, *, idempotency_key: str | None = None) -> Task:
        """A new task with the request of an ended one."""
        path = f"{task_path(task)}/retry"
        return read(Task, self._sender.send("POST", path, headers=_key(idempotency_key)))

    def list(self, *, limit: int | None = None, cursor: str | None = None, **filters: Any) -> Page[Task]:
        """One page of tasks, newest first; filters are those of `GET /tasks`."""
        return read_page(Task, self._got("/tasks", {"limit": limit, "cursor": cursor, **filters}))

    def list_all(self, **filters: Any) -> Iterator[Task]:
        """Every task that fits the filters, page by page."""
        cursor: str | None = None
        while True:
            found = self.list(cursor=cursor, **filters)
            yield from found
            cursor = found.next_cursor
            if not found.has_more or cursor is None:
                return

    def events(self, task: TaskRef, *, after: int | None = None) -> Iterator[Event]:
        """The events so far, after the one with this id; pages are fetched as they are needed."""
        cursor = None if after is None else str(after)
        while True:
            found = read_page(Event, self._got(f"{task_path(task)}/events", {"after": cursor}))
            yield from found
            cursor = found.next_cursor
            if not found.has_more or cursor is None:
                return

    def stream(self, task: TaskRef, *, after: int | None = None) -> Iterator[Event]:
        """Events as they happen, until the task has ended; a lost connection is taken up again."""
        last, failures = after, 0
        while True:
            try:
                for event in self._streamed(task, last):
                    if event is None:
                        return
                    last, failures = event.id, 0
                    yield event
            except (httpx.TransportError, errors.Unavailable, errors.RateLimited) as error:
                failures += 1
                if failures >= self._patience.tries:
                    raise errors.Unreachable(f"the event stream broke off: {error}") from error
            self._patience.sleep(min(5.0, 0.2 * 2.0**failures))

    def _streamed(self, task: TaskRef, after: int | None) -> Iterator[Event | None]:
        """The events of one connection; None says that there will be no more."""
        headers = {"Accept": "text/event-stream"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        path, timeout = f"{task_path(task)}/events", httpx.Timeout(_STREAM_IDLE, connect=5.0)
        with self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
            if response.status_code == 204:
                yield None
                return
            if response.status_code >= 400:
                response.read()
                raise refused(response)
            for message in messages(response.iter_lines()):
                yield read_event(response, message.data)

    def watch(
        self, task: TaskRef, *, timeout: float | None = None, every: float = LONGEST_WAIT
    ) -> Iterator[Task]:
        """The task now and after each change, until it has ended; raises `WaitTimeout` after `timeout`
        seconds.

        The server is asked to hold its answer up to `every` seconds, so waiting costs it little. While the
        API is away the wait goes on, up to the patience for an outage.
        """
        ends = None if timeout is None else time.monotonic() + timeout
        look = Look(self._sender, task_path(task), self._patience)
        last = look.first()
        yield last
        while not last.ended:
            left = every if ends is None else min(every, ends - time.monotonic())
            if left <= 0:
                raise errors.WaitTimeout(last, timeout or 0)
            if (changed := look.again(left)) is not None:
                last = changed
                yield last

    def wait(self, task: TaskRef, *, timeout: float | None = None) -> Task:
        """The task once it has ended, however it ended; raises `WaitTimeout`."""
        *_, last = self.watch(task, timeout=timeout)
        return last

    def set_budget(
        self,
        scope: str,
        limit_usd: str,
        *,
        subject: str | None = None,
        period: str = "month",
        hard: bool = True,
    ) -> Budget:
        """Make a budget, or give the one of the same scope, subject, period and hardness a new limit."""
        asked = {"scope": scope, "subject": subject, "period": period, "limit_usd": limit_usd, "hard": hard}
        return read(Budget, self._sender.send("POST", "/budgets", content=given.body(asked)))

    def list_budgets(self) -> Page[Budget]:
        """All budgets, with what their current windows have spent and hold."""
        return read_page(Budget, self._got("/budgets"))

    def remove_budget(self, budget: UUID | str) -> None:
        """Drop a budget; it limits nothing from now on."""
        self._sender.send("DELETE", f"/budgets/{given.part(budget)}")

    def circuit_breakers(self) -> Page[CircuitBreaker]:
        """The gates of all providers: health circuit, cool-down and credential of each."""
        return read_page(CircuitBreaker, self._got("/circuit-breakers"))

    def reset_circuit_breaker(self, breaker: str) -> None:
        """Let everything through a gate again, at once and everywhere."""
        self._sender.send("POST", f"/circuit-breakers/{given.part(breaker)}/reset")

    def _got(self, path: str, params: Mapping[str, Any] | None = None) -> httpx.Response:
        return self._sender.send("GET", path, params=params, headers={"Accept": "application/json"})


def _key(given_key: str | None) -> dict[str, str]:
    key = str(uuid4()) if given_key is None else given.idempotency_key(given_key)
    return {"Idempotency-Key": key}
