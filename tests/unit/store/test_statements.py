"""Statements: names become the driver's parameters once, and nothing else of the text changes."""

import pytest

from orchestrator.store.statements import Rows, text


@pytest.mark.parametrize(
    ("sql", "driver", "names"),
    [
        ("SELECT :a, :b, :a", "SELECT %(a)s, %(b)s, %(a)s", ("a", "b")),
        ("SELECT CAST(:a AS text), '{}'::jsonb", "SELECT CAST(%(a)s AS text), '{}'::jsonb", ("a",)),
        ("SELECT x LIKE '%' || :a", "SELECT x LIKE '%%' || %(a)s", ("a",)),
        (r"SELECT '12\:30', \:a", "SELECT '12:30', :a", ()),
        ("SELECT array[1:2], (:a)", "SELECT array[1:2], (%(a)s)", ("a",)),
    ],
)
def test_names_become_parameters_and_nothing_else_does(sql: str, driver: str, names: tuple[str, ...]) -> None:
    statement = text(sql)
    assert (statement.driver, statement.names, str(statement)) == (driver, names, sql)


def test_two_statements_of_one_text_are_two() -> None:
    assert text("SELECT 1") != text("SELECT 1")


def test_more_rows_than_one_are_a_defect_where_one_is_asked_for() -> None:
    with pytest.raises(ValueError, match="too many"):
        Rows(["a", "b"]).one_or_none()  # type: ignore[list-item]
    assert Rows().one_or_none() is None
