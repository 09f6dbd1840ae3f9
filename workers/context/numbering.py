"""A diff with the line numbers of both sides before each of its lines, as a reviewer is shown it.

Only lines of hunks get numbers: `  12   13  |text`, the old number, the new one, the diff's marker, a bar.
What follows the bar is the line as it is, byte for byte.
"""

from workers.diffs.hunks import SideLines, read_diff


def numbered(diff: str) -> str:
    """The diff with numbers; headers and what else stands between hunks stay as they are."""
    old, new, widest = dict[int, int](), dict[int, int](), 1
    for file in read_diff(diff):
        for numbers, side in ((old, file.old), (new, file.new)):
            numbers.update(_by_row(side))
            widest = max(widest, *map(len, map(str, side.numbers[-1:])), 1)
    lines = diff.split("\n")
    return "\n".join(
        _gutter(old.get(row), new.get(row), widest, line) if row in old or row in new else line
        for row, line in enumerate(lines, 1)
    )


def _by_row(side: SideLines) -> dict[int, int]:
    return dict(zip(side.rows, side.numbers, strict=True))


def _gutter(old: int | None, new: int | None, width: int, line: str) -> str:
    marker, text = line[:1].replace("\r", "") or " ", line[1:] if line[:1] != "\r" else line
    return f"{old or '':>{width}} {new or '':>{width}} {marker}|{text}"
