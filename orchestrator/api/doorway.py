"""What every endpoint starts with: the process's parts, who asks, and what they may do."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends
from starlette.requests import Request

from orchestrator.auth import Principal, Scope, authenticate
from orchestrator.flow.watch import Watch
from orchestrator.limits.breakers import Breakers
from orchestrator.wiring import Parts
from schemas.errors import Forbidden, NotFound

WHO_IS_ADMIN: Final = (
    "The key that `orchestrator up` prints has it; `orchestrator up --new-key` replaces an older one."
)


@dataclass(frozen=True, slots=True)
class Visit:
    """An authenticated request: who asks, and what the process has to answer with."""

    parts: Parts
    watch: Watch
    breakers: Breakers
    who: Principal

    @property
    def tenant_id(self) -> UUID:
        """Whose data this request may see."""
        return self.who.tenant_id


def _visitor(scope: Scope) -> Callable[[Request], Awaitable[Visit]]:
    async def visit(request: Request) -> Visit:
        state = request.app.state
        who = await authenticate(state.parts, request.headers.get("authorization"))
        if scope not in who.scopes:
            way_out = f" {WHO_IS_ADMIN}" if scope is Scope.ADMIN else ""
            raise Forbidden(f"This API key lacks the scope {scope}.{way_out}")
        return Visit(state.parts, state.watch, state.breakers, who)

    return visit


Reader = Annotated[Visit, Depends(_visitor(Scope.READ))]
Writer = Annotated[Visit, Depends(_visitor(Scope.WRITE))]
Admin = Annotated[Visit, Depends(_visitor(Scope.ADMIN))]
"""For what holds submitters to their limits: budgets, gates, providers."""


def no_task(task_id: UUID) -> NotFound:
    """The error for a task that is not there, or not this tenant's."""
    return NotFound(f"There is no task {task_id}.")
