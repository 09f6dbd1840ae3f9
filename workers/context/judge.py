"""What the judge of two answers is asked, and what it said."""

import re
from typing import Final, Literal

from schemas.results import Answered, ChatResult, CodeResult
from schemas.tasks import TaskRequest
from workers.context.fence import fence
from workers.context.render import Message, judge_prompt, render

_VERDICT: Final = re.compile(r"<verdict>\s*([AB])\s*</verdict>")


def render_judge(request: TaskRequest, first: Answered, second: Answered) -> tuple[Message, ...]:
    """The messages of one question: the task, then the answers A and B."""
    said = [f"{message.role}: {message.content}" for message in render(request) if message.role != "system"]
    asked = "\n\n".join(
        (
            fence("task", "\n\n".join(said)),
            fence("answer", _shown(first), name="A"),
            fence("answer", _shown(second), name="B"),
            "Which answer is the better one, A or B?",
        )
    )
    return Message("system", judge_prompt()), Message("user", asked)


def read_verdict(answer: str) -> Literal["A", "B"] | None:
    """The last verdict of an answer; None where it gave none."""
    found = _VERDICT.findall(answer)
    if not found:
        return None
    return "A" if found[-1] == "A" else "B"


def _shown(result: Answered) -> str:
    match result:
        case CodeResult():
            return f"{result.explanation}\n\n{result.diff}"
        case ChatResult():
            return result.text
        case _:
            return result.summary
