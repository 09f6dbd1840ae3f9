"""Repair, round by round: what is kept, what is asked again, and when it is over."""

from typing import Any

from schemas.results import CodeResult
from schemas.tasks import TaskRequest
from tests.unit.verify.answers import block, code_request, contents, review_request
from workers.context import render
from workers.rounds import Refusal, Talk, begin, hear
from workers.verify import Accepted, Means

TREE = {"a.py": "a = 1\nb = 1\n", "c.py": "c = 1\n"}
A = block("a.py", "a = 1\n", "a = 2\n")
B = block("a.py", "b = 1\n", "b = 2\n")
B_WRONG = block("a.py", "b = 0\n", "b = 2\n")
C = block("c.py", "c = 1\n", "c = 2\n")
C_WRONG = block("c.py", "c = 0\n", "c = 2\n")
C_BROKEN = block("c.py", "c = 1\n", "c = (\n")
ALL = {"a.py": "a = 2\nb = 2\n", "c.py": "c = 2\n"}


def talk(most: int = 3, request: TaskRequest | None = None, **context: Any) -> Talk:
    asked = request or code_request(TREE, **context)
    return begin(asked, render(asked), most, Means())


def refused(talking: Talk, answer: str) -> Refusal:
    heard = hear(talking, answer)
    assert isinstance(heard, Refusal), heard
    return heard


def accepted(talking: Talk, answer: str) -> CodeResult:
    heard = hear(talking, answer)
    assert isinstance(heard, Accepted), heard
    assert isinstance(heard.result, CodeResult)
    return heard.result


def test_only_the_failing_block_is_asked_again_with_the_nearest_lines_and_joins_the_others() -> None:
    first = refused(talk(), "I set all to 2.\n" + A + B_WRONG + C)
    asked = first.on.messages[-1].content
    assert "Block 2 (a.py)" in asked
    assert "b = 1" in asked
    assert "are kept" in asked
    result = accepted(first.on, "Mended.\n" + B)
    assert contents(result) == ALL
    assert result.explanation == "I set all to 2.\n\nMended."


def test_an_answer_that_gives_everything_again_is_taken_as_well() -> None:
    first = refused(talk(), A + B_WRONG + C)
    assert contents(accepted(first.on, A + B + C)) == ALL
    whole = block("a.py", "a = 1\nb = 1\n", "a = 2\nb = 2\n")
    anew = refused(talk(), A + B_WRONG + C_WRONG)
    assert contents(accepted(anew.on, A + B + C)) == ALL
    assert contents(accepted(refused(talk(), A + B_WRONG).on, whole + C)) == ALL


def test_what_was_asked_again_and_did_not_come_is_no_success() -> None:
    first = refused(talk(), A + B_WRONG + C_WRONG)
    second = refused(first.on, B)
    assert "2 blocks were asked again, and 1 came" in second.verdict.problems[0]
    assert contents(accepted(second.on, B + C)) == ALL


def test_a_block_can_be_withdrawn_in_so_many_words_only() -> None:
    first = refused(talk(), A + B_WRONG + C)
    result = accepted(first.on, '<withdrawn block="2">b is 2 elsewhere</withdrawn>')
    assert contents(result) == {"a.py": "a = 2\nb = 1\n", "c.py": "c = 2\n"}
    assert "withdrawn" not in result.explanation
    silent = refused(first.on, "I leave it out.")
    assert not silent.over


def test_a_file_that_does_not_parse_is_asked_again_and_other_files_are_kept() -> None:
    first = refused(talk(), A + B + C_BROKEN)
    asked = first.on.messages[-1].content
    assert "all blocks for these files" in asked
    assert "c.py" in asked
    assert first.on.draft.files == ("c.py",)
    assert "none came" in refused(first.on, A).verdict.problems[0]
    assert contents(accepted(first.on, C)) == ALL


def test_an_error_that_repeats_is_asked_as_whole_files_once_and_then_it_is_over() -> None:
    first = refused(talk(), A + B_WRONG + C)
    second = refused(first.on, B_WRONG)
    assert not second.over
    assert "write each of these files anew, whole" in second.on.messages[-1].content
    whole = "a.py\n<<<<<<< DELETE\n" + block("a.py", "", "a = 2\nb = 2\n")
    assert contents(accepted(second.on, whole)) == ALL
    assert contents(accepted(second.on, B)) == ALL
    assert refused(second.on, B_WRONG).over


def test_an_answer_without_any_block_that_repeats_is_over_at_once() -> None:
    first = refused(talk(), "I would rather not.")
    assert not first.over
    assert "nothing of it was kept" in first.on.messages[-1].content
    assert refused(first.on, "I would still rather not.").over


def test_rounds_are_bounded_by_the_server_and_by_the_task() -> None:
    wrong = [block("a.py", f"z{'z' * number} = 0\n", "b\n") for number in range(4)]
    talking = talk()
    for answer in wrong[:3]:
        heard = refused(talking, answer)
        assert not heard.over
        talking = heard.on
    assert refused(talking, wrong[3]).over
    assert refused(talk(0), wrong[0]).over
    assert refused(talk(3, preferences={"repair_rounds": 0}), wrong[0]).over
    assert talk(1, preferences={"repair_rounds": 3}).most == 1


def test_what_no_answer_can_mend_is_not_asked_again() -> None:
    lint = code_request({}, preferences={"verification_level": "lint"})
    assert refused(talk(request=lint), block("a.go", "", "package a\n")).over


def test_a_review_is_asked_as_a_whole() -> None:
    request = review_request("--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n")
    first = refused(talk(request=request), "no form at all")
    assert "every finding" in first.on.messages[-1].content


def sized(talking: Talk) -> int:
    return sum(len(message.content.encode()) for message in talking.messages)


def roomy(room: int, request: TaskRequest | None = None) -> Talk:
    asked = request or code_request(TREE)
    return begin(asked, render(asked), 3, Means(), room=room)


def test_three_rounds_stay_within_the_room_and_begin_with_the_same_prefix() -> None:
    first = render(code_request(TREE))
    room = sized(talk()) + 14_000
    talking = roomy(room)
    for number, wrong in enumerate([B_WRONG, C_WRONG, block("none.py", "x\n", "y\n")]):
        heard = refused(talking, f"Round {number}. " + "word " * 1_500 + "\n" + wrong)
        assert not heard.over
        talking = heard.on
        assert talking.messages[: len(first)] == first
        assert sized(talking) <= room
        assert [message.role for message in talking.messages[-2:]] == ["assistant", "user"]
    said = "".join(message.content for message in talking.messages)
    assert "Round 2. " in said
    assert "Round 0. " not in said


def test_a_long_answer_is_shown_again_by_its_failing_blocks_alone() -> None:
    room = sized(talk()) + 3_000
    long = block("c.py", "c = 1\n", "c = 2\n" + "# so it is\n" * 2_000)
    first = refused(roomy(room), long + "Now the other one.\n" + B_WRONG + A)
    shown, asked = (message.content for message in first.on.messages[-2:])
    assert sized(first.on) <= room
    assert "b = 0" in shown
    assert "so it is" not in shown
    assert "left out here" in shown
    assert "b = 1" in asked
    assert contents(accepted(first.on, B))["a.py"] == "a = 2\nb = 2\n"


def test_an_answer_without_a_block_is_shown_by_its_ends() -> None:
    room = sized(talk()) + 2_500
    first = refused(roomy(room), "At first. " + "word " * 4_000 + " At last.")
    shown = first.on.messages[-2].content
    assert sized(first.on) <= room
    assert shown.startswith("At first. ")
    assert shown.endswith(" At last.")
    assert "left out" in shown


def test_where_there_is_room_for_nothing_more_it_is_over() -> None:
    first = refused(roomy(sized(talk()) + 100), B_WRONG)
    assert first.over
    assert "Block 1 (a.py)" in first.verdict.problems[0]


def test_where_nobody_knows_the_room_nothing_is_left_out() -> None:
    first = refused(talk(), "word " * 40_000 + "\n" + B_WRONG)
    second = refused(first.on, "word " * 40_000 + "\n" + C_WRONG)
    assert len(second.on.messages) == len(second.on.first) + 4
