"""The three scenes of the demo. Each submits a task over HTTP and puts its result to the test."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator import clock
from orchestrator.cli import findings, rendering
from orchestrator.cli.demo import inputs
from orchestrator.cli.demo.repository import Repository, run
from orchestrator.cli.demo.stage import Stage
from orchestrator.client import Client, Task

_PATIENCE_SECONDS: Final = 180.0
_CALL_SLUGIFY: Final = "import runpy, sys; print(runpy.run_path(sys.argv[1])['slugify'](sys.argv[2]))"


@dataclass(frozen=True)
class Play:
    """Where the scenes take place."""

    client: Client
    folder: Path
    stage: Stage


def generate(play: Play) -> bool:
    """A function from a description: its code is imported and called."""
    stage = play.stage
    stage.scene("generate_code", inputs.SLUGIFY)
    context = {"description": inputs.SLUGIFY, "acceptance_criteria": list(inputs.SLUGIFY_CRITERIA)}
    result = _done(play, {"kind": "generate_code", "context": context})
    if result is None:
        return False
    rendering.show_diff(result["diff"])
    stage.criteria(result["criteria"])
    there = Repository(play.folder / "generated")
    there.write({file["path"]: file["content"] for file in result["files"] if file["content"] is not None})
    wanted = next(
        (file["path"] for file in result["files"] if "def slugify" in (file["content"] or "")), None
    )
    if wanted is None:
        return stage.judge("the result has a function slugify", passed=False)
    ran = run([sys.executable, "-B", "-c", _CALL_SLUGIFY, wanted, inputs.TITLE], there.root)
    said = ran.output.strip()
    return stage.judge(f'slugify("{inputs.TITLE}") gives "{said}"', passed=ran.ok and said == inputs.SLUG)


def fix(play: Play) -> bool:
    """A bug in a small repository: its own failing test passes once the patch is applied."""
    stage = play.stage
    stage.scene("fix_bug", inputs.BUG)
    repository = Repository(play.folder / "repository")
    repository.begin(inputs.CALC)
    before = repository.test()
    stage.tell(f"before: {_last_line(before.output)}")
    files = [
        {"path": inputs.INTERVALS_PATH, "content": inputs.INTERVALS},
        {"path": inputs.TESTS_PATH, "content": inputs.TESTS},
    ]
    context = {"description": inputs.BUG, "files": files, "error_report": before.output}
    result = _done(play, {"kind": "fix_bug", "context": context})
    if result is None:
        return False
    rendering.show_diff(result["diff"])
    applied = repository.apply(result["diff"])
    told = f"git apply changed {', '.join(repository.changed()) or 'nothing'} {applied.output.strip()}"
    if not stage.judge(told.strip(), passed=applied.ok and bool(repository.changed())):
        return False
    after = repository.test()
    return stage.judge(f"after: {_last_line(after.output)}", passed=after.ok and not before.ok)


def review(play: Play) -> bool:
    """A real diff: the findings point at its lines."""
    stage = play.stage
    stage.scene("review_code", inputs.CHANGE)
    repository = Repository(play.folder / "shop")
    repository.begin({inputs.ORDERS_PATH: inputs.ORDERS})
    repository.write({inputs.ORDERS_PATH: inputs.ORDERS_CHANGED})
    context = {"description": inputs.CHANGE, "diff": repository.diff()}
    result = _done(play, {"kind": "review_code", "context": context})
    if result is None:
        return False
    findings.show_review(result)
    anchored = [finding for finding in result["findings"] if finding["start_line"]]
    return stage.judge(
        f"{len(anchored)} findings, each anchored to a line of the diff", passed=bool(anchored)
    )


SCENES: Final[tuple[Callable[[Play], bool], ...]] = (generate, fix, review)


def _done(play: Play, request: dict[str, Any]) -> dict[str, Any] | None:
    """The result of a task, after its facts were told; None where it brought none."""
    start = clock.monotonic()
    submitted = play.client.submit(request)
    ended = play.client.wait(submitted, timeout=_PATIENCE_SECONDS)
    took = clock.monotonic() - start
    task: Task = play.client.get(ended, include="result")
    play.stage.facts(task, took)
    return task.result if task.succeeded else None


def _last_line(output: str) -> str:
    """How unittest sums up, for example `Ran 4 tests: FAILED (failures=2)`."""
    lines = output.strip().splitlines() or ["nothing ran"]
    ran = next((line.partition(" in ")[0] for line in lines if line.startswith("Ran ")), None)
    return f"{ran}: {lines[-1]}" if ran else lines[-1]
