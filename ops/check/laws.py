"""The laws. Each takes a source and yields its breaches; `ALL` lists them."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator

from ops.check.source import Breach, Source

Law = Callable[[Source], Iterable[Breach]]

MODULE_LINES = 400
FUNCTION_LINES = 50

ENVIRONMENT = ("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv")
TIME = (
    "asyncio.sleep",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "time.monotonic",
    "time.monotonic_ns",
    "time.perf_counter",
    "time.perf_counter_ns",
    "time.sleep",
    "time.time",
    "time.time_ns",
)
TRANSACTION_PLACES = (
    "orchestrator/flow",
    "orchestrator/limits",
    "orchestrator/store/engine",
    "orchestrator/store/migrations",
    "orchestrator/store/partitions",  # savepoints, as each partition is made
)
# Which steps of the flow a step may call. Values (classes, constants) and pure decisions are free.
PURE_STEPS = {"assign", "compare", "consensus", "fit", "rank", "route", "score", "shares", "states"}
COMPOSERS = {"submit", "settle"}
CALLERS_OF_SUBMIT = {"batches", "retry", "schedules"}
VAGUE_MODULES = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "service", "handler"}
VAGUE_CLASS = re.compile(r"(Utils?|Helpers?|Common|Manager|Service|Handler)$")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def module_length(source: Source) -> Iterator[Breach]:
    if len(source.lines) > MODULE_LINES:
        yield source.breach(MODULE_LINES + 1, f"module of {len(source.lines)} lines (at most {MODULE_LINES})")


def function_length(source: Source) -> Iterator[Breach]:
    for node in source.functions():
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield source.breach(
                node.lineno, f"function {node.name} of {length} lines (at most {FUNCTION_LINES})"
            )


def module_docstring(source: Source) -> Iterator[Breach]:
    if not ast.get_docstring(source.tree):
        yield source.breach(1, "no module docstring: say what it is for and the invariant it keeps")


def environment_only_in_config(source: Source) -> Iterator[Breach]:
    if source.within("orchestrator/config", "tests", "ops"):
        return
    for line, origin in source.uses():
        if origin in ENVIRONMENT:
            yield source.breach(line, f"{origin}: the environment is read only in orchestrator/config")


def time_only_from_the_clock(source: Source) -> Iterator[Breach]:
    # The simulator stands in for a foreign server and may import nothing of ours but schemas.
    if source.within("orchestrator/clock", "orchestrator/simulator", "orchestrator/client", "ops", "tests"):
        return
    for line, origin in source.uses():
        if origin in TIME:
            yield source.breach(line, f"{origin}: time comes only from orchestrator.clock")


def commit_only_in_the_engine(source: Source) -> Iterator[Breach]:
    if not source.within("orchestrator/store/engine", "tests", "ops"):
        for line in _method_calls(source, "commit"):
            yield source.breach(line, ".commit(): only orchestrator/store/engine commits")


def transactions_only_in_flow_and_limits(source: Source) -> Iterator[Breach]:
    if not source.within(*TRANSACTION_PLACES, "tests", "ops"):
        for line in _method_calls(source, "transaction"):
            yield source.breach(line, ".transaction(): transactions open only in flow and limits")


def names_say_something(source: Source) -> Iterator[Breach]:
    places = source.path.removesuffix(".py").split("/")
    for place in places:
        if place.lower() in VAGUE_MODULES:
            yield source.breach(1, f"module name {place!r} says nothing: name it for what it does")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and VAGUE_CLASS.search(node.name):
            yield source.breach(node.lineno, f"class name {node.name!r} says nothing: name it for what it is")


def nothing_left_to_do(source: Source) -> Iterator[Breach]:
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and (found := UNFINISHED.search(token.string)):
            yield source.breach(token.start[0], f"{found[0]}: do it, or open an issue")


def a_step_has_its_files_name(source: Source) -> Iterator[Breach]:
    exempt = ("orchestrator/flow/__init__", "orchestrator/flow/states")
    if not source.within("orchestrator/flow") or source.within(*exempt):
        return
    public = [node for node in source.tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [node for node in public if not node.name.startswith("_")]
    if source.stem not in {node.name for node in public}:
        yield source.breach(1, f"a step's one public function has the file's name: {source.stem}")
    for node in public:
        if node.name != source.stem:
            yield source.breach(
                node.lineno, f"{node.name}: a step has one public function, named {source.stem}"
            )


def few_steps_compose_others(source: Source) -> Iterator[Breach]:
    if not source.within("orchestrator/flow") or source.stem in COMPOSERS | {"__init__"}:
        return
    allowed = PURE_STEPS | ({"submit"} if source.stem in CALLERS_OF_SUBMIT else set())
    for line, step, name in _steps_imported(source):
        if step not in allowed and step != source.stem and name.islower():
            yield source.breach(line, f"{step}.{name}: only submit and settle call other steps")


def _steps_imported(source: Source) -> Iterator[tuple[int, str, str]]:
    """Line, step and name of each import from the flow; a step imported whole counts as its function."""
    imports = [node for node in ast.walk(source.tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in imports:
        package = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
        for origin in (package + alias.name for alias in node.names):
            if origin.startswith("orchestrator.flow."):
                step, *names = origin.split(".")[2:]
                yield node.lineno, step, names[-1] if names else step


def _method_calls(source: Source, method: str) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
            yield node.lineno


ALL: tuple[Law, ...] = (
    module_length,
    function_length,
    module_docstring,
    environment_only_in_config,
    time_only_from_the_clock,
    commit_only_in_the_engine,
    transactions_only_in_flow_and_limits,
    names_say_something,
    nothing_left_to_do,
    a_step_has_its_files_name,
    few_steps_compose_others,
)
