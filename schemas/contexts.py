"""What a task is about: one typed context per kind.

Paths are checked here once, so that no later step meets a path outside the tree.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from schemas.base import Value

MAX_FILES: Final = 500
MAX_MESSAGES: Final = 1_000
MAX_CHAT: Final = 2_000_000
MAX_EARLIER: Final = 100
MAX_EARLIER_TEXT: Final = 500_000
_WINDOWS_DRIVE = re.compile(r"^[A-Za-z]:")


def inner_path(path: str) -> str:
    """A path inside the tree, with forward slashes; ValueError names what is wrong with it."""
    parts = path.split("/")
    if path.startswith("/") or _WINDOWS_DRIVE.match(path) or "\\" in path:
        raise ValueError("must be a relative path with forward slashes")
    if any(part in ("", ".", "..") for part in parts):
        raise ValueError("must not contain empty, '.' or '..' parts")
    if any(part.lower() == ".git" for part in parts):
        raise ValueError("must not lie inside .git")
    if any(ord(char) < 32 or ord(char) == 127 for char in path):
        raise ValueError("must not contain control characters")
    return path


TreePath = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(inner_path)]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Argument = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]
LongText = Annotated[str, Field(min_length=1, max_length=200_000)]


class SourceFile(Value):
    """One file of the codebase as it is now."""

    path: TreePath
    content: str = Field(max_length=2_000_000)


class Specifications(Value):
    """What is asked, from four sides."""

    business: Text | None = None
    functional: Text | None = None
    technical: Text | None = None
    ux: Text | None = None


class Constraints(Value):
    """What the answer must keep to."""

    language: str | None = Field(None, min_length=1, max_length=50)
    repository: str | None = Field(None, min_length=1, max_length=500)
    branch: str | None = Field(None, min_length=1, max_length=200)
    paths: list[TreePath] = Field(default_factory=list, max_length=100, description="change only below these")
    style: Text | None = None
    max_files: int | None = Field(None, strict=True, ge=1, le=MAX_FILES)
    tests: list[Argument] | None = Field(
        None,
        min_length=1,
        max_length=50,
        description="a command (program and arguments, no shell) that has to end with 0 on the "
        "changed files; run in a sandbox, where the operator allows it",
    )


class ChatMessage(Value):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str = Field(min_length=1, max_length=MAX_CHAT)


class _Coding(Value):
    """The fields that coding contexts share."""

    description: Text
    acceptance_criteria: list[Text] = Field(default_factory=list, max_length=50)
    specifications: Specifications = Field(default_factory=lambda: Specifications.model_validate({}))
    files: list[SourceFile] = Field(default_factory=list, max_length=MAX_FILES)
    messages: list[ChatMessage] = Field(
        default_factory=list, max_length=MAX_EARLIER, description="what was said earlier about this work"
    )
    constraints: Constraints = Field(default_factory=lambda: Constraints.model_validate({}))
    estimated_complexity: int | None = Field(None, strict=True, ge=1, le=5)

    @model_validator(mode="after")
    def _paths_are_unique(self) -> Self:
        _refuse_twins(self.files)
        return self

    @model_validator(mode="after")
    def _earlier_messages_are_few(self) -> Self:
        if sum(len(message.content) for message in self.messages) > MAX_EARLIER_TEXT:
            raise ValueError(
                f"messages: all contents together must not be longer than {MAX_EARLIER_TEXT} characters"
            )
        return self


class GenerateCodeContext(_Coding):
    """New code, in an empty tree or beside the given files."""


class FixBugContext(_Coding):
    """A bug in the given files, with what is known of it."""

    files: list[SourceFile] = Field(min_length=1, max_length=MAX_FILES)
    error_report: LongText | None = None
    logs: LongText | None = None


class ImplementFeatureContext(_Coding):
    """A feature for the given codebase, or for an empty one."""


class RefactorContext(_Coding):
    """Given files whose structure is to become better while they do the same."""

    files: list[SourceFile] = Field(min_length=1, max_length=MAX_FILES)
    keep_public_names: bool = Field(
        True,
        strict=True,
        description="refuse an answer that drops a public name of a Python module, unless the task names it",
    )


class WriteTestsContext(_Coding):
    """Given files that are to be tested."""

    description: Text = "Write tests for this code."
    files: list[SourceFile] = Field(min_length=1, max_length=MAX_FILES)
    framework: str | None = Field(None, min_length=1, max_length=100, description="for example `pytest`")


class DocumentContext(_Coding):
    """Given files that are to be documented: docstrings, comments, pages; code stays as it is."""

    description: Text = "Document this code."
    files: list[SourceFile] = Field(min_length=1, max_length=MAX_FILES)
    audience: Text | None = Field(None, description="whom the documentation is for")


class ReviewCodeContext(_Coding):
    """A change to be reviewed: a unified diff, with full files where the submitter has them."""

    description: Text = "Review this change."
    diff: str = Field(max_length=2_000_000, description="a unified diff, as `git diff` prints it")
    max_findings: int = Field(10, strict=True, ge=1, le=50)

    @field_validator("diff")
    @classmethod
    def _diff_changes_something(cls, diff: str) -> str:
        if not diff.strip():
            raise ValueError("must not be empty: give a unified diff, for example the output of `git diff`")
        if not re.search(r"^@@ -\d+(,\d+)? \+\d+(,\d+)? @@", diff, re.MULTILINE):
            raise ValueError("must be a unified diff with at least one '@@ -a,b +c,d @@' hunk")
        return diff


class ChatContext(Value):
    """A conversation to go on with: messages in their order, or one prompt."""

    prompt: str | None = Field(None, min_length=1, max_length=MAX_CHAT, description="instead of messages")
    messages: list[ChatMessage] | None = Field(None, min_length=1, max_length=MAX_MESSAGES)
    stream: bool = Field(
        False,
        strict=True,
        description="pass the answer on while it comes: once its first part is out, no retry and no failover",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either messages or a prompt")
        size = sum(len(message.content) for message in self.messages or ())
        if size > MAX_CHAT:
            raise ValueError(f"messages: all contents together must not be longer than {MAX_CHAT} characters")
        if not (self.prompt or "".join(message.content for message in self.messages or ())).strip():
            raise ValueError("there must be something to answer: all of it is white space")
        return self

    @property
    def conversation(self) -> list[ChatMessage]:
        """The messages; a prompt is one of the user."""
        return self.messages or [ChatMessage(role="user", content=self.prompt or "")]


def _refuse_twins(files: list[SourceFile]) -> None:
    seen: set[str] = set()
    for file in files:
        if file.path in seen:
            raise ValueError(f"files: the path {file.path!r} is given twice")
        seen.add(file.path)
