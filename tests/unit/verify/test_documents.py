"""A document taken apart and put together again is the same bytes."""

from hypothesis import given
from hypothesis import strategies as st

from workers.verify.documents import Document


@given(st.text(alphabet=st.sampled_from("a\n\r\ufeff\x0c\u2028 ")))
def test_any_text_survives(text: str) -> None:
    assert Document.of(text).text == text


@given(st.text(alphabet=st.sampled_from("ab\n\r")), st.integers(0, 9), st.integers(0, 9))
def test_replacing_lines_by_themselves_changes_nothing(text: str, start: int, length: int) -> None:
    document = Document.of(text)
    start = min(start, len(document.lines))
    end = min(start + length, len(document.lines))
    assert document.replaced(start, end, document.lines[start:end]).text == text


def test_new_lines_end_as_their_neighbours_do() -> None:
    assert Document.of("a\r\nb\nc").replaced(0, 1, ["x", "y"]).text == "x\r\ny\r\nb\nc"
    assert Document.of("a\r\nb\nc").replaced(2, 3, ["x", "y"]).text == "a\r\nb\nx\ny"
    assert Document.of("a").replaced(0, 1, ["x", "y"]).text == "x\ny"
    assert Document.of("a\nb").replaced(2, 2, ["c"]).text == "a\nb\nc"
