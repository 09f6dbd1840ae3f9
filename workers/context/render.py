"""Requests to messages, by the templates in `prompts/`.

What is stable comes first (the system prompt, then files by path), what varies from task to task last, so
that vendors' prefix caches hit. A repair round asks again for what was not usable of a change, and for a
review as a whole.
"""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from orchestrator.catalogue import leads
from schemas.tasks import (
    ChatRequest,
    CodeRequest,
    DocumentRequest,
    EmbedRequest,
    FixBugRequest,
    ReviewCodeRequest,
    TaskRequest,
    WriteTestsRequest,
)
from workers.context.fence import fence, inline
from workers.context.fit import Shown, whole
from workers.context.numbering import numbered

PROBLEMS_BYTES: Final = 8_000
_EMPTY: Final = "(The answer was empty.)"


@dataclass(frozen=True)
class Message:
    """One message to a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Again:
    """What of a change is asked again: all blocks of `files`, files `whole`, else what a problem names.

    Not `partly`: nothing of it stands, so all is asked again.
    """

    partly: bool = False
    files: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


def render(
    request: TaskRequest,
    shown: Shown | None = None,
    conventions: Mapping[str, str] | None = None,
    lead: str | None = None,
) -> tuple[Message, ...]:
    """The messages of a task's first call, with what is shown of its tree, else with all of it.

    `lead` is a template in place of the built-in one.

    A conversation is passed on as it is; of texts to be embedded each is a message.
    """
    if isinstance(request, EmbedRequest):
        return tuple(Message("user", text) for text in request.context.inputs)
    if isinstance(request, ChatRequest):
        return tuple(Message(said.role, said.content) for said in request.context.conversation)
    return (
        Message("system", _system(request, lead)),
        Message("user", _user(request, shown or everything(request), conventions or {})),
    )


def render_repair(
    request: TaskRequest,
    earlier: tuple[Message, ...],
    answer: str,
    problems: tuple[str, ...],
    again: Again | None = None,
    most: int = PROBLEMS_BYTES,
) -> tuple[Message, ...]:
    """The earlier messages, the answer that was refused, and what to mend in it: all, but for `again`.

    Of the problems as many are named as fit `most` bytes."""
    mend = template("repair.md").render(
        problems="\n".join(_within(problems, most)),
        review=isinstance(request, ReviewCodeRequest),
        chat=isinstance(request, ChatRequest),
        again=again or Again(),
    )
    # Vendors refuse an assistant message without text, and JSON a lone surrogate.
    said = answer.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return (*earlier, Message("assistant", said if said.strip() else _EMPTY), Message("user", mend))


def judge_prompt() -> str:
    """The system message of whoever judges two answers."""
    return template("judge.md").render()


def _system(request: CodeRequest | ReviewCodeRequest, lead: str | None) -> str:
    kind, language = request.kind.value, request.context.constraints.language
    form = "review_format.md" if isinstance(request, ReviewCodeRequest) else "edit_format.md"
    said = leads.rendered(lead or leads.built_in(kind), kind, language)
    return template("frame.md").render(lead=said, kind=kind, form=form)


def everything(request: CodeRequest | ReviewCodeRequest) -> Shown:
    """The tree of a request, every file whole."""
    return whole({file.path: file.content for file in request.context.files})


def _user(request: CodeRequest | ReviewCodeRequest, shown: Shown, conventions: Mapping[str, str]) -> str:
    tree = {"context": request.context, "shown": shown, "conventions": list(conventions.items())}
    if isinstance(request, ReviewCodeRequest):
        return template("review_task.md").render(tree)
    bug = request.context if isinstance(request, FixBugRequest) else None
    return template("code_task.md").render(
        tree,
        specifications=request.context.specifications.model_dump(exclude_none=True),
        constraints=_constraints(request),
        error_report=bug and bug.error_report,
        logs=bug and bug.logs,
    )


def _constraints(request: CodeRequest) -> dict[str, str]:
    wanted = request.context.constraints
    named = {
        "language": wanted.language,
        "repository": wanted.repository,
        "branch": wanted.branch,
        "change only below": "\n".join(wanted.paths) or None,
        "files changed at most": str(wanted.max_files) if wanted.max_files else None,
        "style": wanted.style,
        "tests that have to pass": shlex.join(wanted.tests) if wanted.tests else None,
        "test framework": request.context.framework if isinstance(request, WriteTestsRequest) else None,
        "readers": request.context.audience if isinstance(request, DocumentRequest) else None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _within(problems: tuple[str, ...], limit: int) -> list[str]:
    """As many numbered problems as fit the limit in bytes; what is left out is counted."""
    shown: list[str] = []
    left = limit - 100
    for number, problem in enumerate(problems, 1):
        data = f"{number}. {problem}".encode("utf-8", "replace")
        if shown and len(data) >= left:
            return [*shown, f"({len(problems) - len(shown)} more problems of this kind are not shown.)"]
        shown.append(data[:left].decode("utf-8", "ignore"))
        left -= len(data) + 1
    return shown


@cache
def _environment() -> Environment:
    # Prompts are text for a model, not HTML: escaping would change code.
    environment = Environment(
        loader=PackageLoader("workers.context", "prompts"),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(fence=fence, inline=inline, numbered=numbered)
    return environment


def template(name: str) -> Template:
    """A prompt of the folder, by its file's name."""
    return _environment().get_template(name)
