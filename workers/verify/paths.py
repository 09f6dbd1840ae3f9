"""Which paths an answer may touch: inside the tree, fit for git and every file system, as constrained."""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from schemas.contexts import inner_path

_LONGEST: Final = 500
_PART_BYTES: Final = 255
_GIT_DIRECTORIES: Final = frozenset({".git", "git~1"})
# HFS+ ignores these in names, so that `.g\u200cit` would be `.git`.
_IGNORED: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


def refused(path: str, allowed: Sequence[str]) -> str | None:
    """Why a path may not be changed; `allowed` are the folders or files to stay below, none meaning all."""
    try:
        inner_path(path)
    except ValueError as error:
        return str(error)
    if any("\ud800" <= char <= "\udfff" for char in path):
        return "must be valid Unicode"
    if len(path) > _LONGEST or any(len(part.encode()) > _PART_BYTES for part in path.split("/")):
        return "is too long"
    if any(_means_git(part) for part in path.split("/")):
        return "must not lie inside .git"
    if allowed and not any(path == one or path.startswith(one + "/") for one in allowed):
        return "is outside what may be changed: " + ", ".join(allowed[:10])
    return None


def clashes(tree: Collection[str], created: Iterable[str]) -> list[str]:
    """What is wrong with new paths that would be a file and a folder at once."""
    folders = {folder for path in tree for folder in _folders(path)}
    problems = [f"{path}: is a folder, so it can't be a file." for path in created if path in folders]
    files = set(tree)
    for path in created:
        problems += [
            f"{path}: {above} is a file, so nothing can lie below it." for above in _folders(path) & files
        ]
    return problems


def _folders(path: str) -> set[str]:
    parts = path.split("/")
    return {"/".join(parts[:count]) for count in range(1, len(parts))}


def _means_git(part: str) -> bool:
    name = part.translate(_IGNORED).split(":")[0].rstrip(" .").lower()
    return name in _GIT_DIRECTORIES
