"""Holds every Python file of the project against the laws; exit 1 on any breach."""

import sys
from collections.abc import Iterator
from pathlib import Path

from ops.check.laws import ALL
from ops.check.source import Breach, Source

ROOTS = ("orchestrator", "workers", "schemas", "ops", "tests")


def read(root: Path) -> Iterator[Source]:
    """Every Python file under the project's packages, in a stable order."""
    for package in ROOTS:
        for path in sorted((root / package).rglob("*.py")):
            yield Source(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def breaches(source: Source) -> list[Breach]:
    """What the file breaks; a file that does not parse breaks one thing."""
    try:
        return [breach for law in ALL for breach in law(source)]
    except SyntaxError as error:
        return [source.breach(error.lineno or 1, f"does not parse: {error.msg}")]


def main(root: Path) -> int:
    """Print the breaches of the project at `root` and return the exit code."""
    sources = list(read(root))
    found = [breach for source in sources for breach in breaches(source)]
    for breach in sorted(found, key=lambda breach: (breach.path, breach.line)):
        print(breach)
    print(f"house law: {len(sources)} files, {len(ALL)} laws, {len(found)} breaches")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).parents[2]))
