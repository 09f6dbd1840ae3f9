"""Tags are read leniently and never past their element."""

import pytest

from workers.verify.tags import elements, first


def attributes(text: str) -> dict[str, str]:
    found = first(text, "f")
    assert found is not None
    return dict(found.attributes)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('<f a="1" b="two">', {"a": "1", "b": "two"}),
        ("<f a='1' b = two>", {"a": "1", "b": "two"}),
        ('<f\n  a="x > y"\n  b="&lt;&quot;">', {"a": "x > y", "b": '<"'}),
        ('<f A="1" a="2"/>', {"a": "1"}),
        ("<f>", {}),
    ],
)
def test_attributes_are_read_in_any_dress(text: str, expected: dict[str, str]) -> None:
    assert attributes(text) == expected


def test_each_element_ends_at_its_tag_or_where_the_next_begins() -> None:
    text = "<f a=1>one</f> <f a=2>two <f a=3>\nthree </f>\n</f> <first>no</first> <f broken"
    assert [element.text for element in elements(text, "f", 9)] == ["one", "two ", "three </f>"]


def test_no_more_elements_are_read_than_asked_for() -> None:
    assert len(list(elements("<f>x</f>" * 9, "f", 4))) == 4


def test_text_on_its_own_lines_keeps_its_indentation_and_loses_no_line() -> None:
    found = first("<f>\n    x\n\n</f>", "f")
    assert found is not None
    assert found.text == "    x\n"
    empty = first("<f>\n</f>", "f")
    assert empty is not None
    assert empty.text == ""


def test_a_name_is_a_whole_name() -> None:
    assert first("<fine>x</fine>", "f") is None
