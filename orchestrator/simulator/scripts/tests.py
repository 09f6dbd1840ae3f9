"""Tests: for each public function of a Python file that it is there and takes what it took.

They are real tests, and fail when a name or a parameter goes; what a function does, a script can't tell. Of
other files they say that they are there and not empty.
"""

import ast
from typing import Final

from orchestrator.simulator.scripts import code
from orchestrator.simulator.scripts.code import Block, CodeAnswer
from orchestrator.simulator.scripts.prompt import Prompt

_MOST: Final = 20
_HEAD: Final = '''\
"""Simulated tests: a script wrote them from the signatures it found."""

import inspect

from {package} import {module}
'''
_TEST: Final = """

def test_{name}_takes_{what}():
    assert list(inspect.signature({module}.{name}).parameters) == {parameters}
"""
_PRESENCE: Final = '''\
"""Simulated tests: a script wrote them, no model looked at the files."""

from pathlib import Path

ROOT = Path(__file__).parents[{depth}]


def test_the_file_is_there_and_not_empty():
    assert (ROOT / {path!r}).stat().st_size > 0
'''
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def write_tests(prompt: Prompt) -> CodeAnswer:
    """The answer to a task that asks for tests."""
    path, text = _of_functions(prompt) or _of_presence(prompt)
    return CodeAnswer(
        "The tests hold on to the signatures that are there; what the functions do, a script can't tell.",
        (Block(path, "", text.rstrip("\n")),),
        code.verdicts(prompt.criteria, "cant_tell", f"{path}:1", "No model looked at this."),
    )


def _of_functions(prompt: Prompt) -> tuple[str, str] | None:
    for path, content in prompt.files.items():
        name = path.rpartition("/")[2]
        if not name.endswith(".py") or name.startswith(("test_", "__", "conftest")):
            continue
        if functions := _functions(content):
            return _free(prompt, name.removesuffix(".py")), _text(path, functions)
    return None


def _functions(content: str) -> list[_Function]:
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return []
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [node for node in found if not node.name.startswith("_") and not node.decorator_list][:_MOST]


def _text(path: str, functions: list[_Function]) -> str:
    package, _, module = path.removesuffix(".py").removeprefix("src/").replace("/", ".").rpartition(".")
    head = _HEAD.format(package=package, module=module)
    if not package:
        head = head.replace("from  import ", "import ")
    return head + "".join(_test(module, function) for function in functions)


def _test(module: str, function: _Function) -> str:
    taken = function.args
    named = [*taken.posonlyargs, *taken.args, taken.vararg, *taken.kwonlyargs, taken.kwarg]
    parameters = [each.arg for each in named if each is not None]
    shown = "[" + ", ".join(f'"{name}"' for name in parameters) + "]"
    what = "_and_".join(parameters[:3]) or "nothing"
    return _TEST.format(name=function.name, what=what, module=module, parameters=shown)


def _of_presence(prompt: Prompt) -> tuple[str, str]:
    path = _free(prompt, "files")
    named = next(iter(prompt.files), path)
    return path, _PRESENCE.format(depth=path.count("/"), path=named)


def _free(prompt: Prompt, name: str) -> str:
    folder = prompt.inside("tests")
    path, number = f"{folder}/test_{name}.py", 1
    while path in prompt.files:
        number += 1
        path = f"{folder}/test_{name}_{number}.py"
    return path
