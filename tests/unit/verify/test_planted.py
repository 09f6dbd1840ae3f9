"""Bugs planted in small diffs of six languages: the scripted reviewer finds them, and each on its line.

All goes the way of a task: our prompt is all that the script sees, and our verification reads what it says.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from orchestrator.simulator.scripts.answer import script
from orchestrator.simulator.wire import Message, Role
from schemas.results import Finding, Opinion, ReviewResult
from schemas.tasks import ReviewCodeRequest
from tests.unit.verify.answers import review, review_request
from workers.context import Message as Rendered
from workers.context import render, render_verifier
from workers.verify import judged

PLANTED = Path(__file__).parents[2] / "data" / "planted"
BUGS: dict[str, dict[str, Any]] = tomllib.loads((PLANTED / "bugs.toml").read_text())
LANGUAGES = ("python", "javascript", "typescript", "go", "java", "rust")


def said(messages: tuple[Rendered, ...]) -> str:
    return script(tuple(Message(Role(one.role), one.content) for one in messages))


def reviewed(diff: str) -> tuple[ReviewCodeRequest, ReviewResult]:
    request = review_request(diff)
    assert isinstance(request, ReviewCodeRequest)
    return request, review(request, said(render(request)))


def diff_of(name: str) -> str:
    return (PLANTED / f"{name}.diff").read_text()


def place(finding: Finding) -> tuple[str, int | None, str]:
    return finding.file, finding.start_line, finding.category


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found_on_its_line_and_stands_before_a_verifier(name: str) -> None:
    bug = BUGS[name]
    request, result = reviewed(diff_of(name))
    assert [place(found) for found in result.findings] == [(bug["file"], bug["line"], bug["category"])]
    assert result.unanchored == []
    scored = judged(result, said(render_verifier(request, result.findings)), 5)
    assert [found.judgement and found.judgement.opinion for found in scored.findings] == [Opinion.KEEP]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sound_change_has_no_finding(language: str) -> None:
    _, result = reviewed(diff_of(f"sound/{language}"))
    assert [found.title for found in result.findings] == []


def test_all_planted_bugs_in_one_diff_keep_their_lines() -> None:
    every = "".join(diff_of(name) for name in BUGS)
    request = review_request(every, max_findings=50)
    result = review(request, said(render(request)))
    expected = {(bug["file"], bug["line"], bug["category"]) for bug in BUGS.values()}
    assert {place(found) for found in result.findings} == expected


def test_a_suggestion_for_a_planted_bug_replaces_its_line() -> None:
    _, result = reviewed(diff_of("python/off_by_one"))
    [found] = result.findings
    assert found.suggestion == "        for i in range(len(self.levels)):"
    assert found.note is None


def test_the_set_is_as_large_and_as_broad_as_promised() -> None:
    assert len(BUGS) >= 30
    assert {name.split("/")[0] for name in BUGS} == set(LANGUAGES)
    assert {path.relative_to(PLANTED).with_suffix("").as_posix() for path in PLANTED.glob("*/*.diff")} == {
        *BUGS,
        *(f"sound/{language}" for language in LANGUAGES),
    }
