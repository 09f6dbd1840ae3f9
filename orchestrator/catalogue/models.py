"""What is known of models beyond their price: how much they answer, what they take."""

import re
from typing import Final

DEFAULT_MAX_OUTPUT: Final = 16_384
"""Output tokens asked for at most where the submitter names no limit."""

CODE_TEMPERATURE: Final = 0.1
"""For code, where the model takes a temperature and the submitter names none."""

_OPENAI_REASONING: Final = re.compile(r"o[1-9]|gpt-(?:[5-9]|[1-9]\d)(?!\d*-turbo)")
_CLAUDE: Final = re.compile(r"claude-(?:(?:opus|sonnet|haiku)-)?(\d+)(?:[.-](\d{1,2})(?!\d))?")
_CLAUDE_TAKES_UNTIL: Final = (4, 6)
_GEMINI: Final = re.compile(r"gemini-(\d+)")
_GEMINI_TAKES_UNTIL: Final = 2

_MOST_OUTPUT: Final[tuple[tuple[str, int], ...]] = (
    ("gpt-3.5", 4_096),
    ("gpt-4-turbo", 4_096),
    ("gpt-4o", 16_384),
    ("claude-3-haiku", 4_096),
    ("claude-3-5", 8_192),
    ("claude-3.5", 8_192),
    ("gemini-1.5", 8_192),
    ("gemini-2.0", 8_192),
)


def takes_temperature(model: str) -> bool:
    """Whether a temperature is sent to the model.

    OpenAI's reasoning models and Claude from 4.7 on (a Claude that is not known is taken for a newer one)
    refuse it; Gemini from 3 on loops below its own default.
    """
    name = _bare(model)
    if _OPENAI_REASONING.match(name):
        return False
    if name.startswith("claude"):
        version = _CLAUDE.match(name)
        return version is not None and (int(version[1]), int(version[2] or 0)) <= _CLAUDE_TAKES_UNTIL
    gemini = _GEMINI.match(name)
    return gemini is None or int(gemini[1]) <= _GEMINI_TAKES_UNTIL


def most_output(model: str, wished: int | None) -> int:
    """The limit to ask for: what was wished, or the usual one, and no more than the model can give."""
    asked = wished or DEFAULT_MAX_OUTPUT
    name = _bare(model)
    return min(asked, next((most for start, most in _MOST_OUTPUT if name.startswith(start)), asked))


def _bare(model: str) -> str:
    """The model's name without the publisher that routers put before it."""
    return model.rpartition("/")[2].lower()
