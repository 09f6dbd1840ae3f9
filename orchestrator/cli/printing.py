"""All that goes to standard output and standard error.

What a person reads is made of text that others wrote: control characters in it are shown, never
obeyed. A reader that has seen enough ends the command quietly.
"""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import typer

from orchestrator.cli.exits import Code, Ending
from orchestrator.cli.session import Output

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_LAYOUT: Final = "\n\t"
_TRAILING: Final = re.compile(r" +$", re.MULTILINE)


def write(text: str) -> None:
    """Put text on standard output as it is."""
    with _output():
        sys.stdout.write(_encodable(text))
        sys.stdout.flush()


@contextmanager
def _output() -> Iterator[None]:
    """Standard output that may be closed or full."""
    try:
        yield
    except BrokenPipeError:
        let_go()
        raise typer.Exit(Code.BROKEN_PIPE) from None
    except OSError as error:
        let_go()
        raise Ending(f"standard output can't be written: {error.strerror or error}.") from error


def let_go() -> None:
    """Let what standard output still holds go nowhere: the end of the process must not trip over it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _encodable(text: str) -> str:
    """The text with what standard output's encoding lacks spelled out."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def write_json(value: Any, output: Output) -> None:
    """A JSON value: indented, or on one line for `jsonl`."""
    compact = output is Output.JSONL
    text = json.dumps(value, ensure_ascii=not _is_utf8(), indent=None if compact else 2)
    write(f"{text}\n")


def write_json_list(body: Mapping[str, Any], output: Output) -> None:
    """A page: as it is, or one line for each of its items."""
    if output is Output.JSON:
        write_json(body, output)
        return
    for item in body.get("data", ()):
        write_json(item, output)


def show(*renderables: "RenderableType", soft_wrap: bool = False) -> None:
    """Rich text on standard output, plain where it is no terminal."""
    console = console_for_output()
    with _output(), console.capture() as capture:
        for renderable in renderables:
            console.print(renderable, soft_wrap=soft_wrap)
    text = capture.get()
    write(text if console.is_terminal else _TRAILING.sub("", text))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table, as wide as it needs to be where nobody's terminal limits it."""
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for column in columns:
        made.add_column(column, no_wrap=column != columns[-1])
    for row in rows:
        made.add_row(*(Text(visible(cell)) for cell in row))
    show(made)


def console_for_output() -> "Console":
    """Rich on standard output."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(highlight=False, markup=False, emoji=False, width=None if terminal else 10_000)


def say(text: str, style: str | None = None) -> None:
    """A line for the person at the terminal, on standard error."""
    console = console_for_errors()
    with suppress(OSError):  # nobody can be told that nobody can be told
        console.print(visible(text), style=style, soft_wrap=not console.is_terminal)


def console_for_errors() -> "Console":
    """Rich on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def visible(text: str) -> str:
    """The text with control and direction-changing characters spelled out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _harmless(char) else f"\\u{ord(char):04x}" for char in text)


def _harmless(char: str) -> bool:
    return char in _LAYOUT or unicodedata.category(char) not in ("Cc", "Cf", "Cs")


def _is_utf8() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
