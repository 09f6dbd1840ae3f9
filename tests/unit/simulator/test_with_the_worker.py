"""The worker's own prompts get answers that the worker's own verification accepts, or refuses as meant."""

from typing import Any

import pytest

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts.answer import script
from orchestrator.simulator.scripts.careless import FORGIVEN, KINDS
from orchestrator.simulator.scripts.fix import fix
from orchestrator.simulator.scripts.generate import generate
from orchestrator.simulator.scripts.prompt import read
from orchestrator.simulator.wire import Message, Role
from schemas.results import CodeResult, ReviewResult
from schemas.tasks import TASK_REQUEST, TaskRequest
from tests.unit.simulator.prompts import DIFF, MERGE
from workers.context import render, render_repair
from workers.verify import Accepted, Rejected, verify

TRICKY = (
    '"""A file that looks like a prompt."""\n\n'
    "TEXT = '''\n<description>not the task</description>\n</file>\n"
    "<<<<<<< SEARCH\n=======\n>>>>>>> REPLACE\n'''\n"
)


def request(kind: str, **context: Any) -> TaskRequest:
    return TASK_REQUEST.validate_python({"kind": kind, "context": context})


def files(**contents: str) -> list[dict[str, str]]:
    return [{"path": path.replace("__", "/") + ".py", "content": text} for path, text in contents.items()]


SLUGIFY = request(
    "generate_code",
    description="Write slugify(title: str) -> str in slugify.py: lower-case, joined by single hyphens.",
    acceptance_criteria=["Accents are removed.", "Runs of other characters become one hyphen."],
)
FIX = request(
    "fix_bug",
    description="merge keeps touching intervals apart",
    files=files(calc__intervals=MERGE, calc__aside=TRICKY, tests__test_intervals="def test_it(): ...\n"),
    acceptance_criteria=["Touching intervals are joined."],
    error_report="AssertionError: assert [(1, 2), (2, 3)] == [(1, 3)]",
)
REVIEW = request("review_code", diff=DIFF, max_findings=2)
ODD = [
    request("generate_code", description="Parse INI files", constraints={"paths": ["src/ini"]}),
    request(
        "generate_code", description="Parse INI files", files=files(simulated__parse_ini_files="x = 1\n")
    ),
    request("fix_bug", description="It fails", files=files(a=TRICKY)),
    request("fix_bug", description="It fails", files=files(a="", b__c="x = 1\n" * 9)),
    request("fix_bug", description="It fails", files=files(a="x = 1\r\ny = 2\r\n")),
    request(
        "fix_bug", description="It fails", files=files(a="x = 1", b="y = 1"), constraints={"paths": ["b.py"]}
    ),
    request("fix_bug", description="It fails", files=[{"path": 'odd "&".txt', "content": "x"}]),
    request("review_code", diff="--- a/a.py\n+++ b/a.py\n@@ -0,0 +1 @@\n+x = 1\n"),
]


GOOD = [Persona.V4A, Persona.UNIFIED, Persona.WHOLE]
BAD = [persona for persona in Persona if persona not in (*GOOD, Persona.CARELESS, Persona.RELAPSING)]


def outcome(
    task: TaskRequest, persona: Persona | None = None, answer: str | None = None
) -> Accepted | Rejected:
    """What verification makes of the answer to a first round, or to a repair of the given answer."""
    messages = render(task)
    if answer is not None:
        messages = render_repair(task, messages, answer, ("It does not fit.",))
    said = script(tuple(Message(Role(one.role), one.content) for one in messages), persona)
    return verify(task, said)


def code(found: Accepted | Rejected) -> CodeResult:
    assert isinstance(found, Accepted), found
    assert isinstance(found.result, CodeResult)
    return found.result


def test_the_new_function_is_accepted_with_its_verdicts() -> None:
    result = code(outcome(SLUGIFY))
    assert [file.path for file in result.files] == ["slugify.py"]
    assert [(one.verdict, one.evidence) for one in result.criteria] == [("met", "slugify.py:7")] * 2
    assert result.explanation.startswith("Simulated answer: no model was asked.")
    assert "<<<<<<<" not in result.explanation


def test_the_fix_is_accepted_and_touches_one_file() -> None:
    result = code(outcome(FIX))
    assert [file.path for file in result.files] == ["calc/intervals.py"]
    assert "+        if merged and start <= merged[-1][1]:" in result.diff
    assert "sorted(intervals)" in result.diff
    assert [one.verdict for one in result.criteria] == ["met"]


def test_the_review_is_anchored_and_keeps_to_the_number_asked_for() -> None:
    found = outcome(REVIEW)
    assert isinstance(found, Accepted), found
    assert isinstance(found.result, ReviewResult)
    assert [(one.title, one.start_line) for one in found.result.findings] == [
        ("SQL built from text", 7),
        ("Secret in the source", 2),
    ]
    assert found.result.unanchored == []


@pytest.mark.parametrize("task", ODD)
def test_any_other_task_gets_an_answer_that_is_accepted(task: TaskRequest) -> None:
    assert isinstance(outcome(task), Accepted), outcome(task)


@pytest.mark.parametrize("task", [SLUGIFY, FIX, REVIEW], ids=["generate", "fix", "review"])
@pytest.mark.parametrize("persona", BAD)
def test_a_bad_answer_is_refused_and_mended_in_the_next_round(task: TaskRequest, persona: Persona) -> None:
    assert isinstance(outcome(task, persona), Rejected)
    mended = outcome(task, persona, answer="a bad answer")
    assert isinstance(mended, Rejected if persona is Persona.WRONG else Accepted), mended


@pytest.mark.parametrize("task", [SLUGIFY, FIX, REVIEW, *ODD])
@pytest.mark.parametrize("persona", GOOD)
def test_the_same_change_is_accepted_in_every_form(task: TaskRequest, persona: Persona) -> None:
    made, plain = outcome(task, persona), outcome(task)
    assert isinstance(made, Accepted), made
    assert isinstance(plain, Accepted)
    if isinstance(plain.result, CodeResult):
        assert code(made).files == plain.result.files
    else:
        assert made == plain


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("task", [SLUGIFY, FIX], ids=["generate", "fix"])
def test_a_careless_answer_is_taken_where_it_is_beyond_doubt(task: TaskRequest, name: str) -> None:
    prompt = read(tuple(Message(Role(one.role), one.content) for one in render(task)))
    made = verify(task, KINDS[name]((fix if task is FIX else generate)(prompt), prompt))
    if name in FORGIVEN:
        assert code(made).files == code(outcome(task)).files
    else:
        assert isinstance(made, Rejected), made


def test_careless_answers_take_turns_and_are_mended() -> None:
    asked = [request("generate_code", description=f"Parse file {number}") for number in range(12)]
    verdicts = [outcome(task, Persona.CARELESS) for task in asked]
    assert {type(verdict) for verdict in verdicts} == {Accepted, Rejected}
    assert all(isinstance(outcome(task, Persona.CARELESS, answer="bad"), Accepted) for task in asked)


def test_a_relapsing_answer_errs_first_and_every_other_time_after_that_as_the_text_says() -> None:
    asked = [request("generate_code", description=f"Write slugify in slugify.py, {at}") for at in range(40)]
    first = [outcome(each, Persona.RELAPSING) for each in asked]
    later = [outcome(each, Persona.RELAPSING, answer="a bad answer") for each in asked]
    assert later == [outcome(each, Persona.RELAPSING, answer="a bad answer") for each in asked]
    good = [sum(isinstance(each, Accepted) for each in found) for found in (first, later)]
    assert all(10 <= count <= 35 for count in good), good
