"""The history of a session before the words of a task that asks for it.

Each earlier task is two messages, marked as such, and foreign text like any other: looked through, fenced
and redacted. The oldest are left out first, and so is the middle of what is long.
"""

from collections.abc import Sequence
from typing import Final

from schemas.contexts import ChatMessage
from schemas.sessions import EarlierTask
from schemas.tasks import ChatRequest, EmbedRequest, TaskRequest
from workers.context.again import ends

SHARE: Final = 8
"""The history takes at most this part of a prompt's room."""
_EACH: Final = 4
"""And one task of it at most this part of the history, for what it asked as for what came of it."""
_LEAST: Final = 200
_OLDER: Final = "[Older tasks of this session are left out.]"


def with_history(
    request: TaskRequest, earlier: Sequence[EarlierTask], most: int
) -> tuple[TaskRequest, int, int]:
    """The request with as many earlier tasks (newest first) as fit `most` bytes; how many tasks and messages
    were put before its own."""
    if isinstance(request, EmbedRequest):
        return request, 0, 0
    shown, left = list[tuple[ChatMessage, ChatMessage]](), most - len(_OLDER)
    for task in earlier:
        pair = _pair(task, most // _EACH)
        size = sum(len(message.content.encode("utf-8", "replace")) for message in pair)
        if size > left:
            break
        shown.append(pair)
        left -= size
    if not shown or most < _LEAST:
        return request, 0, 0
    messages = [message for pair in reversed(shown) for message in pair]
    if len(shown) < len(earlier):
        messages[0] = messages[0].model_copy(update={"content": f"{_OLDER}\n{messages[0].content}"})
    return _before(request, messages), len(shown), len(messages)


def _pair(task: EarlierTask, most: int) -> tuple[ChatMessage, ChatMessage]:
    when = task.finished_at.isoformat(timespec="seconds")
    mark = f"[Earlier task of this session: {task.kind}, {when}]"
    asked = f"{mark}\n{ends(task.asked, most)}"
    return ChatMessage(role="user", content=asked), ChatMessage(
        role="assistant", content=ends(task.answered, most)
    )


def _before(request: TaskRequest, messages: list[ChatMessage]) -> TaskRequest:
    """What the submitter gave stays last; instructions that begin a conversation stay first."""
    context = request.context
    if isinstance(request, ChatRequest):
        said = request.context.conversation
        at = next((at for at, message in enumerate(said) if message.role != "system"), len(said))
        update = {"prompt": None, "messages": [*said[:at], *messages, *said[at:]]}
    else:
        assert not isinstance(request, EmbedRequest)
        update = {"messages": [*messages, *request.context.messages]}
    return request.model_copy(update={"context": context.model_copy(update=update)})
