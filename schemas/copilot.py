"""How GitHub Copilot is given work: where it works, in which way, and how it is billed."""

from enum import StrEnum
from typing import Final

from pydantic import Field

from schemas.base import Value

AUTO: Final = "auto"
"""The model where GitHub chooses it."""

BRANCH: Final = "ai-automation"
WORKFLOW: Final = "copilot-generation.yml"


class JobWay(StrEnum):
    """How GitHub Copilot is given work: an event that starts a workflow, or an agent task (preview)."""

    DISPATCH = "dispatch"
    AGENT_TASK = "agent_task"


class JobBilling(StrEnum):
    """What a job costs where its vendor reports nothing: nothing beyond the plan's fee, or we can't tell."""

    FLAT = "flat"
    CREDITS = "credits"


class CopilotOptions(Value):
    """Where GitHub Copilot works, and how it is asked."""

    repository: str = Field(
        max_length=140,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*$",
        description="`owner/name` of the repository whose workflow or agent does the work",
    )
    branch: str = Field(
        BRANCH,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_./-]{0,199}$",
        description="the branch that the work starts from, where the task names none",
    )
    way: JobWay = Field(JobWay.DISPATCH, description="`dispatch` a workflow, or start an `agent_task`")
    workflow: str = Field(
        WORKFLOW,
        pattern=r"^[A-Za-z0-9_.-]{1,100}\.ya?ml$",
        description="file name of the workflow that takes the event",
    )
    billing: JobBilling | None = Field(
        None, description="default: `flat` for a dispatched workflow, `credits` for an agent task"
    )
    max_credits: int = Field(
        200, strict=True, ge=1, le=1_000_000, description="held for each job that is billed by AI credits"
    )
    timeout_minutes: int = Field(
        60, strict=True, ge=1, le=1440, description="a job that takes longer is cancelled"
    )

    @property
    def by_credits(self) -> bool:
        """Whether a job that reports no AI credits has an unknown cost."""
        default = JobBilling.CREDITS if self.way is JobWay.AGENT_TASK else JobBilling.FLAT
        return (self.billing or default) is JobBilling.CREDITS
