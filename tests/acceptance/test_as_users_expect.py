"""The README's example, a Celery user's commands and Flower's pages, on one running system."""

import base64
import json
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.acceptance.canaries import Scene
from tests.acceptance.system import Terminal, Up, environment, terminal, until

pytestmark = pytest.mark.timeout(240)

ROOT = Path(__file__).resolve().parents[2]
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Terminal, Up]]:
    with terminal() as user:
        yield user, user.up("--latency-ms", "50")


def _example() -> tuple[str, str]:
    """The README's command and the output it shows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("<!-- example:begin -->")[1].split("<!-- example:end -->")[0]
    found = re.search(r"```console\n\$ (.+?)\n(.*?)```", block, re.DOTALL)
    assert found, "the README shows a command and its output"
    return found.group(1), found.group(2).strip()


def _plain(text: str) -> str:
    lines = (line.rstrip() for line in re.sub(UUID, "<id>", text).splitlines())
    return "\n".join(line for line in lines if line)


def test_the_readmes_example_prints_what_the_readme_shows(running: tuple[Terminal, Up]) -> None:
    user, _ = running
    command, shown = _example()
    program, *arguments = shlex.split(command)
    assert Path(program).name == "orchestrator"
    inputs = [str(ROOT / each) if (ROOT / each).is_file() else each for each in arguments]
    code, out, errors = user.run(*inputs)
    assert code == 0
    assert _plain(f"{errors}\n{out}") == _plain(shown)


def _celery(user: Terminal, *arguments: str) -> str:
    broker = user.child("worker-1").environ()["ORCHESTRATOR_BROKER_URL"]
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "workers", *arguments],
        cwd=ROOT,
        env=environment(ORCHESTRATOR_BROKER_URL=broker),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_celerys_own_client_finds_the_worker_and_its_queues(running: tuple[Terminal, Up]) -> None:
    user, _ = running
    assert "pong" in _celery(user, "inspect", "ping")
    queues = _celery(user, "inspect", "active_queues")
    assert "provider.openai" in queues
    assert "chores" in queues


def _flower(up: Up, path: str, *, method: str = "GET", login: bool = True) -> tuple[int, str]:
    request = urllib.request.Request(f"{up.facts['flower_url']}{path}", method=method)
    if login:
        word = base64.b64encode(":".join(up.facts["flower_login"]).encode()).decode()
        request.add_header("Authorization", f"Basic {word}")
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return int(response.status), response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_flower_shows_workers_queues_and_the_tasks_own_ids_and_changes_nothing(
    running: tuple[Terminal, Up],
) -> None:
    user, up = running
    code, out, _ = user.run("-o", "json", "submit", "generate-code", "Write slugify(title) in slugify.py")
    assert code == 0
    task_id = json.loads(out)["id"]
    (worker,) = json.loads(_flower(up, "/api/workers?refresh=1")[1])
    until(lambda: task_id in _flower(up, "/api/tasks")[1], 20, "Flower heard of the task")
    assert "slugify" not in _flower(up, "/api/tasks")[1]
    for path in ("/", "/workers", "/tasks", "/broker"):
        assert _flower(up, path)[0] == 200
        assert _flower(up, path, login=False)[0] == 401
    assert "provider.openai" in _flower(up, "/broker")[1]
    assert _flower(up, f"/api/worker/shutdown/{worker}", method="POST")[0] == 403
    assert psutil.pid_exists(user.child("worker-1").pid)


def test_canaries_in_every_field_are_found_nowhere_whatever_way_their_tasks_take(
    running: tuple[Terminal, Up],
) -> None:
    with Scene(*running) as scene:
        until(scene.is_watched, 30, "Flower hears of tasks")
        # Given secrets in all that a task can say, and a provider that answers well, badly or not at all,
        scene.rules(
            {"match": {"prompt_contains": "Mended"}, "persona": "sloppy"},
            {"match": {"prompt_contains": "Refused"}, "persona": "wrong"},
            {"match": {"prompt_contains": "Repeated"}, "fault": "500", "times": 1},
        )
        with scene.overheard() as heard:
            # when their tasks pass, are mended, fail, are tried again, are kept, and are streamed,
            passed = scene.ends(scene.fix("Passed"), {"Idempotency-Key": scene.canaries["key"]})
            mended = scene.ends(scene.fix("Mended"))
            repeated = scene.ends(scene.fix("Repeated"))
            failed = scene.ends(scene.fix("Refused"))
            again = scene.ended(scene.api.post(f"/api/v1/tasks/{failed['id']}/retry").json()["id"])
            reviewed = scene.ends(scene.review())
            first, kept = scene.ends(scene.chat()), scene.ends(scene.chat())
            shaped = scene.ends(scene.by_schema())
            assert "[DONE]" in scene.streamed()
            scene.misuses()
        tasks = [passed, mended, repeated, failed, again, reviewed, first, kept, shaped]
        ends = ["succeeded"] * 3 + ["failed"] * 2 + ["succeeded"] * 4
        assert [each["status"] for each in tasks] == ends, [each["error"] for each in tasks]
        assert scene.canaries["schema"] in str(shaped["result"])
        ids = [each["id"] for each in tasks]
        until(lambda: ids[-1] in scene.flower.get("/api/tasks").text, 20, "Flower heard of the last task")
        assert again["retry_of"] == failed["id"]
        assert [len(scene.calls(each["id"])) for each in (passed, repeated, first, kept)] == [1, 2, 1, 0]
        assert "repair" in scene.calls(mended["id"])
        # then the provider got none of them, and no place but the submitter's own holds one.
        assert scene.sent() == []
        places = scene.places(ids) | {"redis": "".join(heard)}
        for name in ("redis", "table events", "table calls", "flower /api/tasks", "file logs/worker-1.log"):
            assert ids[0] in places[name], name
        found = {
            (place, name)
            for place, text in places.items()
            for name, it in scene.canaries.items()
            if it in text
        }
        assert found == set()
