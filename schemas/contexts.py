"""What a task is about: one typed context per kind.

Paths are checked here once, so that no later step meets a path outside the tree.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from schemas.base import Value
from schemas.structured import AnswerSchema

MAX_FILES: Final = 500
MAX_MESSAGES: Final = 1_000
MAX_CHAT: Final = 2_000_000
MAX_BUNDLE: Final = 8_000_000
"""Characters of base64."""
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
Revision = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$")]
Argument = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]
SessionHistory = Annotated[
    bool,
    Field(
        strict=True,
        description="put what earlier tasks of the same `session_id` and `user_id` asked and were answered "
        "before this one, as much as fits; the oldest are left out first",
    ),
]
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


class Bundle(Value):
    """A git repository, or a part of it, as `git bundle create` writes it."""

    data: str = Field(
        min_length=1,
        max_length=MAX_BUNDLE,
        pattern=r"^[A-Za-z0-9+/\s]+={0,2}\s*$",
        description="the bundle's bytes in base64",
    )
    commit: Revision | None = Field(None, description="the commit or ref to work on; else the bundle's HEAD")
    base: Revision | None = Field(
        None,
        description="where the change began: reviews look at what came since, by the rules of this commit",
    )


class _Coding(Value):
    """The fields that coding contexts share."""

    description: Text
    acceptance_criteria: list[Text] = Field(default_factory=list, max_length=50)
    specifications: Specifications = Field(default_factory=lambda: Specifications.model_validate({}))
    files: list[SourceFile] = Field(default_factory=list, max_length=MAX_FILES)
    bundle: Bundle | None = Field(None, description="a git bundle in place of `files`")
    diff: str | None = Field(
        None,
        max_length=2_000_000,
        description="a change in progress, as a unified diff; `files` have it already",
    )
    messages: list[ChatMessage] = Field(
        default_factory=list, max_length=MAX_EARLIER, description="what was said earlier about this work"
    )
    session_history: SessionHistory = False
    constraints: Constraints = Field(default_factory=lambda: Constraints.model_validate({}))
    estimated_complexity: int | None = Field(None, strict=True, ge=1, le=5)

    @model_validator(mode="after")
    def _tree_is_given_once(self) -> Self:
        if self.bundle is not None and self.files:
            raise ValueError("give either files or a bundle")
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


class _Given(_Coding):
    """Contexts that are about code which is there."""

    @model_validator(mode="after")
    def _code_is_given(self) -> Self:
        if not self.files and self.bundle is None:
            raise ValueError("files: at least one is needed, or a bundle")
        return self


class FixBugContext(_Given):
    """A bug in the given files, with what is known of it."""

    error_report: LongText | None = None
    logs: LongText | None = None


class ImplementFeatureContext(_Coding):
    """A feature for the given codebase, or for an empty one."""


class RefactorContext(_Given):
    """Given files whose structure is to become better while they do the same."""

    keep_public_names: bool = Field(
        True,
        strict=True,
        description="refuse an answer that drops a public name of a Python module, unless the task names it",
    )


class WriteTestsContext(_Given):
    """Given files that are to be tested."""

    description: Text = "Write tests for this code."
    framework: str | None = Field(None, min_length=1, max_length=100, description="for example `pytest`")


class DocumentContext(_Given):
    """Given files that are to be documented: docstrings, comments, pages; code stays as it is."""

    description: Text = "Document this code."
    audience: Text | None = Field(None, description="whom the documentation is for")


class ReviewCodeContext(_Coding):
    """A change to be reviewed: a unified diff, with full files where the submitter has them."""

    description: Text = "Review this change."
    diff: str = Field(
        "",
        max_length=2_000_000,
        description="a unified diff, as `git diff` prints it; of a bundle with a `base` it is made here",
    )
    max_findings: int = Field(10, strict=True, ge=1, le=50)

    @field_validator("diff")
    @classmethod
    def _diff_changes_something(cls, diff: str) -> str:
        if diff and not diff.strip():
            raise ValueError("must not be empty: give a unified diff, for example the output of `git diff`")
        if diff and not re.search(r"^@@ -\d+(,\d+)? \+\d+(,\d+)? @@", diff, re.MULTILINE):
            raise ValueError("must be a unified diff with at least one '@@ -a,b +c,d @@' hunk")
        return diff

    @model_validator(mode="after")
    def _there_is_a_change(self) -> Self:
        made_here = self.bundle is not None and self.bundle.base is not None
        if made_here == bool(self.diff):
            raise ValueError(
                "diff: give either a unified diff, as `git diff` prints it, or a bundle with a base"
            )
        return self


class ChatContext(Value):
    """A conversation to go on with: messages in their order, or one prompt."""

    prompt: str | None = Field(None, min_length=1, max_length=MAX_CHAT, description="instead of messages")
    messages: list[ChatMessage] | None = Field(None, min_length=1, max_length=MAX_MESSAGES)
    stream: bool = Field(
        False,
        strict=True,
        description="pass the answer on while it comes: once its first part is out, no retry and no failover",
    )

    answer_schema: AnswerSchema | None = None
    session_history: SessionHistory = False

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
