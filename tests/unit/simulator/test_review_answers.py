"""Reviews quote lines that stand in the diff, and say which line they are."""

import re
from dataclasses import dataclass

import pytest

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts.answer import script
from orchestrator.simulator.scripts.diffs import added_lines
from tests.unit.simulator.prompts import DIFF, answered, ask

USER = f"<description>Review this change.</description>\n<diff>\n{DIFF}\n</diff>"
FINDING = re.compile(
    r'<finding file="(?P<file>[^"]+)" side="new" line="(?P<line>\d+)" severity="(?P<severity>\w+)"'
    r' category="(?P<category>\w+)" title="(?P<title>[^"]+)">\n<quote>\n(?P<quote>.*?)\n</quote>\n'
    r"<body>(?P<body>.*?)</body>(\n<suggestion>\n(?P<suggestion>.*?)\n</suggestion>)?\n</finding>",
    re.DOTALL,
)


@dataclass(frozen=True)
class Found:
    line: int
    quote: str
    title: str
    severity: str
    suggestion: str | None


def findings(answer: str) -> list[Found]:
    return [
        Found(int(found["line"]), found["quote"], found["title"], found["severity"], found["suggestion"])
        for found in FINDING.finditer(answer)
    ]


def of_line(line: str, follower: str = "    return 1") -> list[Found]:
    diff = f"--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,2 @@\n+{line}\n+{follower}\n"
    return findings(answered("review_code", f"<diff>\n{diff}\n</diff>"))


def test_the_demo_diff_shows_its_faults_worst_first() -> None:
    found = findings(answered("review_code", USER))
    assert [finding.title for finding in found] == [
        "SQL built from text",
        "Secret in the source",
        "Loop runs one step too far",
        "Mutable default argument",
        "Errors are swallowed",
    ]


def test_every_quote_is_the_line_it_names() -> None:
    lines = {line.number: line.text for line in added_lines(DIFF)}
    for finding in findings(answered("review_code", USER)):
        assert finding.quote == lines[finding.line]
        assert f"\n+{finding.quote}\n" in DIFF


def test_line_numbers_are_those_of_the_new_file() -> None:
    numbers = {line.text: line.number for line in added_lines(DIFF)}
    assert numbers['PASSWORD = "hunter2hunter2"'] == 2
    assert numbers["    return total"] == 18


def test_an_added_line_that_looks_like_a_file_header_is_content() -> None:
    diff = "--- a/a.sql\n+++ b/a.sql\n@@ -1,2 +1,2 @@\n--- old comment\n+++ new\n x\n"
    assert [(line.file, line.number, line.text) for line in added_lines(diff)] == [("a.sql", 1, "++ new")]


@pytest.mark.parametrize(
    "line",
    [
        "def f(seen=[]):",
        "    async def g(self, cache: dict[str, int] = {}, *, x=1):",
        "    for i in range(len(items) + 1):",
        "    while i <= len(items):",
        "    except:",
        "    except Exception: pass",
        """    db.execute("DELETE FROM t WHERE id = %s" % key)""",
        """    db.execute("SELECT * FROM t WHERE id = " + key)""",
        "    subprocess.run(command, shell=True)",
        "    requests.get(url, verify=False)",
        "    return eval(text)",
        "    api_key = 'sk-123456'",
    ],
)
def test_trouble_is_found(line: str) -> None:
    assert [finding.quote for finding in of_line(line)] == [line]


@pytest.mark.parametrize(
    "line",
    [
        "def f(seen=None):",
        "    for i in range(len(items)):",
        "    except ValueError:",
        """    db.execute("SELECT * FROM t WHERE id = %s", (key,))""",
        "    password = os.environ['PASSWORD']",
        "    model.eval()",
        "    # except: pass",
        "    rows = []",
        "    log(f'selected {name}')",
    ],
)
def test_sound_lines_are_left_alone(line: str) -> None:
    assert of_line(line) == []


def test_suggestions_replace_the_quoted_line() -> None:
    (off_by_one,) = of_line("    for i in range(len(items) + 1):")
    assert off_by_one.suggestion == "    for i in range(len(items)):"
    (default,) = of_line("def f(a, seen: list[str] = [], b=2):")
    assert default.suggestion == (
        "def f(a, seen: list[str] | None = None, b=2):\n    if seen is None:\n        seen = []"
    )
    (documented,) = of_line("def f(seen=[]):", '    """Says what it does."""')
    assert documented.suggestion is None


def test_a_clean_diff_has_a_summary_and_no_finding() -> None:
    diff = "--- a/a.py\n+++ b/a.py\n@@ -0,0 +1 @@\n+x = 1\n"
    answer = answered("review_code", f"<diff>\n{diff}\n</diff>")
    assert findings(answer) == []
    assert "<summary>A script looked at 1 added lines in 1 files" in answer


@pytest.mark.parametrize("persona", [Persona.MISQUOTE, Persona.SLOPPY])
def test_a_misquote_stands_nowhere_in_the_diff_until_it_is_mended(persona: Persona) -> None:
    wrong = findings(script(ask("review_code", USER), persona))
    assert wrong
    assert all(finding.quote not in DIFF for finding in wrong)
    assert script(ask("review_code", USER, repair=True), persona) == answered("review_code", USER)
