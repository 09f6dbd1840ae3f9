"""What is known of models beyond their price: how much they answer, what they take."""

from typing import Final

DEFAULT_MAX_OUTPUT: Final = 16_384
"""Output tokens asked for at most where the submitter names no limit."""

CODE_TEMPERATURE: Final = 0.1
"""For code, where the model takes a temperature and the submitter names none."""

_NO_TEMPERATURE: Final = ("o1", "o3", "o4", "gpt-5")


def takes_temperature(model: str) -> bool:
    """Whether the model accepts a temperature; OpenAI's reasoning models refuse it."""
    return not model.startswith(_NO_TEMPERATURE)
