"""How a review looks: on a wide terminal, on a narrow one, and in a pipe."""

from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from orchestrator.cli import findings, printing

FINDING: dict[str, Any] = {
    "file": "src/shop/cart.py",
    "side": "new",
    "start_line": 11,
    "end_line": 12,
    "quote": "        if not self.items:\n            return None",
    "category": "bug",
    "severity": "critical",
    "title": "None where a number is wanted",
    "body": "The caller adds what it gets, and fails with a TypeError on an empty cart.",
    "suggestion": "        if not self.items:\n            return 0",
    "note": None,
    "confidence": 6,
    "judgement": {"opinion": "keep", "score": 9, "reason": "It is so."},
}
REVIEW: dict[str, Any] = {
    "type": "review",
    "summary": "It changes the total.",
    "findings": [FINDING],
    "unanchored": [],
    "dropped": [],
    "verification": {"level": "anchored", "checks": []},
}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What is printed of a review on a terminal of a width; None: in a pipe."""

    def show(review: dict[str, Any], width: int | None) -> str:
        if width is not None:
            terminal = Console(
                width=width, force_terminal=True, color_system="standard", highlight=False, markup=False
            )
            monkeypatch.setattr(printing, "console_for_output", lambda: terminal)
        findings.show_review(review)
        return capsys.readouterr().out

    return show


def test_a_pipe_gets_no_colour_and_no_trailing_space(shown: Any) -> None:
    text = shown(REVIEW, None)
    assert text.splitlines() == [
        "It changes the total.",
        "",
        "critical src/shop/cart.py:11  bug · verified 9/10",
        "  None where a number is wanted",
        "  11 │   if not self.items:",
        "  12 │ -     return None",
        "     │ +     return 0",
        "  The caller adds what it gets, and fails with a TypeError on an empty cart.",
        "",
        "1 finding: 1 critical",
    ]


def test_a_terminal_shows_gravity_and_the_suggestion_in_colour(shown: Any) -> None:
    text = shown(REVIEW, 100)
    assert "\x1b[1;37;41mcritical\x1b[0m" in text
    assert "\x1b[31m - " in text
    assert "\x1b[32m + " in text


@pytest.mark.parametrize("width", [20, 40, 72])
def test_a_narrow_terminal_wraps_and_loses_nothing(shown: Any, width: int) -> None:
    arguments = ", ".join(f"argument_{at}" for at in range(9))
    long = FINDING | {"quote": f"        total = add({arguments})", "suggestion": None}
    plain = Text.from_ansi(shown(REVIEW | {"findings": [long]}, width)).plain
    assert all(len(line) <= width for line in plain.splitlines())
    squeezed = "".join(plain.split())
    for said in ("argument_0,", "argument_8)", "emptycart.", "cart.py:11", "Nonewhereanumberiswanted"):
        assert said in squeezed


def test_what_is_not_verified_or_left_out_is_said(shown: Any) -> None:
    unverified = FINDING | {"judgement": {"opinion": "unverified", "score": None, "reason": "It was away."}}
    unasked = FINDING | {"judgement": None, "note": "The suggestion was dropped: it breaks."}
    check = {"name": "verifier", "passed": None, "detail": "no finding was verified: it was away"}
    review = REVIEW | {
        "findings": [unverified, unasked],
        "dropped": [FINDING],
        "unanchored": [FINDING, FINDING],
        "verification": {"level": "anchored", "checks": [check]},
    }
    text = shown(review, None)
    assert "bug · unverified\n" in text
    assert "bug · sure 6/10\n" in text
    assert "The suggestion was dropped: it breaks." in text
    assert "1 more did not reach the threshold" in text
    assert "2 more whose quote stands nowhere" in text
    assert "verifier: no finding was verified: it was away" in text


def test_a_clean_review_says_so(shown: Any) -> None:
    assert shown(REVIEW | {"findings": []}, None) == "It changes the total.\n\nNo findings.\n"


def test_a_long_quote_is_cut_and_counted(shown: Any) -> None:
    long = FINDING | {"quote": "\n".join(f"x = {at}" for at in range(60)), "suggestion": None}
    assert "… 36 more lines" in shown(REVIEW | {"findings": [long]}, None)


def test_results_of_earlier_versions_are_shown_too(shown: Any) -> None:
    old = {name: FINDING[name] for name in FINDING if name not in ("note", "confidence", "judgement")}
    assert "critical src/shop/cart.py:11  bug\n" in shown(REVIEW | {"findings": [old]}, None)
