"""Text of others on a terminal: shown, never obeyed."""

import pytest

from orchestrator.cli.printing import visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain text", "plain text"),
        ("tabs\tand\nlines", "tabs\tand\nlines"),
        ("Crème 漢字 ✓", "Crème 漢字 ✓"),
        ("\x1b[2J\x07", "\\u001b[2J\\u0007"),
        ("if admin\u202e{ nimda", "if admin\\u202e{ nimda"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("a\r\nb", "a\\u000d\nb"),
    ],
)
def test_control_and_direction_characters_are_spelled_out(text: str, seen: str) -> None:
    assert visible(text) == seen
