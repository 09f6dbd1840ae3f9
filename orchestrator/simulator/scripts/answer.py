"""Chooses the script that answers a prompt."""

from collections.abc import Callable
from typing import Final

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts.code import LABEL, CodeAnswer
from orchestrator.simulator.scripts.document import document
from orchestrator.simulator.scripts.feature import feature
from orchestrator.simulator.scripts.fix import fix
from orchestrator.simulator.scripts.generate import generate
from orchestrator.simulator.scripts.judge import is_to_judge, judge
from orchestrator.simulator.scripts.personas import UNUSABLE, spoil
from orchestrator.simulator.scripts.prompt import Prompt, read
from orchestrator.simulator.scripts.refactor import refactor
from orchestrator.simulator.scripts.review import ReviewAnswer, review
from orchestrator.simulator.scripts.tests import write_tests
from orchestrator.simulator.scripts.verifier import check
from orchestrator.simulator.wire import Message
from schemas.tasks import TaskKind


def script(messages: tuple[Message, ...], persona: Persona | None = None) -> str:
    """The text that answers the messages."""
    if is_to_judge(messages):
        return judge(messages, persona)
    prompt = read(messages)
    if prompt.kind is None or prompt.kind not in _SCRIPTS:
        return UNUSABLE if persona is Persona.WRONG else _chat(prompt)
    answer = check(prompt) if prompt.verifier else _SCRIPTS[prompt.kind](prompt)
    return spoil(answer, persona, prompt) if persona else answer.render()


def _chat(prompt: Prompt) -> str:
    """What anyone gets who isn't the worker."""
    words = len(prompt.description.split())
    return f"{LABEL} Your message has {words} words. Give the product a provider's key to ask a real model."


_SCRIPTS: Final[dict[TaskKind, Callable[[Prompt], CodeAnswer | ReviewAnswer]]] = {
    TaskKind.GENERATE_CODE: generate,
    TaskKind.FIX_BUG: fix,
    TaskKind.IMPLEMENT_FEATURE: feature,
    TaskKind.REVIEW_CODE: review,
    TaskKind.REFACTOR: refactor,
    TaskKind.WRITE_TESTS: write_tests,
    TaskKind.DOCUMENT: document,
}
