"""What stays in the data directory for the command line: the API's address and a key for it."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.embedded.directory import write_private


@dataclass(frozen=True)
class Kept:
    """The files of one data directory."""

    data_dir: Path

    @property
    def key_file(self) -> Path:
        """Holds the API key; only its owner may read it."""
        return self.data_dir / "api-key"

    @property
    def key(self) -> str | None:
        """The API key that an earlier start kept."""
        return _line(self.key_file)

    @property
    def url(self) -> str | None:
        """The API's address at the last start."""
        return _line(self.data_dir / "api-url")

    def keep_key(self, key: str) -> None:
        """Keep a key."""
        write_private(self.key_file, f"{key}\n")

    def keep_url(self, url: str) -> None:
        """Keep the address."""
        write_private(self.data_dir / "api-url", f"{url}\n")


def _line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
