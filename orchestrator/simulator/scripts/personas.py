"""Answers that differ on purpose from the good ones they are made from, so that every reader is exercised."""

from dataclasses import replace
from typing import Final

from orchestrator.simulator.faults import Persona
from orchestrator.simulator.scripts.careless import careless, relapses, relapsing
from orchestrator.simulator.scripts.code import LABEL, Block, CodeAnswer
from orchestrator.simulator.scripts.dialects import DIALECTS, render_in
from orchestrator.simulator.scripts.prompt import Prompt
from orchestrator.simulator.scripts.review import Finding, ReviewAnswer
from orchestrator.simulator.scripts.verifier import Scores

UNUSABLE: Final = f"{LABEL} I thought about it for a while and would rather tell you how I feel about it."
_MISREAD: Final = "    this_line_is_not_in_the_file = True"
_BROKEN: Final = "def broken(:\n    return"
_INVENTED: Final = "this line stands nowhere in the diff"


def spoil(answer: CodeAnswer | ReviewAnswer | Scores, persona: Persona, prompt: Prompt) -> str:
    """The answer as the persona gives it; asked to mend it, most give the good one.

    As a verifier, `wrong` scores nothing and the others leave out the first finding.
    """
    if persona is Persona.WRONG:
        return UNUSABLE
    if isinstance(answer, Scores):
        return Scores(answer.scores[1:]).render()
    if isinstance(answer, ReviewAnswer):
        mended = not relapses(prompt) if persona is Persona.RELAPSING else prompt.repair
        well = mended or persona in DIALECTS
        return (answer if well else _misquoted(answer)).render()
    if persona in DIALECTS:
        return render_in(answer, persona, prompt.files)
    if persona is Persona.RELAPSING:
        return relapsing(answer, prompt)
    if prompt.repair:
        return answer.render()
    if persona is Persona.CARELESS:
        return careless(answer, prompt)
    change = _broken if persona is Persona.SYNTAX_ERROR else _misread
    return replace(answer, blocks=tuple(change(block) for block in answer.blocks)).render()


def _misread(block: Block) -> Block:
    """A block whose search lines are almost those of the file."""
    first, _, rest = block.search.partition("\n")
    search = f"{first}  # as remembered" if first.strip() else _MISREAD
    return replace(block, search=f"{search}\n{rest}" if rest else search)


def _broken(block: Block) -> Block:
    """A block that puts something into the file that isn't Python."""
    return replace(block, replace=f"{block.replace}\n{_BROKEN}")


def _misquoted(answer: ReviewAnswer) -> ReviewAnswer:
    findings = answer.findings or (
        Finding("unknown.py", 1, "low", "bug", "Something is odd", _INVENTED, "It looks odd."),
    )
    return replace(answer, findings=tuple(replace(finding, quote=_INVENTED) for finding in findings))
