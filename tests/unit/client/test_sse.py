"""Server-sent events, read as the standard says."""

from orchestrator.client.sse import Message, messages


def test_a_message_ends_with_an_empty_line() -> None:
    lines = ["id: 7", "event: task.queued", 'data: {"a":', "data: 1}", "", "data: unfinished"]
    assert list(messages(lines)) == [Message("task.queued", '{"a":\n1}', "7")]


def test_heartbeats_are_left_out() -> None:
    assert list(messages([": still here", "", ":", ""])) == []


def test_an_id_stays_until_the_next_one() -> None:
    found = list(messages(["id: 1", "data: a", "", "data:b", ""]))
    assert found == [Message("message", "a", "1"), Message("message", "b", "1")]
