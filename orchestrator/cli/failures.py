"""What went wrong, in one readable line, and the exit code that says so to scripts.

This stands apart from the commands, because the client is only loaded where one of them failed.
"""

import sys
import traceback
from typing import TYPE_CHECKING, Final

from orchestrator.cli import printing
from orchestrator.cli.exits import Code, Ending

if TYPE_CHECKING:
    from orchestrator.client import ApiError

_NO_KEY: Final = (
    "Give a key with --api-key or ORCHESTRATOR_API_KEY; `orchestrator up` prints one at its first start."
)

_REPORT: Final = (
    "This is a defect. Please report it as an issue of the repository, with what `--debug` (or "
    "ORCHESTRATOR_DEBUG=1) shows."
)


def expected() -> tuple[type[BaseException], ...]:
    """The errors that commands end with."""
    kinds: list[type[BaseException]] = [Ending, KeyboardInterrupt]
    if "orchestrator.client" in sys.modules:
        from orchestrator.client import ClientError

        kinds.append(ClientError)
    if "orchestrator.wiring" in sys.modules:
        from orchestrator.wiring import NotConfigured
        from schemas.errors import StoreUnavailable

        kinds += [NotConfigured, StoreUnavailable]
    return tuple(kinds)


def ended(error: BaseException) -> Code:
    """Say what went wrong."""
    if isinstance(error, KeyboardInterrupt):
        printing.say("interrupted")
        return Code.INTERRUPTED
    if not isinstance(error, Ending):
        error = as_ending(error)
    printing.say(f"error: {error.problem}", style="red")
    if error.remedy:
        printing.say(error.remedy)
    return error.code


def unexpected(error: Exception, *, debug: bool) -> Code:
    """Say in a line what nobody foresaw, and where to report it; a fault of the machine needs no report."""
    if debug or _debugging():
        printing.say("".join(traceback.format_exception(error)).rstrip())
    said = " ".join(str(error).split())
    if isinstance(error, OSError):
        printing.let_go()
        printing.say(f"error: {said}", style="red")
    else:
        printing.say(f"error: {type(error).__name__}{': ' if said else ''}{said}", style="red")
        printing.say(_REPORT)
    return Code.FAILED


def _debugging() -> bool:
    from pydantic import ValidationError

    from orchestrator.config import config

    try:
        return config().debug
    except ValidationError:
        return False


def as_ending(error: BaseException) -> Ending:
    """A client's or a part's error as the end of a command."""
    from orchestrator import client

    if isinstance(error, client.ApiError):
        return _refusal(error)
    if isinstance(error, client.WaitTimeout):
        remedy = f"It goes on: orchestrator task wait {error.task.id}"
        return Ending(f"{error}.", remedy, code=Code.TIMEOUT)
    if isinstance(error, client.Unreachable):
        return Ending(str(error), "Is it running? `orchestrator up` starts it.", code=Code.UNAVAILABLE)
    if isinstance(error, client.Unsendable):
        return Ending(str(error), code=Code.USAGE)
    if isinstance(error, client.Unreadable):
        return Ending(str(error), "Is that an Orchestrator's address?", code=Code.UNAVAILABLE)
    return Ending(str(error), code=Code.UNAVAILABLE)


def _refusal(error: "ApiError") -> Ending:
    from orchestrator import client

    faults = [
        f"  {fault.field}: {fault.message}" for fault in error.errors if fault.message not in error.detail
    ]
    lines = [str(error), *faults]
    codes: dict[type[client.ApiError], Code] = {
        client.Unauthenticated: Code.AUTH,
        client.PermissionRefused: Code.AUTH,
        client.NotFound: Code.NOT_FOUND,
        client.RequestRefused: Code.USAGE,
        client.RateLimited: Code.UNAVAILABLE,
        client.Unavailable: Code.UNAVAILABLE,
    }
    remedy = _NO_KEY if isinstance(error, client.Unauthenticated) else None
    code = Code.FAILED if error.code == "no_provider" else codes.get(type(error), Code.FAILED)
    return Ending("\n".join(lines), remedy, code=code)
