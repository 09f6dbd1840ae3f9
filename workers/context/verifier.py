"""The prompt of a verifier's call: the change, and the findings of the review that it is to check.

The verifier sees nothing of how sure the reviewer was, so that it makes up its own mind.
"""

from collections.abc import Sequence

from schemas.results import Finding
from schemas.tasks import ReviewCodeRequest
from workers.context.fence import fence
from workers.context.render import Message, template


def render_verifier(request: ReviewCodeRequest, findings: Sequence[Finding]) -> tuple[Message, ...]:
    """The messages; the findings are numbered from 1 in their order."""
    shown = [_shown(number, finding) for number, finding in enumerate(findings, 1)]
    task = template("verifier_task.md").render(context=request.context, findings=shown)
    return (
        Message("system", template("verifier.md").render(kind=request.kind.value)),
        Message("user", task),
    )


def _shown(number: int, finding: Finding) -> str:
    parts = [finding.title, f"Quoted:\n{finding.quote}", f"Says:\n{finding.body}"]
    if finding.suggestion is not None:
        parts.append(f"Suggests in place of the quoted lines:\n{finding.suggestion}")
    return fence(
        "finding",
        "\n\n".join(parts),
        number=number,
        file=finding.file,
        side=finding.side.value,
        line=finding.start_line,
        severity=finding.severity.value,
        category=finding.category,
    )
