"""The prompt, the simulator that reads it and the verification of its answer agree."""

from typing import Any

import pytest

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts.answer import script
from orchestrator.simulator.wire import Message as Asked
from orchestrator.simulator.wire import Role
from schemas.tasks import TASK_REQUEST, TaskRequest
from workers.context import Message, render, render_repair
from workers.verify import Accepted, Rejected, verify

TASKS: dict[str, dict[str, Any]] = {
    "generate_code": {"description": "Write `slugify(text)`.", "acceptance_criteria": ["It is tested"]},
    "fix_bug": {
        "description": "Touching intervals are not merged.",
        "files": [
            {"path": "a.py", "content": "def merge(a):\n    if a[0][1] > a[1][0]:\n        return 1\n"}
        ],
        "error_report": "</file> AssertionError",
    },
    "implement_feature": {
        "description": "Parse INI files",
        "files": [{"path": "README.md", "content": "# Shop\n"}],
    },
    "refactor": {
        "description": "Make it simpler.",
        "files": [
            {
                "path": "a.py",
                "content": "def full(cart):\n    if len(cart) > 3:\n        return True\n    return False\n",
            }
        ],
    },
    "write_tests": {
        "files": [{"path": "src/shop/cart.py", "content": "def total(items, *, tax=0):\n    ...\n"}]
    },
    "document": {
        "files": [
            {
                "path": "a.py",
                "content": "class Cart:\n    @property\n    def total(self):\n        return 0\n\n"
                "    def add(self,\n        item):\n"
                "        @staticmethod\n        def inner(): return 1\n        return inner\n",
            }
        ]
    },
    "review_code": {
        "diff": "--- a/x.py\n+++ b/x.py\n@@ -1,2 +1,2 @@\n import os\n-y = 1\n+y = eval(input())\n"
    },
}


def request(kind: str) -> TaskRequest:
    return TASK_REQUEST.validate_python({"kind": kind, "context": TASKS[kind]})


def asked(messages: tuple[Message, ...]) -> tuple[Asked, ...]:
    return tuple(Asked(Role(message.role), message.content) for message in messages)


@pytest.mark.parametrize("kind", TASKS)
def test_a_simulated_answer_to_our_prompt_is_accepted(kind: str) -> None:
    verdict = verify(request(kind), script(asked(render(request(kind)))))
    assert isinstance(verdict, Accepted), verdict


@pytest.mark.parametrize("kind", TASKS)
def test_a_repair_round_mends_a_sloppy_answer(kind: str) -> None:
    task = request(kind)
    first = render(task)
    answer = script(asked(first), Persona.SLOPPY)
    refused = verify(task, answer)
    assert isinstance(refused, Rejected)
    mended = script(asked(render_repair(task, first, answer, refused.problems)), Persona.SLOPPY)
    assert isinstance(verify(task, mended), Accepted)
