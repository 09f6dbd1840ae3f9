"""Judges two answers: it prefers the shorter one, which both orders of asking agree on.

Asked as a bad persona it has no opinion of its own: it always names the first.
"""

import re
from typing import Final

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts.code import LABEL
from orchestrator.simulator.wire import Message, Role

_JUDGE: Final = re.compile(r"^Task kind: *judge *$", re.MULTILINE)
_ANSWER: Final = re.compile(
    r'^<(answer(?:-[0-9a-f]+)?) name="([AB])">\n(.*?)^</\1>', re.MULTILINE | re.DOTALL
)


def is_to_judge(messages: tuple[Message, ...]) -> bool:
    """Whether two answers are to be compared."""
    return any(message.role is Role.SYSTEM and _JUDGE.search(message.text) for message in messages)


def judge(messages: tuple[Message, ...], persona: Persona | None) -> str:
    """The verdict."""
    if persona is Persona.WRONG:
        return f"{LABEL} Both have their charm."
    asked = "\n".join(message.text for message in messages if message.role is Role.USER)
    sizes = {name: (len(text), text) for _, name, text in _ANSWER.findall(asked)}
    better = "A" if persona or not sizes else min(sizes, key=lambda name: sizes[name])
    return f"{LABEL} The shorter one is plainer.\n<verdict>{better}</verdict>"
