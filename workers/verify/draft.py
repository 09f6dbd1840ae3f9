"""What the answers so far left of a change that is not usable yet."""

from dataclasses import dataclass
from typing import Final

from workers.verify.edits import AnyEdit


@dataclass(frozen=True)
class Draft:
    """Blocks that stand, how many others were asked again, files that were, and what was said so far.

    `whole` are files that may come anew as a whole: what stood of them then counts no more.
    """

    kept: tuple[AnyEdit, ...] = ()
    owed: int = 0
    files: tuple[str, ...] = ()
    said: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


FRESH: Final = Draft()
