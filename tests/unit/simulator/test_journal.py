"""The journal counts everything, keeps the newest, and survives being killed."""

from pathlib import Path

import orjson
import pytest

from orchestrator.simulator.journal import Entry, Journal
from orchestrator.simulator.wire import Usage


def entry(number: int, correlation: str | None = None) -> Entry:
    made = Entry(correlation, f"req_{number}", "default", "/p", 1_000.0 + number, 10, model="m")
    made.count(Usage(prompt=5, completion=2))
    made.billed_nano_dollars = 100
    return made


def filled(journal: Journal, count: int) -> Journal:
    for number in range(count):
        one = entry(number, f"call-{number % 3}")
        journal.begin(one)
        journal.end(one)
    return journal


def numbers(page: bytes) -> list[int]:
    return [line["n"] for line in orjson.loads(page)["entries"]]


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    journal = filled(Journal(), 5)
    first = orjson.loads(journal.page(0, 2))
    assert (first["next"], first["has_more"], first["total"]) == (2, True, 5)
    assert numbers(journal.page(2, 2)) == [3, 4]
    last = orjson.loads(journal.page(4, 2))
    assert ([line["n"] for line in last["entries"]], last["has_more"], last["next"]) == ([5], False, 5)
    assert numbers(journal.page(9, 2)) == []


def test_the_oldest_are_dropped_and_the_totals_stay_exact() -> None:
    journal = filled(Journal(keep=4), 10)
    assert numbers(journal.page(0, 100)) == [7, 8, 9, 10]
    assert [one.n for one in journal.of("call-0")] == [7, 10]
    assert journal.of("call-9") == []
    assert journal.bill.total.requests == 10
    assert journal.bill.total.nano_dollars == 1_000


def test_an_open_request_is_shown_and_numbered_when_it_ends() -> None:
    journal = Journal()
    one = entry(1, "call-1")
    journal.begin(one)
    assert [shown["outcome"] for shown in orjson.loads(journal.page(0, 10))["open"]] == ["open"]
    assert [shown.n for shown in journal.of("call-1")] == [None]
    journal.end(one)
    journal.end(one)
    assert [shown.n for shown in journal.of("call-1")] == [1]
    assert journal.bill.total.requests == 1


def test_a_file_brings_everything_back_and_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    filled(Journal(path), 3).close()
    with path.open("a", encoding="utf-8") as file:
        file.write('{"id":"torn')
    journal = filled(Journal(path), 2)
    journal.close()
    assert [orjson.loads(line)["n"] for line in path.read_bytes().splitlines()] == [1, 2, 3, 4, 5]
    assert journal.bill.total.nano_dollars == 500
    assert [one.n for one in journal.of("call-0")] == [1, 4]


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n", encoding="utf-8")
    with pytest.raises(ValueError, match="unexpected character"):
        Journal(path)
    assert path.read_text(encoding="utf-8") == "my notes\n"


def test_a_reset_forgets_and_empties_the_file(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    journal = filled(Journal(path), 3)
    journal.reset()
    assert (journal.finished, journal.bill.total.requests, path.read_bytes()) == (0, 0, b"")
    filled(journal, 1).close()
    assert numbers(journal.page(0, 10)) == [1]
