"""How large a task is for a model: with its files whole, and with them cut to fit."""

from typing import Final

from orchestrator.catalogue import tokens
from schemas.tasks import ChatRequest, EmbedRequest, TaskRequest

SESSION_TOKENS: Final = 8_000
"""What the history of a session takes at most."""
_ROW: Final = 100
"""Bytes of a file's row in the manifest, its path apart."""
_LEAST_SHOWN: Final = 12_000
"""Bytes of files below which a prompt would show too little of them to be of use."""


def of(request: TaskRequest, body: str) -> tuple[int, int]:
    """Tokens of the whole task, and with its files cut as far as they can; `body` is the request as JSON."""
    whole = tokens.estimate(body)
    if isinstance(request, EmbedRequest):
        return whole, whole
    told = SESSION_TOKENS if request.context.session_history else 0
    if isinstance(request, ChatRequest):
        return whole + told, whole
    context = request.context
    files = sum(len(file.content.encode()) for file in context.files)
    packed = len(context.bundle.data) if context.bundle is not None else 0
    rows = sum(len(file.path) + _ROW for file in context.files)
    least = len(body.encode()) - files - packed + rows + min(files + packed, _LEAST_SHOWN)
    return whole + told, min(whole, tokens.estimate_bytes(max(0, least)))
