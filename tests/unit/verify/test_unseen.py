"""Lines that a prompt did not show survive an answer that never saw them."""

from tests.unit.verify.answers import block, code, code_request, deletion
from workers.verify.unseen import lost_unseen

LINES = [f"line_{number} = {number}" for number in range(40)]
FILE = "\n".join(LINES) + "\n"
HIDDEN = {"a.py": tuple(LINES[10:])}


def told(
    answer: str, *, hidden: dict[str, tuple[str, ...]] = HIDDEN, unread: tuple[str, ...] = ()
) -> list[str]:
    return lost_unseen(code(code_request({"a.py": FILE}), answer), hidden, unread)


def test_an_edit_of_what_was_shown_keeps_the_rest() -> None:
    assert told(block("a.py", LINES[0] + "\n", "line_0 = 7\n")) == []


def test_an_edit_whose_lines_are_in_the_whole_file_is_taken() -> None:
    assert told(block("a.py", LINES[30] + "\n", "line_30 = 7\n")) == []


def test_a_file_written_anew_from_its_shown_part_is_refused() -> None:
    problems = told(deletion("a.py") + block("a.py", "", "\n".join(LINES[:10]) + "\n"))
    assert problems[0].startswith("a.py: 30 lines that you were not shown would be gone.")


def test_a_file_may_go_as_a_whole_where_nothing_new_comes() -> None:
    assert told(deletion("a.py")) == []


def test_a_file_may_not_go_while_a_new_one_is_written_from_its_shown_part() -> None:
    problems = told(deletion("a.py") + block("b.py", "", "\n".join(LINES[:10]) + "\n"))
    assert len(problems) == 1
    assert problems[0].startswith(
        "a.py: 30 lines that you were not shown would be gone, while a new file comes. Keep the file,"
    )


def test_a_file_may_move_with_all_its_lines() -> None:
    assert told(deletion("a.py") + block("b.py", "", FILE)) == []


def test_a_new_file_may_not_take_the_name_of_one_that_cannot_be_shown() -> None:
    assert "logo.svg" in told(block("logo.svg", "", "<svg/>\n"), unread=("logo.svg",))[0]
