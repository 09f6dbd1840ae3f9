"""The benchmark's arithmetic: quantiles, goals, ratios, and the place of its table."""

from pathlib import Path

import orjson
import pytest

from ops.bench import asks
from ops.bench.figures import Figure, Goal, merged, quantile
from ops.bench.jobs import Ask, Job
from ops.bench.machine import Machine
from ops.bench.peers.plain.answer import applied, messages
from ops.bench.report import README, Report
from orchestrator.simulator.scripts.answer import script
from orchestrator.simulator.wire import Message, Role

MACHINE = Machine("2026-01-01", "Linux x86_64", "a processor", 2, 8.0, "3.13.0", "18.4", "9.1.2", 1.0)


def test_a_quantile_is_a_measured_value() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [quantile(values, share) for share in (0.0, 0.2, 0.5, 0.8, 0.99, 1.0)] == [1, 1, 3, 4, 5, 5]


def test_a_quantile_of_a_hundred_is_the_rank() -> None:
    values = [float(number) for number in range(1, 101)]
    assert (quantile(values, 0.5), quantile(values, 0.95), quantile(values, 0.99)) == (50, 95, 99)


def test_nothing_measured_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


@pytest.mark.parametrize(
    ("goal", "value", "met"),
    [
        (Goal(at_least=400), 400, True),
        (Goal(at_least=400), 399.9, False),
        (Goal(at_most=50), 50, True),
        (Goal(at_most=50), 50.1, False),
        (Goal(of_plain=0.5), 5, True),
        (Goal(of_plain=0.5), 5.1, False),
    ],
)
def test_a_goal_is_met_at_its_bound(goal: Goal, value: float, met: bool) -> None:
    assert goal.met(value, plain=10) is met


def test_a_goal_beside_the_plain_application_is_open_without_it() -> None:
    assert Figure("CPU", 1.0, "ms", Goal(of_plain=0.5)).met is None


def test_both_applications_share_a_line() -> None:
    ours = Figure("tasks", 400.0, "1/s", Goal(at_least=400), "a note")
    plain = Figure("tasks", None, "1/s", plain=160.0)
    (line,) = merged([ours, plain])
    assert (line.value, line.plain, line.ratio, line.met, line.note) == (400, 160, 2.5, True, "a note")


def test_lines_keep_their_order() -> None:
    names = [figure.name for figure in merged([Figure(name, 1.0, "s") for name in "cab"])]
    assert names == ["c", "a", "b"]


def test_the_table_replaces_the_one_before(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(README.read_text(encoding="utf-8"), encoding="utf-8")
    outside = [part.split("<!-- end")[-1] for part in readme.read_text().split("<!-- figures")]
    for rate in (1.0, 2.0):
        Report(MACHINE, "python -m ops.bench", 1.0, [Figure("submits", rate, "1/s")]).write(readme)
    written = readme.read_text(encoding="utf-8")
    assert "| submits | 2.00/s |" in written
    assert "1.00/s" not in written
    assert [part.split("<!-- end")[-1] for part in written.split("<!-- figures")] == outside


def test_a_readme_without_the_place_is_left_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="no place"):
        Report(MACHINE, "python -m ops.bench", 1.0, []).write(readme)
    assert readme.read_text(encoding="utf-8") == "nothing"


def test_a_job_survives_the_way_to_the_generator() -> None:
    job = Job("127.0.0.1", 80, (Ask("GET", "/", {"a": "b"}),), 4, rate=10.0, seconds=1.0)
    assert Job.from_json(orjson.dumps(job)) == job


def test_the_plain_application_solves_what_ours_is_asked() -> None:
    context = orjson.loads(asks.BODY)["context"]
    asked = tuple(Message(Role(each["role"]), each["content"]) for each in messages(context))
    files = {file["path"]: file["content"] for file in context["files"]}
    result = applied(files, script(asked))
    assert list(result["files"]) == ["calc/intervals.py"]
    assert "+        if merged and start <= merged[-1][1]:" in result["diff"]


def test_the_plain_application_refuses_an_answer_that_does_not_apply() -> None:
    with pytest.raises(ValueError, match="not once"):
        applied({"a.py": "x = 1\n"}, "a.py\n<<<<<<< SEARCH\ny = 1\n=======\ny = 2\n>>>>>>> REPLACE\n")
