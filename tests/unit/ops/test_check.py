"""Each law of the house bites on a breach and leaves the lawful neighbour alone."""

from pathlib import Path

import pytest

from ops.check import laws
from ops.check.__main__ import breaches, main, read
from ops.check.laws import ALL, Law
from ops.check.source import Source

ROOT = Path(__file__).parents[3]
DOC = '"""A module."""\n'


def found(law: Law, path: str, text: str) -> list[str]:
    return [str(breach) for breach in law(Source(path, text))]


def test_a_long_module_is_refused() -> None:
    assert found(laws.module_length, "workers/call.py", "x = 1\n" * 401) == [
        "workers/call.py:401: module of 401 lines (at most 400)"
    ]
    assert not found(laws.module_length, "workers/call.py", "x = 1\n" * 400)


def test_a_long_function_is_refused() -> None:
    body = "    pass\n"
    assert found(laws.function_length, "workers/call.py", "async def call():\n" + body * 50) == [
        "workers/call.py:1: function call of 51 lines (at most 50)"
    ]
    assert not found(laws.function_length, "workers/call.py", "def call():\n" + body * 49)


def test_a_module_without_docstring_is_refused() -> None:
    assert found(laws.module_docstring, "schemas/tasks.py", "import os\n")
    assert found(laws.module_docstring, "schemas/__init__.py", "")
    assert not found(laws.module_docstring, "schemas/tasks.py", DOC)


@pytest.mark.parametrize(
    "text",
    [
        "import os\nkey = os.environ['KEY']\n",
        "import os\nkey = os.getenv('KEY')\n",
        "from os import environ\nkey = environ.get('KEY')\n",
        "import os as system\nkey = system.environ\n",
    ],
)
def test_the_environment_is_read_only_in_config(text: str) -> None:
    assert found(laws.environment_only_in_config, "workers/run.py", text)
    assert found(laws.environment_only_in_config, "orchestrator/configuration.py", text)
    assert not found(laws.environment_only_in_config, "orchestrator/config.py", text)
    assert not found(laws.environment_only_in_config, "orchestrator/config/providers.py", text)


@pytest.mark.parametrize(
    "text",
    [
        "import time\nnow = time.time()\n",
        "from time import monotonic\nnow = monotonic()\n",
        "from datetime import UTC, datetime\nnow = datetime.now(UTC)\n",
        "import datetime as dt\nnow = dt.datetime.utcnow()\n",
        "import datetime\nnow = datetime.datetime.today()\n",
        "import asyncio\nasync def wait():\n    await asyncio.sleep(1)\n",
    ],
)
def test_time_comes_only_from_the_clock(text: str) -> None:
    assert found(laws.time_only_from_the_clock, "orchestrator/flow/claim.py", text)
    assert not found(laws.time_only_from_the_clock, "orchestrator/clock.py", text)
    assert not found(laws.time_only_from_the_clock, "orchestrator/simulator/faults.py", text)
    assert not found(laws.time_only_from_the_clock, "tests/unit/test_clock.py", text)


def test_a_name_that_only_looks_like_the_clock_is_allowed() -> None:
    text = "class task:\n    time = 1\n\nprint(task.time)\n"
    assert not found(laws.time_only_from_the_clock, "orchestrator/flow/claim.py", text)


def test_only_the_engine_commits() -> None:
    text = "async def settle(connection):\n    await connection.commit()\n"
    assert found(laws.commit_only_in_the_engine, "orchestrator/flow/settle.py", text) == [
        "orchestrator/flow/settle.py:2: .commit(): only orchestrator/store/engine commits"
    ]
    assert not found(laws.commit_only_in_the_engine, "orchestrator/store/engine.py", text)


def test_only_flow_and_limits_open_transactions() -> None:
    text = "async def read(store):\n    async with store.transaction():\n        pass\n"
    assert found(laws.transactions_only_in_flow_and_limits, "orchestrator/api/tasks.py", text)
    assert found(laws.transactions_only_in_flow_and_limits, "orchestrator/store/tasks.py", text)
    for path in (
        "orchestrator/flow/claim.py",
        "orchestrator/limits/budgets.py",
        "orchestrator/store/engine.py",
    ):
        assert not found(laws.transactions_only_in_flow_and_limits, path, text)


@pytest.mark.parametrize("path", ["workers/utils.py", "orchestrator/helpers/names.py", "schemas/common.py"])
def test_a_module_with_a_vague_name_is_refused(path: str) -> None:
    assert found(laws.names_say_something, path, DOC)


@pytest.mark.parametrize("name", ["TaskManager", "BillingService", "Handler", "StringUtils"])
def test_a_class_with_a_vague_name_is_refused(name: str) -> None:
    assert found(laws.names_say_something, "workers/run.py", f"class {name}:\n    pass\n")


def test_a_class_with_a_word_of_its_own_is_allowed() -> None:
    assert not found(laws.names_say_something, "workers/run.py", "class ServiceTier:\n    pass\n")


def test_unfinished_work_is_refused() -> None:
    word = "TO" + "DO"
    assert found(laws.nothing_left_to_do, "workers/run.py", f"x = 1  # {word}: later\n")
    assert not found(laws.nothing_left_to_do, "workers/run.py", f"x = '{word}'\n")


def test_a_steps_public_function_has_the_files_name() -> None:
    law = laws.a_step_has_its_files_name
    step = "def claim():\n    pass\n\ndef _one():\n    pass\n\nclass Claim:\n    pass\n"
    assert not found(law, "orchestrator/flow/claim.py", step)
    assert found(law, "orchestrator/flow/settle.py", step)
    assert found(law, "orchestrator/flow/claim.py", step + "\ndef also():\n    pass\n")
    assert not found(law, "orchestrator/flow/states.py", step)
    assert not found(law, "workers/run.py", step)


@pytest.mark.parametrize(
    "text",
    [
        "from orchestrator.flow.claim import claim\n",
        "from orchestrator.flow import claim\n",
        "import orchestrator.flow.claim\n",
        "from orchestrator.flow.submit import submit\n",
    ],
)
def test_a_step_that_calls_another_is_refused(text: str) -> None:
    assert found(laws.few_steps_compose_others, "orchestrator/flow/rescue.py", text)
    assert not found(laws.few_steps_compose_others, "orchestrator/flow/settle.py", text)
    assert not found(laws.few_steps_compose_others, "workers/run.py", text)


def test_values_and_pure_decisions_of_other_steps_are_free() -> None:
    text = "from orchestrator.flow.claim import LEASE, Lease\nfrom orchestrator.flow.states import follow\n"
    assert not found(laws.few_steps_compose_others, "orchestrator/flow/rescue.py", text)


def test_a_retry_may_submit() -> None:
    text = "from orchestrator.flow.submit import submit\n"
    assert not found(laws.few_steps_compose_others, "orchestrator/flow/retry.py", text)


def test_a_file_that_does_not_parse_is_one_breach() -> None:
    assert [str(breach) for breach in breaches(Source("workers/run.py", "def (:\n"))] == [
        "workers/run.py:1: does not parse: invalid syntax"
    ]


def test_every_law_is_in_force() -> None:
    written = {
        law for name, law in vars(laws).items() if callable(law) and name[0].islower() and name[0] != "_"
    }
    assert {law for law in written if getattr(law, "__module__", "") == laws.__name__} == set(ALL)


def test_the_command_reads_a_project_and_tells_its_breaches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert any(source.path == "ops/check/laws.py" for source in read(ROOT))
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "sound.py").write_text(DOC)
    assert main(tmp_path) == 0
    (tmp_path / "workers" / "broken.py").write_text("x = (")
    assert main(tmp_path) == 1
    told = capsys.readouterr().out
    assert f"house law: 1 files, {len(ALL)} laws, 0 breaches" in told
    assert "workers/broken.py:1: does not parse" in told
