"""A verifier's answers: each finding is looked up in the diff that came with it, and scored by that."""

from dataclasses import dataclass

from orchestrator.simulator.scripts.code import LABEL
from orchestrator.simulator.scripts.diffs import Line, hunks
from orchestrator.simulator.scripts.prompt import Element, Prompt
from orchestrator.simulator.scripts.review import known_troubles


@dataclass(frozen=True, slots=True)
class Score:
    """What the verifier says of a finding, by its number."""

    finding: str
    score: int
    reason: str

    def render(self) -> str:
        """The score as an answer shows it."""
        verdict = "keep" if self.score >= 5 else "drop"
        return (
            f'<score finding="{self.finding}" score="{self.score}" verdict="{verdict}">{self.reason}</score>'
        )


@dataclass(frozen=True, slots=True)
class Scores:
    """The scores of all findings."""

    scores: tuple[Score, ...]

    def render(self) -> str:
        """The whole answer."""
        return "\n".join([LABEL, *(score.render() for score in self.scores)]) + "\n"


def check(prompt: Prompt) -> Scores:
    """The answer to a verifier's prompt."""
    lines = [line for hunk in hunks(prompt.diff) for line in hunk.lines]
    shown = {(line.file, line.number): line for line in lines}
    known = {(found.file, found.line, found.title) for found in known_troubles(prompt.diff)}
    return Scores(tuple(_score(each, shown, known) for each in prompt.findings))


def _score(finding: Element, shown: dict[tuple[str, int], Line], known: set[tuple[str, int, str]]) -> Score:
    named = finding.attributes
    number, file, line = named.get("number", ""), named.get("file", ""), named.get("line", "")
    title = finding.text.partition("\n")[0]
    place = (file, int(line)) if line.isdecimal() else (file, 0)
    there = shown.get(place)
    if (*place, title) in known:
        return Score(number, 9, "The line is there, and a pattern that the script knows says the same.")
    if named.get("side") == "old":
        return Score(number, 5, "It is about removed lines, which the script can't judge.")
    if there is None:
        return Score(number, 0, "The diff shows no such line.")
    if not there.added:
        return Score(number, 2, "The change leaves this line as it was.")
    return Score(number, 5, "The line was added; the script knows nothing for or against it.")
