"""Liken: a kept answer can be found by what is like its question, as long as it is kept."""

import base64
from array import array
from typing import Final
from uuid import UUID

from orchestrator.store import similar
from orchestrator.wiring import Parts
from schemas.calls import Question

MOST: Final = 5_000
"""Questions that are compared with each other; of more, those that end first go."""


async def liken(parts: Parts, tenant_id: UUID, entry: str, question: Question, seconds: int) -> None:
    """Keep the vector of an entry's question, in place of what was found to be no more."""
    await parts.db.run(
        similar.KEEP,
        tenant_id=tenant_id,
        scope=question.scope,
        entry=entry,
        embedding=array("f", base64.b64decode(question.vector)).tolist(),
        dead=list(question.dead),
        seconds=seconds,
        most=MOST,
    )
