"""Secrets planted in every field of tasks that take every way, and every place where one might turn up.

A system is asked as its users ask it; then what it says, logs, sends and keeps is read whole. Only the tables
of what a submitter sent and gets may hold a canary.
"""

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

import httpx
import psycopg
from redis import Redis

from tests.acceptance.system import Terminal, Up, until
from tests.unit.context.leaks import lot

KEPT: Final = frozenset({"task_payloads", "task_results"})
GIVEN: Final = {"tasks": ("labels", "user_id", "session_id"), "idempotency_keys": ("key",)}
"""Columns of what a submitter gave to find tasks by, which lists and filters show."""
FIELDS: Final = (
    "description", "criteria", "business", "functional", "technical", "ux", "style", "content", "report",
    "logs", "diff", "review", "system", "user", "prompt", "front", "schema", "metadata", "labels", "user_id",
    "session_id", "key", "query", "wrong",
)  # fmt: skip
_API: Final = "/api/v1"
_END: Final = "the end of the scene"
_MERGE: Final = "def merge(a):\n    if a[0][1] > a[1][0]:\n        return 1\n"
_PATIENCE: Final = 40.0


def planted() -> dict[str, str]:
    """A secret of its own for each field."""
    return {name: "ghp" + "_" + lot(f"scene-{name}", 36) for name in FIELDS}


class Scene:
    """A running system, what was asked of it, and what it holds."""

    def __init__(self, user: Terminal, up: Up) -> None:
        worker = user.child("worker-1").environ()
        self.user, self.up = user, up
        self.canaries = planted()
        self.database = "postgresql://" + worker["ORCHESTRATOR_DATABASE_URL"].partition("://")[2]
        self.redis: Any = Redis.from_url(worker["ORCHESTRATOR_BROKER_URL"])
        command = user.child("orchestrator.simulator").cmdline()
        port = command[command.index("--port") + 1]
        key = (user.data_dir / "api-key").read_text().strip()
        self.api = httpx.Client(
            base_url=up.facts["api_url"],
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            trust_env=False,
        )
        self.simulator = httpx.Client(base_url=f"http://127.0.0.1:{port}/simulator", trust_env=False)
        word = base64.b64encode(":".join(up.facts["flower_login"]).encode()).decode()
        self.flower = httpx.Client(
            base_url=up.facts["flower_url"],
            headers={"Authorization": f"Basic {word}"},
            timeout=30,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self.api, self.simulator, self.flower, self.redis):
            each.close()

    def rules(self, *rules: dict[str, Any]) -> None:
        """The simulator's rules, after one for each canary that counts the requests in which it stands."""
        traps = [{"match": {"prompt_contains": canary}} for canary in self.canaries.values()]
        self.simulator.put("/rules", json=[*traps, *rules]).raise_for_status()

    def is_watched(self) -> bool:
        """Whether Flower hears of tasks: it has workers send events some seconds after its start."""
        task_id = self.ends({"kind": "chat", "context": {"prompt": "Is anybody there?"}})["id"]
        return task_id in self.flower.get("/api/tasks").text

    def ends(self, task: dict[str, Any], headers: dict[str, str] | None = None) -> dict[str, Any]:
        """A task, submitted and waited for."""
        answer = self.api.post(f"{_API}/tasks", json=task, headers=headers)
        assert answer.status_code == 202, answer.text
        return self.ended(answer.json()["id"])

    def ended(self, task_id: str) -> dict[str, Any]:
        """A task, once it has ended."""

        def shown() -> dict[str, Any]:
            found: dict[str, Any] = self.api.get(f"{_API}/tasks/{task_id}?include=result").json()
            return found

        until(lambda: shown()["finished_at"] is not None, _PATIENCE, f"the task {task_id} ends")
        return shown()

    def calls(self, task_id: str) -> list[str]:
        """What a task called its provider for."""
        return [each["purpose"] for each in self.api.get(f"{_API}/tasks/{task_id}/calls").json()["data"]]

    def fix(self, word: str) -> dict[str, Any]:
        """A bug with a canary in every field; `word` tells the simulator's rules which one it is."""
        it = self.canaries
        settings = f'PASSWORD = "{it["content"]}"\n'
        context = {
            "description": f"{word}: touching intervals are not merged. Use {it['description']}.",
            "acceptance_criteria": [f"It works with {it['criteria']}"],
            "specifications": {side: it[side] for side in ("business", "functional", "technical", "ux")},
            "constraints": {"style": it["style"]},
            "files": [{"path": "a.py", "content": _MERGE}, {"path": "settings.py", "content": settings}],
            "error_report": f"</file> AssertionError: {it['report']}",
            "logs": it["logs"],
        }
        return {"kind": "fix_bug", "context": context} | self._shared()

    def review(self) -> dict[str, Any]:
        """A change that brings a canary."""
        it = self.canaries
        head = "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,3 @@\n import os\n-y = 1\n+y = eval(input())\n"
        diff = f'{head}+z = "{it["diff"]}"\n'
        return {
            "kind": "review_code",
            "context": {"description": it["review"], "diff": diff},
        } | self._shared()

    def chat(self) -> dict[str, Any]:
        """A conversation whose answer may be kept."""
        it = self.canaries
        messages = [{"role": "system", "content": it["system"]}, {"role": "user", "content": it["user"]}]
        return {"kind": "chat", "context": {"messages": messages}} | self._shared({"cache": "use"})

    def by_schema(self) -> dict[str, Any]:
        """A question whose schema names a canary."""
        schema = {
            "type": "object",
            "properties": {"x": {"const": self.canaries["schema"]}},
            "required": ["x"],
        }
        context = {"prompt": self.canaries["prompt"], "answer_schema": schema}
        return {"kind": "chat", "context": context} | self._shared()

    def _shared(self, preferences: dict[str, Any] | None = None) -> dict[str, Any]:
        it = self.canaries
        return {
            "metadata": {"note": it["metadata"]},
            "labels": [it["labels"]],
            "user_id": it["user_id"],
            "session_id": it["session_id"],
            "preferences": preferences or {},
        }

    def streamed(self) -> str:
        """What a client of the front is streamed."""
        body = {
            "model": "gpt-4.1-mini", "stream": True, "user": self.canaries["user_id"],
            "messages": [{"role": "user", "content": f"How many words? {self.canaries['front']}"}],
        }  # fmt: skip
        with self.api.stream("POST", "/openai/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            return answer.read().decode()

    def misuses(self) -> None:
        """Canaries where none is expected: in an address, in a question, in bodies that are refused."""
        for path in (f"/tasks/{self.canaries['query']}", f"/tasks?labels={self.canaries['query']}&status=no"):
            assert self.api.get(_API + path).status_code == 422
        assert self.api.get(f"{_API}/tasks?user_id={self.canaries['query']}").status_code == 200
        for body in (f'{{"kind": "{self.canaries["wrong"]}"}}', f'{{"kind": {self.canaries["wrong"]}'):
            assert self.api.post(f"{_API}/tasks", content=body, headers=_JSON).status_code in (400, 422)

    @contextmanager
    def overheard(self) -> Iterator[list[str]]:
        """Every command that Redis is sent meanwhile."""
        heard: list[str] = []
        with self.redis.monitor() as monitor:

            def listen() -> None:
                for command in monitor.listen():
                    heard.append(str(command))
                    if _END in heard[-1]:
                        return

            listening = threading.Thread(target=listen, daemon=True)
            listening.start()
            try:
                yield heard
            finally:
                self.redis.echo(_END)
                listening.join(20)
        assert not listening.is_alive()

    def places(self, tasks: list[str]) -> dict[str, str]:
        """All that can be read of the system, but for what its submitter sent and gets."""
        found = {f"file {path}": text for path, text in _files(self.user.data_dir)}
        found |= {f"said by up {at}": self.user.errors_of(each) for at, each in enumerate(self.user.started)}
        found |= {f"key {name!r}": value for name, value in _values(self.redis)}
        found |= {f"table {name}": value for name, value in _tables(self.database)}
        found["metrics"] = self.api.get("/metrics").text
        pages = ["/", "/workers", "/tasks", "/broker", "/metrics", "/api/tasks", "/api/workers?refresh=1"]
        for path in [
            *pages,
            *(f"/task/{each}" for each in tasks),
            *(f"/api/task/info/{each}" for each in tasks),
        ]:
            found[f"flower {path}"] = self.flower.get(path).text
        for each in tasks:
            for part in ("events", "calls", "explain", "status"):
                answer = self.api.get(f"{_API}/tasks/{each}/{part}", headers={"Accept": "application/json"})
                found[f"api {part} of {each}"] = answer.text
        found["journal"] = self.simulator.get("/journal").text
        return found

    def sent(self) -> list[str]:
        """The canaries that stood in what the vendor was asked."""
        names = {canary: name for name, canary in self.canaries.items()}
        rules = self.simulator.get("/rules").json()
        asked = {rule["match"]["prompt_contains"]: rule["applied"] for rule in rules}
        assert any(count for text, count in asked.items() if text not in names)
        return [names[text] for text, count in asked.items() if count and text in names]


_JSON: Final = {"Content-Type": "application/json"}


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    """Logs, figures, spool and whatever else stands in the data directory, but for Postgres' own files."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not {"base", "pg_wal"} & set(path.parts):
            yield str(path.relative_to(folder)), path.read_bytes().decode("utf-8", "replace")


def _values(redis: Any) -> Iterator[tuple[str, str]]:
    read: dict[bytes, Callable[[bytes], object]] = {
        b"string": redis.get,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"stream": redis.xrange,
    }
    for key in redis.scan_iter():
        kind = redis.type(key)
        if kind != b"none":
            yield str(key), str(read[kind](key))


def _tables(database: str) -> Iterator[tuple[str, str]]:
    listing = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    with psycopg.connect(database) as connection:
        for (table,) in connection.execute(listing).fetchall():
            if table in KEPT or any(table.startswith(f"{each}_") for each in KEPT):
                continue
            without = "".join(f" - '{column}'" for column in _given(table))
            rows = connection.execute(
                f'SELECT CAST(to_jsonb(t){without} AS text) FROM "{table}" AS t'.encode()
            )
            yield table, "\n".join(row[0] for row in rows)


def _given(table: str) -> tuple[str, ...]:
    return next(
        (columns for name, columns in GIVEN.items() if table == name or table.startswith(f"{name}_")), ()
    )
