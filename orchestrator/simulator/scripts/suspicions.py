"""Kinds of trouble that only show when a line is read together with others of its hunk.

Each takes a hunk and the place of an added line in it, and says what is wrong with that line, if anything.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from orchestrator.simulator.scripts.diffs import Hunk
from orchestrator.simulator.scripts.troubles import GO, PYTHON, RUST, SCRIPT, Suggest, Trouble

Suspicion = Callable[[Hunk, int, str], Trouble | None]

_NEVER: Final = re.compile(r"(?!)")
_ASYNC: Final = (
    (PYTHON, re.compile(r"^\s*async\s+def\s+(\w+)\(")),
    (SCRIPT, re.compile(r"\basync\s+(?:function\s+)?(\w+)\s*\(")),
    (SCRIPT, re.compile(r"\b(?:const|let)\s+(\w+)\s*=\s*async\b")),
    (RUST, re.compile(r"\basync\s+fn\s+(\w+)\s*[(<]")),
)
_SIGNATURE: Final = re.compile(
    r"(?:\bdef\s+|\bfunction\s+|\bfn\s+|\bfunc\s+(?:\([^)]*\)\s*)?|\b(?:void|int|long|boolean|double|String|"
    r"static)\s+)(\w+)\s*\(([^()]*)\)"
)
_ARGUMENT: Final = re.compile(r"^[\s&*]*(?:\w+\.)*(\w+)\s*$")
_CALL: Final = r"(?<![\w])(?:[\w.]+\.)?{name}\(([^()]*)\)"
_FETCH: Final = re.compile(r"^\s*(?:const|let|var)\s+(\w+)\s*=\s*(fetch|\w+\.json|axios\.\w+)\(")
_GO_ERROR: Final = re.compile(r"^\s*(\w+(?:,\s*\w+)*),\s*err\s*:?=\s*(.+)$")


def suspect(hunk: Hunk, at: int, language: str) -> Iterator[Trouble]:
    """What is wrong with a line, seen with its neighbours."""
    for suspicion in _SUSPICIONS:
        trouble = suspicion(hunk, at, language)
        if trouble is not None:
            yield trouble


def shared_default(hunk: Hunk, at: int, language: str) -> Trouble | None:
    """A Python default that all calls share."""
    text = hunk.lines[at].text
    if language not in PYTHON or not re.search(
        r"^\s*(async\s+)?def\s.*=\s*(\[\]|\{\}|set\(\)|dict\(\)|list\(\))", text
    ):
        return None
    following = hunk.following(at)
    return _trouble(
        "medium",
        "bug",
        "Mutable default argument",
        "The default is made once and shared by all calls, so what one call adds the next one finds.",
        lambda line: _defaulting_to_none(line, following),
    )


def not_awaited(hunk: Hunk, at: int, language: str) -> Trouble | None:
    """A call of a function that the hunk shows to be asynchronous, whose value is used at once."""
    text = hunk.lines[at].text
    called = {name for name in _asynchronous(hunk, language) if re.search(rf"(?<![\w]){name}\(", text)}
    if language in SCRIPT and (found := _FETCH.match(text)):
        called.add(found[2])
    passed_on = (
        r"\bawait\b|\breturn\b|\basync\b|\bgather\(|\bcreate_task\(|Promise\.|spawn\(|\.then\(|\bdef\b|\bfn\b"
    )
    if not called or re.search(passed_on, text):
        return None
    if any(re.search(r"\.await\b|Promise\.all|gather\(|join!\(", later) for later in hunk.after(at, 1)):
        return None
    name = min(called)
    by = _awaiting_behind(name) if language in RUST else _awaiting(name)
    return _trouble(
        "high",
        "bug",
        "Not awaited",
        f"{name} gives a promise, not the value: what follows works on the promise, or it never runs.",
        by,
    )


def swapped_arguments(hunk: Hunk, at: int, _: str) -> Trouble | None:
    """Arguments named like the parameters of a function that the hunk shows, in another order."""
    text = hunk.lines[at].text
    for name, parameters in _signatures(hunk):
        for found in re.finditer(_CALL.format(name=re.escape(name)), text):
            given = [
                argument[1] if (argument := _ARGUMENT.match(each)) else "" for each in found[1].split(",")
            ]
            if _SIGNATURE.search(text) or len(given) != len(parameters) or given == parameters:
                continue
            if set(given) == set(parameters) and len(set(given)) == len(given):
                return _trouble(
                    "high",
                    "bug",
                    "Arguments in the wrong order",
                    f"{name} takes ({', '.join(parameters)}), and is given ({', '.join(given)}).",
                )
    return None


def error_not_looked_at(hunk: Hunk, at: int, language: str) -> Trouble | None:
    """A Go error that the next lines neither look at nor pass on, or whose value is used before."""
    found = _GO_ERROR.match(hunk.lines[at].text) if language in GO else None
    following = hunk.following(at)
    if found is None or following is None or re.search(r"\berr\b", following):
        return None
    if following.strip() in ("}", ")"):
        return None
    value = found[1].split(",")[0].strip()
    used = re.search(rf"\b{re.escape(value)}\b", following) is not None
    return _trouble(
        "high",
        "error_handling",
        "Used before its error is looked at" if used else "Error not looked at",
        f"Where this fails, {value} is empty or nil, and is used all the same. Look at err right below.",
    )


_SUSPICIONS: Final[tuple[Suspicion, ...]] = (
    shared_default,
    not_awaited,
    swapped_arguments,
    error_not_looked_at,
)


def _trouble(severity: str, category: str, title: str, body: str, suggest: Suggest | None = None) -> Trouble:
    return Trouble(frozenset(), _NEVER, severity, category, title, body, suggest)


def _asynchronous(hunk: Hunk, language: str) -> set[str]:
    patterns = [pattern for languages, pattern in _ASYNC if language in languages]
    return {found[1] for line in hunk.lines for pattern in patterns for found in pattern.finditer(line.text)}


def _signatures(hunk: Hunk) -> Iterator[tuple[str, list[str]]]:
    for line in hunk.lines:
        for found in _SIGNATURE.finditer(line.text):
            names = [
                name for each in found[2].split(",") if (name := _parameter(each)) not in ("self", "cls", "")
            ]
            if len(names) > 1:
                yield found[1], names


def _parameter(text: str) -> str:
    """The name of a parameter: before its colon or default, behind its type, or before it as in Go."""
    plain = re.split(r"[:=]", text.strip().lstrip("&*"))[0].strip()
    words = plain.removeprefix("mut ").removeprefix("final ").split()
    typed_behind = len(words) == 2 and re.fullmatch(
        r"[\w.*\[\]]*(int\d*|string|float\d+|bool|Time|error)", words[1]
    )
    return "" if not words else words[0] if typed_behind or len(words) == 1 else words[-1]


def _awaiting(name: str) -> Suggest:
    return lambda line: re.sub(rf"((?:[\w.]+\.)?(?<![\w]){name}\()", r"await \1", line, count=1)


def _awaiting_behind(name: str) -> Suggest:
    return lambda line: re.sub(rf"((?<![\w]){name}\([^()]*\))", r"\1.await", line, count=1)


def _defaulting_to_none(text: str, following: str | None) -> str | None:
    """The signature with None in place of the shared value; the body must make a new one."""
    if not text.rstrip().endswith(":") or (following or '"""').lstrip().startswith(('"""', "'''")):
        return None
    found = re.search(r"(\w+)(\s*:\s*[^,=()]+?)?(\s*=\s*)(\[\]|\{\}|set\(\)|dict\(\)|list\(\))", text)
    if found is None:
        return None
    name, annotation, equals, value = found[1], found[2] or "", found[3], found[4]
    optional = f"{annotation} | None" if annotation else ""
    signature = text[: found.start()] + f"{name}{optional}{equals}None" + text[found.end() :]
    indent = " " * (len(text) - len(text.lstrip()) + 4)
    return f"{signature}\n{indent}if {name} is None:\n{indent}    {name} = {value}"
