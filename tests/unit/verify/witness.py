"""Git as the witness of many patches in one repository, emptied between them."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_OPTIONS: Final = ("-c", "core.autocrlf=false", "-c", "core.quotePath=true", "-c", "core.symlinks=true")


class Witness:
    """A fresh repository below a folder of no other repository's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tree"
        self.folder.mkdir()
        self._git("init", "--quiet")

    def apply(self, before: Mapping[str, str], diff: str) -> dict[str, str]:
        """The tree that git makes of the diff; it must say nothing and skip nothing."""
        self._empty()
        for path, content in before.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode())
        self._git("apply", "--whitespace=nowarn", "-", data=diff.encode())
        return self._tree()

    def _tree(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for folder, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if name != ".git"]
            for name in names:
                path = Path(folder, name)
                assert not path.is_symlink()
                found[path.relative_to(self.folder).as_posix()] = path.read_bytes().decode()
        return found

    def _empty(self) -> None:
        for path in self.folder.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _git(self, *arguments: str, data: bytes = b"") -> None:
        done = subprocess.run(
            ["git", *_OPTIONS, *arguments], cwd=self.folder, input=data, capture_output=True, check=False
        )
        told = done.stderr.decode(errors="replace")
        assert done.returncode == 0, told + "\n" + data.decode(errors="replace")
        assert "Skipped" not in told
