"""New code: a working `slugify`, and for everything else a labelled placeholder that is valid Python."""

import keyword
import re
from typing import Final

from orchestrator.simulator.scripts import code
from orchestrator.simulator.scripts.code import Block, CodeAnswer
from orchestrator.simulator.scripts.prompt import Prompt

_SLUGIFY: Final = re.compile(r"\bslugify\b")
_NAMED_FILE: Final = re.compile(r"(?<![\w./-])([\w][\w/.-]*\.py)\b")
_SLUG_WORDS: Final = 6
_SLUG_CHARACTERS: Final = 40
_QUOTED_CHARACTERS: Final = 60

_SLUGIFY_CODE: Final = '''\
"""Turns titles into slugs for addresses."""

import re
import unicodedata


def slugify(title: str) -> str:
    """Lower-case ASCII letters and digits of the title, joined by single hyphens, accents removed."""
    ascii_title = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii")
    return "-".join(re.findall(r"[a-z0-9]+", ascii_title.lower()))
'''
_PLACEHOLDER: Final = '''\
"""A simulated placeholder: it was written by a script, not by a model."""


def {name}() -> str:
    """Say what was asked for."""
    return {quoted}
'''


def generate(prompt: Prompt) -> CodeAnswer:
    """The answer to a task that asks for new code."""
    return _slugify(prompt) if _SLUGIFY.search(prompt.description) else _placeholder(prompt)


def _slugify(prompt: Prompt) -> CodeAnswer:
    named = _NAMED_FILE.search(prompt.description)
    path = prompt.inside(named[1] if named else "slugify.py")
    line = _SLUGIFY_CODE.split("\n").index("def slugify(title: str) -> str:") + 1
    return CodeAnswer(
        "`slugify` strips accents by Unicode decomposition, then joins the runs of letters and digits.",
        (_written(prompt, path, _SLUGIFY_CODE),),
        code.verdicts(prompt.criteria, "met", f"{path}:{line}", "The function does this."),
    )


def _placeholder(prompt: Prompt) -> CodeAnswer:
    name = slug(prompt.description)
    path = _free_path(prompt, name)
    asked = " ".join(prompt.description.split())[:_QUOTED_CHARACTERS]
    text = _PLACEHOLDER.format(name=name, quoted=ascii(f"Simulated: {asked}"))
    return CodeAnswer(
        "This script solves only the tasks of the demo; here is a placeholder in valid Python.",
        (Block(path, "", text.rstrip("\n")),),
        code.verdicts(prompt.criteria, "cant_tell", f"{path}:1", "No model looked at this."),
    )


def slug(description: str) -> str:
    """A Python name made of the description's first words."""
    words = re.findall(r"[a-z0-9]+", description.lower())[:_SLUG_WORDS]
    name = "_".join(words)[:_SLUG_CHARACTERS].strip("_") or "task"
    return f"task_{name}" if name[0].isdigit() or keyword.iskeyword(name) else name


def _free_path(prompt: Prompt, name: str) -> str:
    folder = prompt.inside("simulated")
    path, number = f"{folder}/{name}.py", 1
    while path in prompt.files:
        number += 1
        path = f"{folder}/{name}_{number}.py"
    return path


def _written(prompt: Prompt, path: str, text: str) -> Block:
    """A block after which the file holds the text, whatever it held before."""
    old = prompt.files.get(path, "")
    if old.strip():
        return code.edit(path, old, text.rstrip("\n"))
    return Block(path, "", text.rstrip("\n"))
