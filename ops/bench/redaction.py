"""How often redaction hides what is no secret: over the whole source of installed packages.

    python -m ops.bench.redaction [PACKAGE …]

Every hit counts as false, the address of an author and the password of an example too: a published package
holds no secrets, and what was written on purpose costs as much as a mistake. Counted are lines with a hit
among all lines, and files with a hit among all files.
"""

import importlib.util
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

from workers.context.sensitive import sensitive

PACKAGES = ("sqlalchemy", "celery", "pydantic")


@dataclass
class Tally:
    """What was found in a package."""

    files: int = 0
    lines: int = 0
    characters: int = 0
    hit_files: int = 0
    hit_lines: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    seen: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Lines with a hit among all lines."""
        return self.hit_lines / max(1, self.lines)

    def count(self, name: str, text: str) -> None:
        """One more file."""
        spans = sensitive(text)
        hit = {text.count("\n", 0, span.start) for span in spans}
        self.files += 1
        self.lines += text.count("\n") + 1
        self.characters += len(text)
        self.hit_files += bool(hit)
        self.hit_lines += len(hit)
        self.rules.update(span.rule for span in spans)
        self.seen += [f"{name}: {span.rule}: {text[span.start : span.end]}" for span in spans]


def sources(package: str, every: int = 1) -> Iterator[tuple[str, str]]:
    """Names and texts of the package's Python files, or of each n-th of them."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed")
    home = Path(spec.origin).parent
    for path in sorted(home.rglob("*.py"))[::every]:
        yield str(path.relative_to(home.parent)), path.read_text("utf-8", errors="replace")


def tally(package: str, every: int = 1) -> Tally:
    """The tally of a package, or of each n-th of its files."""
    counted = Tally()
    for name, text in sources(package, every):
        counted.count(name, text)
    return counted


def main(packages: list[str]) -> None:
    """Print the tallies."""
    for package in packages:
        started = perf_counter()
        found = tally(package)
        seconds = perf_counter() - started
        print(
            f"{package}: {found.hit_lines} of {found.lines} lines ({found.share:.3%}), "
            f"{found.hit_files} of {found.files} files; {dict(found.rules)}; "
            f"{found.characters / seconds / 1e6:.1f} million characters a second"
        )
        if "-v" in sys.argv:
            print("\n".join(f"  {line}" for line in found.seen))


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if not name.startswith("-")] or list(PACKAGES))
