"""What a task's submitter is told of besides the result: it changed neither the answer nor its level."""

from enum import StrEnum
from typing import Final

from pydantic import Field

from schemas.base import Value


class NoticeKind(StrEnum):
    """What a notice is about."""

    REDACTED = "redacted"
    HIDDEN_CONTENT = "hidden_content"
    BIDI = "bidi"
    INJECTION = "injection"
    FAKE_DELIMITER = "fake_delimiter"
    INSTRUCTION_FILE = "instruction_file"
    SECRET_IN_ANSWER = "secret_in_answer"
    ACTIVE_CONTENT = "active_content"


class Notice(Value):
    """Something about the task or its answer that its submitter should know."""

    kind: NoticeKind
    where: str = Field(description="the field of the context, or the part of the result")
    detail: str


NOTICES: Final[dict[NoticeKind, str]] = {
    NoticeKind.REDACTED: "values were hidden from the provider, and put back into the result",
    NoticeKind.HIDDEN_CONTENT: "prose held what its reader is not shown; it was not sent (code is)",
    NoticeKind.BIDI: "characters turn text around; code was sent as it is, prose without them",
    NoticeKind.INJECTION: "a text speaks to a language model; it was sent as the data it is",
    NoticeKind.FAKE_DELIMITER: "a text holds a delimiter of our prompts; it was fenced under another name",
    NoticeKind.INSTRUCTION_FILE: "the change under review touches a file that tools take instructions from",
    NoticeKind.SECRET_IN_ANSWER: "the answer holds a secret of its own: hidden in prose, left in code",
    NoticeKind.ACTIVE_CONTENT: "the answer's prose held markup that acts or loads: disarmed, save in a chat",
}
"""What each kind means."""
