"""Start a command in the sandbox, and say what became of it.

The sandbox is `inside.py`, in an interpreter of its own. Where any part of it can't be had (another system,
user namespaces forbidden, an old kernel) the command is refused and not run with less.
"""

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import orjson

from orchestrator import clock

_INSIDE: Final = Path(__file__).with_name("inside.py")
_SYSTEM: Final = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/ld.so.cache",
    "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/localtime",
)  # fmt: skip
"""What a program needs to start; nothing of it is anybody's secret."""
_SLACK: Final = 15.0
_LOOK_SECONDS: Final = 0.2
_MOST_FILES: Final = 64 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds of one run: wall clock and processor in seconds, sizes in bytes.

    `memory` bounds the address space of each process, and what all of them and their files use together;
    `disk` the work tree and `/tmp` each.
    """

    seconds: float = 60
    cpu_seconds: int = 60
    memory: int = 1024 * 1024 * 1024
    processes: int = 64
    file_size: int = 64 * 1024 * 1024
    disk: int = 256 * 1024 * 1024


@dataclass(frozen=True)
class Ran:
    """A command that ran: whether it ended with 0, how it ended, and the end of what it printed."""

    passed: bool
    ended: str
    output: str


@dataclass(frozen=True)
class Refused:
    """Why a command was not run."""

    reason: str


class Unwanted(Exception):
    """A command was ended because nobody wants its outcome any more."""


def run_contained(
    files: Mapping[str, str],
    argv: Sequence[str],
    reads: Sequence[str] = (),
    limits: Limits | None = None,
    unwanted: Callable[[], bool] = lambda: False,
) -> Ran | Refused:
    """Run a command in a fresh tree of these files; `reads` are folders it may read beyond the usual.

    Raises `Unwanted` soon after that holds; nothing of the command is left then."""
    limits = limits or Limits()
    if sys.platform != "linux":
        return Refused("the sandbox needs Linux")
    if sum(len(text.encode("utf-8", "replace")) for text in files.values()) > min(_MOST_FILES, limits.disk):
        return Refused("the files are too large for the sandbox")
    own = (sys.prefix, sys.base_prefix)
    asked = orjson.dumps(
        {
            "files": {path: text.encode("utf-8", "replace").decode() for path, text in files.items()},
            "argv": list(argv),
            "reads": [*_SYSTEM, *own, *(str(Path(path).resolve()) for path in own), *reads],
            "path": [f"{sys.prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"],
            "limits": asdict(limits),
        }
    )
    try:
        told = orjson.loads(_said(asked, limits.seconds + _SLACK, unwanted))
    except subprocess.TimeoutExpired:
        return Ran(False, f"was ended after {limits.seconds:g} seconds", "")
    except (OSError, orjson.JSONDecodeError) as error:
        return Refused(f"the sandbox did not start ({type(error).__name__})")
    if "refused" in told:
        return Refused(f"it can't be contained here: {told['refused']}")
    return _ran(told, limits)


def _said(asked: bytes, seconds: float, unwanted: Callable[[], bool]) -> bytes:
    """What the sandbox tells, within that time. Raises `TimeoutExpired`, `Unwanted`; it is killed then."""
    until = clock.monotonic() + seconds
    with subprocess.Popen(
        [sys.executable, "-I", "-S", str(_INSIDE)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={}, cwd="/", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            given: bytes | None = asked
            while True:
                try:
                    return process.communicate(given, timeout=_LOOK_SECONDS)[0]
                except subprocess.TimeoutExpired:
                    given = None  # it is remembered, and may not be given twice
                    if unwanted():
                        raise Unwanted from None
                    if clock.monotonic() > until:
                        raise
        finally:
            process.kill()


def _ran(told: Mapping[str, object], limits: Limits) -> Ran:
    how, code = told["how"], int(str(told["code"]))
    output = str(told["output"])
    if how == "exit":
        return Ran(code == 0, f"ended with {code}", output)
    if how == "seconds":
        return Ran(False, f"was ended after {limits.seconds:g} seconds", output)
    if how == "memory":
        return Ran(False, f"was ended at {limits.memory // 1024**2} MiB of memory", output)
    if code == signal.SIGXCPU:
        return Ran(False, f"was ended after {limits.cpu_seconds} seconds of processor time", output)
    return Ran(False, f"was killed by signal {code}", output)
