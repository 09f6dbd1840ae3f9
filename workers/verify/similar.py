"""What a model may have meant: the file it misnamed, the lines it misremembered. For its next answer only."""

from collections.abc import Mapping, Sequence
from typing import Final

from workers.verify.documents import Document
from workers.verify.locate import closest, nearest
from workers.verify.problems import Region

_SHOWN_LINE: Final = 160
_SHOWN: Final = 800


def meant_file(
    path: str, lines: Sequence[str], documents: Mapping[str, Document], *, guess: bool = False
) -> str | None:
    """The file of that name elsewhere, else one with a like name; with lines, only one that holds half."""
    name = "/" + path.rsplit("/", 1)[-1]
    moved = next((known for known in documents if f"/{known}".endswith(name)), None)
    if not lines:
        return moved or (closest(path, list(documents)) if guess else None)
    told = {line.strip() for line in lines} - {""}
    if moved is None or len(told) < 3:
        return None
    return moved if 2 * len(told & {line.strip() for line in documents[moved].bare}) >= len(told) else None


def region_like(real: Sequence[str], quoted: Sequence[str], *, guess: bool) -> Region | None:
    """The nearest real lines, whole, as many as can be shown; none of them where each is too long."""
    region = nearest(real, quoted, guess=guess)
    if region is None:
        return None
    start, end = region
    lines: list[str] = []
    for line in real[start:end]:
        if len(line) > _SHOWN_LINE or sum(map(len, lines)) + len(line) > _SHOWN:
            break
        lines.append(line)
    return Region(start + 1, tuple(lines))


def shown(region: Region | None) -> str:
    """The region, for the model to copy."""
    if region is None:
        return " No line of the file is like them."
    if not region.lines:
        return f" The nearest region begins at line {region.first}."
    last = region.first + len(region.lines) - 1
    return f" The nearest region is lines {region.first}-{last}:\n" + "\n".join(region.lines)
