"""Lines of the tree that a prompt left out must not vanish with an answer that never saw them.

Edits are applied to whole files, so one whose lines are found keeps the rest. A file that is written anew
from what was shown of it would lose the rest: that answer is refused. So is one that deletes such a file and
brings a new one, unless the lines go on elsewhere: the new one was written from what was shown. A file may go
where nothing new comes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from schemas.results import CodeResult, Operation

_LOST_SHARE: Final = 0.2
_LOST_LINES: Final = 2
"""An edit may find and replace a few lines that were not shown; more than these it can't have meant."""


def lost_unseen(
    result: CodeResult, hidden: Mapping[str, Sequence[str]], unread: Sequence[str] = ()
) -> list[str]:
    """What is wrong with a change, given the lines that were not shown, and the files that never are."""
    problems = []
    comes = any(change.operation is Operation.CREATE for change in result.files)
    everywhere = Counter(line for change in result.files for line in (change.content or "").split("\n"))
    for change in result.files:
        if change.path in unread:
            problems.append(f"{change.path}: there is a file of this name that can't be shown; take another.")
        goes = change.operation is Operation.DELETE
        if change.path not in hidden or (goes and not comes) or change.operation is Operation.CREATE:
            continue
        unseen = Counter(line for line in hidden[change.path] if line.strip())
        lost = unseen - (everywhere if goes else Counter((change.content or "").split("\n")))
        if lost.total() > max(_LOST_LINES, _LOST_SHARE * unseen.total()):
            how = "while a new file comes. Keep the file, and change it" if goes else "Change the file"
            problems.append(
                f"{change.path}: {lost.total()} lines that you were not shown would be gone"
                f"{', ' if goes else '. '}{how} where you see it, with edit blocks, and never write it anew."
            )
    return problems
