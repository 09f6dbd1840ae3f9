"""Features: what `generate` writes, named in the project's own pages where it has them."""

from dataclasses import replace
from typing import Final

from orchestrator.simulator.scripts import code
from orchestrator.simulator.scripts.code import Block, CodeAnswer
from orchestrator.simulator.scripts.generate import generate
from orchestrator.simulator.scripts.prompt import Prompt

_PAGES: Final = ("README.md", "README.rst", "README")


def feature(prompt: Prompt) -> CodeAnswer:
    """The answer to a task that asks for a feature."""
    answer = generate(prompt)
    page = next((path for path in _PAGES if prompt.files.get(path, "").strip() and prompt.allows(path)), None)
    if page is None:
        return answer
    return replace(answer, blocks=(*answer.blocks, _named_in(page, prompt, answer.blocks[0].path)))


def _named_in(page: str, prompt: Prompt, path: str) -> Block:
    old = prompt.files[page].removesuffix("\n")
    asked = " ".join(prompt.description.split())[:80]
    return code.edit(page, old, f"{old}\n\n{asked}: see `{path}`.")
