"""Requests to messages, by the templates in `prompts/`.

What is stable comes first (the system prompt, then files by path), what varies from task to task last, so
that vendors' prefix caches hit. A repair round asks for the complete set of edits or findings again: an
answer stands or falls as a whole, and a repeated round can't mix two halves that were never checked together.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, assert_never

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from schemas.tasks import ChatRequest, FixBugRequest, GenerateCodeRequest, ReviewCodeRequest, TaskRequest
from workers.context.fence import fence, inline

PROBLEMS_BYTES: Final = 8_000
_EMPTY: Final = "(The answer was empty.)"


@dataclass(frozen=True)
class Message:
    """One message to a model."""

    role: Literal["system", "user", "assistant"]
    content: str


def render(request: TaskRequest) -> tuple[Message, ...]:
    """The messages of a task's first call; a conversation is passed on as it is."""
    if isinstance(request, ChatRequest):
        return tuple(Message(said.role, said.content) for said in request.context.conversation)
    return (
        Message("system", _template(f"{request.kind.value}.md").render(kind=request.kind.value)),
        Message("user", _user(request)),
    )


def render_repair(
    request: TaskRequest, earlier: tuple[Message, ...], answer: str, problems: tuple[str, ...]
) -> tuple[Message, ...]:
    """The earlier messages, the answer that was refused, and what to mend in it."""
    mend = _template("repair.md").render(
        problems="\n".join(_within(problems, PROBLEMS_BYTES)), review=isinstance(request, ReviewCodeRequest)
    )
    # Vendors refuse an assistant message without text, and JSON a lone surrogate.
    said = answer.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return (*earlier, Message("assistant", said if said.strip() else _EMPTY), Message("user", mend))


def judge_prompt() -> str:
    """The system message of whoever judges two answers."""
    return _template("judge.md").render()


def _user(request: GenerateCodeRequest | FixBugRequest | ReviewCodeRequest) -> str:
    match request:
        case GenerateCodeRequest():
            return _code(request, error_report=None, logs=None)
        case FixBugRequest():
            return _code(request, error_report=request.context.error_report, logs=request.context.logs)
        case ReviewCodeRequest():
            return _template("review_task.md").render(context=request.context)
        case _:
            assert_never(request)


def _code(request: GenerateCodeRequest | FixBugRequest, *, error_report: str | None, logs: str | None) -> str:
    context = request.context
    return _template("code_task.md").render(
        context=context,
        files=sorted(context.files, key=lambda file: file.path),
        specifications=context.specifications.model_dump(exclude_none=True),
        constraints=_constraints(request),
        error_report=error_report,
        logs=logs,
    )


def _constraints(request: GenerateCodeRequest | FixBugRequest) -> dict[str, str]:
    wanted = request.context.constraints
    named = {
        "language": wanted.language,
        "repository": wanted.repository,
        "branch": wanted.branch,
        "change only below": "\n".join(wanted.paths) or None,
        "files changed at most": str(wanted.max_files) if wanted.max_files else None,
        "style": wanted.style,
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
    environment.globals.update(fence=fence, inline=inline)
    return environment


def _template(name: str) -> Template:
    return _environment().get_template(name)
