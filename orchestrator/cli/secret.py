"""A secret from where no other user of the machine can see it: a prompt, standard input or the environment.

Never from an argument: those stand in the shell's history and in the list of processes.
"""

import sys
from typing import Final

import typer

from orchestrator.cli.exits import Code, Ending
from orchestrator.config import credential

_MOST: Final = 8192


def asked_for(variable: str | None, *, from_stdin: bool, prompt: bool) -> str | None:
    """The secret, from the variable of this name or from standard input, where one of them was named.

    With `prompt`, a person at a terminal is asked; nothing typed means that there is none.
    """
    if variable is not None:
        return _fitting(credential(variable), f"The variable {variable}")
    if from_stdin:
        return _fitting(sys.stdin.read(_MOST + 2), "Standard input")
    if prompt and sys.stdin.isatty():
        return (
            typer.prompt("Credential (empty for none)", default="", hide_input=True, show_default=False)
            or None
        )
    return None


def _fitting(secret: str | None, where: str) -> str:
    found = (secret or "").strip("\r\n ")
    if not found:
        raise Ending(f"{where} holds no credential.", code=Code.USAGE)
    return found
