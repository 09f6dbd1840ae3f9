"""Kinds of trouble that show on one line, or on one line and what follows it, and how they look.

They are what the scripted reviewer knows: rules of thumb by language, as a linter would have them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Suggest = Callable[[str], str | None]

PYTHON: Final = frozenset({"py", "pyi"})
SCRIPT: Final = frozenset({"js", "jsx", "mjs", "cjs", "ts", "tsx"})
GO: Final = frozenset({"go"})
JAVA: Final = frozenset({"java"})
RUST: Final = frozenset({"rs"})
ANY: Final[frozenset[str]] = frozenset()
_SQL: Final = r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A kind of trouble: how its line looks, in which languages, and what on later lines takes care of it."""

    languages: frozenset[str]
    looks: re.Pattern[str]
    severity: str
    category: str
    title: str
    body: str
    suggest: Suggest | None = None
    unless_later: re.Pattern[str] | None = None
    if_next: re.Pattern[str] | None = None


def _replacing(pattern: str, by: str) -> Suggest:
    """The line with a part of it replaced."""
    return lambda line: re.sub(pattern, by, line, count=1)


_INJECTED: Final = (
    "A value is put into the statement as text, so whoever supplies it can change the statement. "
    "Pass it as a bound parameter."
)
_ASSIGNED: Final = r"(\b(if|while)\s*\(\s*!?[\w.]+\s*)=(\s*[^=>])"
_ASSIGNMENT: Final = "Assignment where a comparison is meant"
_ASSIGNS: Final = "One equals sign assigns: the condition is the assigned value, and the variable is changed."
_TOO_FAR: Final = "The last step uses the length as an index, which is one past the last element."
_NOTHING: Final = "The call gives nothing where nothing is found, and then this fails. Look at it first."
_SWALLOWED: Final = "Every error ends here unseen, also those nobody thought of. Handle it, or pass it on."
_LEAK: Final = "Nothing closes it, on the way out or after an error, so every call leaves one open."

TROUBLES: Final = (
    Trouble(
        PYTHON,
        re.compile(
            rf"""\bf["'].*{_SQL}.*\{{|["'].*{_SQL}.*["']\s*(%\s*\w|%\s*\(|\+|\.format\()""", re.IGNORECASE
        ),
        "critical", "security", "SQL built from text", _INJECTED,
    ),
    Trouble(
        SCRIPT, re.compile(rf"""`.*{_SQL}.*\$\{{|["'].*{_SQL}.*["']\s*\+""", re.IGNORECASE),
        "critical", "security", "SQL built from text", _INJECTED,
    ),
    Trouble(
        GO, re.compile(rf"""Sprintf\(["`].*{_SQL}.*%[svdq]|["`].*{_SQL}.*["`]\s*\+""", re.IGNORECASE),
        "critical", "security", "SQL built from text", _INJECTED,
    ),
    Trouble(
        JAVA, re.compile(rf"""".*{_SQL}.*"\s*\+|String\.format\(".*{_SQL}""", re.IGNORECASE),
        "critical", "security", "SQL built from text", _INJECTED,
    ),
    Trouble(
        RUST, re.compile(rf"""format!\(\s*".*{_SQL}.*\{{""", re.IGNORECASE),
        "critical", "security", "SQL built from text", _INJECTED,
    ),
    Trouble(
        ANY,
        re.compile(
            r"""\b\w*(password|passwd|secret|api_?key|access_?token)\w*\s*"""
            r"""(:\s*&?'?(str|static str|string)\s*)?:?=\s*["'][^"'{}$\s]{3,}["']""",
            re.IGNORECASE,
        ),
        "high", "security", "Secret in the source",
        "A secret in the source is readable by everyone who reads the code, as long as its history lives. "
        "Read it from the environment or a secret store.",
    ),
    Trouble(
        PYTHON | SCRIPT, re.compile(r"(?<![\w.])(eval|exec)\("),
        "high", "security", "Text run as code",
        "Whatever reaches this call is executed. Parse the value instead.",
    ),
    Trouble(
        PYTHON, re.compile(r"\bshell\s*=\s*True\b"),
        "high", "security", "Command run through a shell",
        "Shell syntax in any part of the command is obeyed. Pass a list of arguments without a shell.",
    ),
    Trouble(
        PYTHON, re.compile(r"\bverify\s*=\s*False\b"),
        "high", "security", "Certificate check switched off",
        "Anyone on the way can read and change this traffic. Keep the check on.",
        _replacing(r"\bverify\s*=\s*False\b", "verify=True"),
    ),
    Trouble(
        GO, re.compile(r"\bInsecureSkipVerify:\s*true\b"),
        "high", "security", "Certificate check switched off",
        "Anyone on the way can read and change this traffic. Keep the check on.",
        _replacing(r"(InsecureSkipVerify:\s*)true", r"\1false"),
    ),
    Trouble(
        SCRIPT, re.compile(r"""\.innerHTML\s*\+?=\s*(?!\s*["'`][^$]*["'`]\s*;?\s*$)"""),
        "high", "security", "Text put into the page as HTML",
        "Markup in the value is obeyed, scripts included. Set textContent instead.",
        _replacing(r"\.innerHTML(\s*=)", r".textContent\1"),
    ),
    Trouble(
        PYTHON, re.compile(r"\brange\(\s*len\([^()]*\)\s*\+\s*1\s*\)"),
        "high", "bug", "Loop runs one step too far", _TOO_FAR,
        _replacing(r"(range\(\s*len\([^()]*\))\s*\+\s*1\s*\)", r"\1)"),
    ),
    Trouble(
        PYTHON, re.compile(r"\bwhile\b.*\w\s*<=\s*len\("),
        "high", "bug", "Loop runs one step too far", _TOO_FAR,
        _replacing(r"<=(\s*len\()", r"<\1"),
    ),
    Trouble(
        SCRIPT | JAVA, re.compile(r"\b(for|while)\s*\(.*\w\s*<=\s*[\w.]+\.(length|size)\b"),
        "high", "bug", "Loop runs one step too far", _TOO_FAR,
        _replacing(r"<=(\s*[\w.]+\.(?:length|size)\b)", r"<\1"),
    ),
    Trouble(
        GO, re.compile(r"\bfor\b.*\w\s*<=\s*len\("),
        "high", "bug", "Loop runs one step too far", _TOO_FAR,
        _replacing(r"<=(\s*len\()", r"<\1"),
    ),
    Trouble(
        RUST, re.compile(r"\bfor\b.*\.\.=\s*[\w.]+\.len\(\)(?!\s*-)"),
        "high", "bug", "Loop runs one step too far", _TOO_FAR,
        _replacing(r"\.\.=(\s*[\w.]+\.len\(\))", r"..\1"),
    ),
    Trouble(
        SCRIPT, re.compile(_ASSIGNED), "high", "bug", _ASSIGNMENT, _ASSIGNS,
        _replacing(_ASSIGNED, r"\1===\3"),
    ),
    Trouble(
        JAVA, re.compile(_ASSIGNED), "high", "bug", _ASSIGNMENT, _ASSIGNS,
        _replacing(_ASSIGNED, r"\1==\3"),
    ),
    Trouble(
        JAVA, re.compile(r"""\bif\s*\(.*([\w)]\s*[=!]=\s*"|"\s*[=!]=\s*\w)"""),
        "high", "bug", "Strings compared by identity",
        "Two strings with the same text may be two objects. Compare them with equals.",
        _replacing(r"""(\w+(?:\.\w+)*(?:\(\))?)\s*==\s*("[^"]*")""", r"\2.equals(\1)"),
    ),
    Trouble(
        PYTHON, re.compile(r"""^\s*(if|elif|while|assert|return)\b[^"'#]*\bis\s+(not\s+)?["'\d\[({]"""),
        "medium", "bug", "Identity compared instead of equality",
        "Whether two equal values are one object is up to the interpreter. Compare with ==.",
        lambda line: re.sub(r"\bis\s+(not\s+)?(?=[\"'\d\[({])", lambda it: "!= " if it[1] else "== ", line),
    ),
    Trouble(
        SCRIPT, re.compile(r"""(?<![=!])==\s*(["'\d]|true\b|false\b)"""),
        "medium", "bug", "Loose comparison converts its sides",
        "Values of other types count as equal: an empty text and 0, for example. Compare with ===.",
        _replacing(r"(?<![=!])==(?!=)", "==="),
    ),
    Trouble(
        PYTHON, re.compile(r"\bre\.(match|search|fullmatch)\(.*\)\.(group|groups|start|end|span)\("),
        "high", "bug", "Nothing is used as if it were something", _NOTHING,
    ),
    Trouble(
        PYTHON,
        re.compile(
            r"""(?<!requests)(?<!client)(?<!session)\.get\((["'][^"']*["']|\w+)\)\s*(\.\w+\(|\[)"""
        ),
        "high", "bug", "Nothing is used as if it were something", _NOTHING,
    ),
    Trouble(
        SCRIPT, re.compile(r"\.(find|match|querySelector|getElementById|exec)\(.*\)(\.\w|\[)"),
        "high", "bug", "Nothing is used as if it were something", _NOTHING,
        _replacing(r"(\.(?:find|querySelector|getElementById)\(.*\))\.(\w)", r"\1?.\2"),
    ),
    Trouble(
        SCRIPT, re.compile(r"\.get\([^()]*\)!\."),
        "high", "bug", "Nothing is used as if it were something", _NOTHING,
        _replacing(r"(\.get\([^()]*\))!\.", r"\1?."),
    ),
    Trouble(
        JAVA, re.compile(r"""\b\w*([mM]ap|[cC]ache|[iI]ndex|By\w+)\.get\([^()]*\)\.\w+\("""),
        "high", "bug", "Nothing is used as if it were something", _NOTHING,
    ),
    Trouble(
        JAVA, re.compile(r"\.(findFirst|findAny|findById)\([^()]*\)\.get\(\)"),
        "high", "bug", "Nothing is used as if it were something", _NOTHING,
        _replacing(r"\.get\(\)", ".orElseThrow()"),
    ),
    Trouble(
        GO, re.compile(r"^\s*\w+,\s*_\s*:?=\s*(os|io|http|json|strconv|sql|db|tx|url|time|ioutil|rows)\."),
        "high", "error_handling", "Error thrown away",
        "Where the call fails, what it gives is used all the same. Look at the error and pass it on.",
    ),
    Trouble(
        GO, re.compile(r"^\s*(json\.Unmarshal|\w+\.(Scan|Decode|Exec|Commit))\(.*\)\s*$"),
        "high", "error_handling", "Error thrown away",
        "Where the call fails, what it should have filled is used all the same. Look at the error it gives.",
    ),
    Trouble(
        RUST, re.compile(r"^\s*let _ = .*\.(write|write_all|flush|send|commit|execute|sync_all)\("),
        "high", "error_handling", "Error thrown away",
        "Where the call fails, nobody is told and the data is gone. Pass the error on with `?`.",
        _replacing(r"let _ = (.*\));", r"\1?;"),
    ),
    Trouble(
        RUST,
        re.compile(
            r"\.(parse(::<[\w:<>]+>)?\(\)|get\([^()]*\)|next\(\)|recv\(\)|read_to_string\([^()]*\)|ok\(\))"
            r"\.unwrap\(\)"
        ),
        "high", "error_handling", "Panics where the value is missing or wrong",
        "Anything that isn't as expected ends the thread. Handle the case, or pass it on with `?`.",
    ),
    Trouble(
        RUST, re.compile(r"\.len\(\)\s*-\s*1\b(?!.*(saturating|checked))"),
        "medium", "bug", "Underflows on an empty list",
        "With nothing in it, 0 - 1 panics, or wraps around in a release build. Use checked_sub or last().",
    ),
    Trouble(
        PYTHON, re.compile(r"^\s*\w+\s*=\s*open\("),
        "medium", "bug", "File is never closed", _LEAK, unless_later=re.compile(r"\.close\(|\bwith\b"),
    ),
    Trouble(
        GO, re.compile(r"^\s*(\w+),\s*(err|_)\s*:?=\s*(os\.(Open|Create|OpenFile)|\w+\.Query)\("),
        "medium", "bug", "Opened and never closed", _LEAK, unless_later=re.compile(r"\.Close\("),
    ),
    Trouble(
        GO, re.compile(r"^\s*(\w+),\s*err\s*:?=\s*(http|client|c)\.(Get|Post|Do)\("),
        "medium", "bug", "Opened and never closed", _LEAK, unless_later=re.compile(r"\.Body\.Close\("),
    ),
    Trouble(
        GO, re.compile(r"^\s*[\w.]+\.(R?Lock)\(\)\s*$"),
        "high", "concurrency", "Lock is never given back",
        "Nothing unlocks it, so whoever comes next waits forever. Put a deferred Unlock below it.",
        lambda line: re.sub(r"^(\s*)([\w.]+)\.(R?)Lock\(\)", r"\g<0>\n\1defer \2.\3Unlock()", line.rstrip()),
        unless_later=re.compile(r"\.R?Unlock\("),
    ),
    Trouble(
        JAVA,
        re.compile(
            r"^\s*(var|\w+(<\w+>)?)\s+\w+\s*=\s*new\s+"
            r"(File\w*(Stream|Reader|Writer)|BufferedReader|Scanner|Socket)\("
        ),
        "medium", "bug", "Opened and never closed", _LEAK, unless_later=re.compile(r"\.close\("),
    ),
    Trouble(
        SCRIPT | JAVA, re.compile(r"\bcatch\s*(\([^)]*\))?\s*\{\s*\}"),
        "medium", "error_handling", "Errors are swallowed", _SWALLOWED,
    ),
    Trouble(
        SCRIPT | JAVA, re.compile(r"\bcatch\s*(\([^)]*\))?\s*\{\s*$"),
        "medium", "error_handling", "Errors are swallowed", _SWALLOWED, if_next=re.compile(r"^\s*\}"),
    ),
    Trouble(
        PYTHON,
        re.compile(r"^\s*except(\s+(Base)?Exception(\s+as\s+\w+)?)?\s*:\s*(#.*)?pass\b|^\s*except\s*:"),
        "medium", "error_handling", "Errors are swallowed", _SWALLOWED,
    ),
    Trouble(
        PYTHON, re.compile(r"^\s*except\s+(Base)?Exception(\s+as\s+\w+)?\s*:\s*(#.*)?$"),
        "medium", "error_handling", "Errors are swallowed", _SWALLOWED, if_next=re.compile(r"^\s*pass\b"),
    ),
    Trouble(
        SCRIPT, re.compile(r"\.forEach\(\s*async\b"),
        "high", "concurrency", "Nobody waits for these",
        "forEach drops the promises: what comes after runs before them, and their errors go nowhere. "
        "Use a for loop with await, or Promise.all over map.",
    ),
)  # fmt: skip
