"""The tree that a task is about: its files as they were given, or out of a git bundle.

A bundle is unpacked by git in a folder of its own, without hooks, configuration or network, within bounds of
time, size and number; from it only regular files with paths inside the tree are read, into memory. What the
project says about its code (AGENTS.md and the like) is taken from the side that a change began at, never from
the change.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from schemas.contexts import Bundle, SourceFile, inner_path
from schemas.notices import Notice
from schemas.tasks import ChatRequest, CodeRequest, EmbedRequest, ReviewCodeRequest, TaskRequest
from workers.context.fit import Unread
from workers.context.git import Entry, Git, GitFailed
from workers.context.untrusted import sanitised

MOST_FILES: Final = 2_000
MOST_BYTES: Final = 20_000_000
LARGEST_FILE: Final = 2_000_000
MOST_CONVENTIONS: Final = 24_000
_CONVENTIONS: Final = frozenset(
    {"AGENTS.md", "CLAUDE.md", "CONTRIBUTING.md", "CONVENTIONS.md", ".github/copilot-instructions.md"}
)
_IN_DIFF: Final = re.compile(r"^(?:\+\+\+|---|rename (?:from|to)|diff --git) .*$", re.MULTILINE)


class Unusable(Exception):
    """The tree can't be had; the message names the field and says what would do."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """A task with its tree in `files`; `unread` are files without text; `conventions` by path."""

    request: TaskRequest
    unread: tuple[Unread, ...] = ()
    conventions: Mapping[str, str] = field(default_factory=dict)
    lead: str | None = None
    """A template in place of the built-in lead."""

    @property
    def files(self) -> dict[str, str]:
        """The tree by path."""
        request = self.request
        if isinstance(request, ChatRequest | EmbedRequest):
            return {}
        return {file.path: file.content for file in request.context.files}


def gather(request: TaskRequest) -> Gathered:
    """The task with its tree. Raises `Unusable`."""
    if isinstance(request, ChatRequest | EmbedRequest):
        return Gathered(request)
    if request.context.bundle is not None:
        return _unpacked(request, request.context.bundle)
    found = {file.path: file.content for file in request.context.files if file.path in _CONVENTIONS}
    changed = "\n".join(_IN_DIFF.findall(request.context.diff or ""))
    # A file that the change touches may hold what its author wants us to obey: it stays a file among others.
    unchanged = {path: text for path, text in found.items() if path not in changed}
    return Gathered(request, (), _within(unchanged))


def looked_through(request: TaskRequest) -> tuple[Gathered, tuple[Notice, ...]]:
    """The task with its tree, without hidden content, and what was found in both. Raises `Unusable`.

    A bundle is looked at as it is unpacked; its files are named by their paths."""
    gathered = gather(request)
    safe = sanitised(gathered.request)
    notices = safe.notices
    if gathered.request is not request:
        paths = {f"files[{number}].content": path for number, path in enumerate(gathered.files)}
        notices = tuple(
            each.model_copy(update={"where": paths.get(each.where, each.where)}) for each in notices
        )
    return replace(gathered, request=safe.request), notices


def _unpacked(request: CodeRequest | ReviewCodeRequest, bundle: Bundle) -> Gathered:
    try:
        data = base64.b64decode("".join(bundle.data.split()), validate=True)
    except binascii.Error as error:
        raise Unusable(f"context.bundle.data is not base64: {error}.") from error
    try:
        with TemporaryDirectory(prefix="bundle-", ignore_cleanup_errors=True) as folder:
            git = Git.of_bundle(Path(folder), data)
            commit = git.found(bundle.commit)
            base = git.found(bundle.base) if bundle.base else commit
            files, unread = _tree(git, commit)
            rules = [entry for entry in git.entries(base) if entry.path in _CONVENTIONS and entry.regular]
            conventions = {
                path: text for path, text in git.texts(rules, LARGEST_FILE).items() if text is not None
            }
            diff = git.diff(base, commit) if isinstance(request, ReviewCodeRequest) else request.context.diff
    except GitFailed as error:
        raise Unusable(f"context.bundle can't be used: {error}") from error
    if isinstance(request, ReviewCodeRequest) and "\n@@ " not in f"\n{diff}":
        raise Unusable("context.bundle.base: nothing was changed since that commit.")
    sources = [SourceFile.model_construct(path=path, content=text) for path, text in files.items()]
    context = request.context.model_copy(update={"files": sources, "bundle": None, "diff": diff})
    return Gathered(request.model_copy(update={"context": context}), unread, _within(conventions))


def _tree(git: Git, commit: str) -> tuple[dict[str, str], tuple[Unread, ...]]:
    entries = git.entries(commit)
    if len(entries) > MOST_FILES:
        raise Unusable(f"context.bundle has {len(entries)} files; at most {MOST_FILES} are taken.")
    unread = [Unread(_printable(entry.path), entry.size, why) for entry in entries if (why := _unfit(entry))]
    wanted = [entry for entry in entries if not _unfit(entry)]
    if sum(entry.size for entry in wanted) > MOST_BYTES:
        raise Unusable(f"context.bundle has more than {MOST_BYTES:,} bytes of files; leave some out.")
    texts = git.texts(wanted, LARGEST_FILE)
    unread += [Unread(entry.path, entry.size, "not text") for entry in wanted if texts[entry.path] is None]
    return {path: text for path, text in sorted(texts.items()) if text is not None}, tuple(unread)


def _unfit(entry: Entry) -> str:
    """Why an entry of the tree is not read; empty where it is."""
    if not entry.regular:
        return "not a regular file"
    try:
        inner_path(entry.path)
    except ValueError as error:
        return f"its path {error}"
    return "too large" if entry.size > LARGEST_FILE else ""


def _printable(path: str) -> str:
    return path.encode("unicode_escape").decode()[:500] if not path.isprintable() else path


def _within(conventions: Mapping[str, str]) -> dict[str, str]:
    """As much of the conventions as has room, cut at a line and marked."""
    left, kept = MOST_CONVENTIONS, {}
    for path, text in sorted(conventions.items(), key=lambda each: (each[0].count("/"), each[0])):
        data = text.encode("utf-8", "replace")
        if len(data) > left:
            shown = data[:left].decode("utf-8", "ignore").rpartition("\n")[0]
            if shown:
                kept[path] = f"{shown}\n[… the rest is not shown …]\n"
        elif text.strip():
            kept[path] = text
        left = max(0, left - len(data))
    return kept
