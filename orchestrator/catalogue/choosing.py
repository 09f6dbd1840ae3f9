"""Which model a provider is asked for where nobody said: one that chats, of those that its endpoint lists."""

import re
from collections.abc import Sequence
from typing import Final

from orchestrator.catalogue.templates import known_at

_NO_CHAT: Final = re.compile(
    r"embed|whisper|tts|transcri|speech|audio|realtime|dall-e|image|vision-only|moderation|rerank|guard"
    r"|ocr|sora|veo|imagen|babbage|davinci|search",
    re.IGNORECASE,
)


def chosen_model(base_url: str, listed: Sequence[str]) -> str | None:
    """The well-known endpoint's usual model if it lists it, else the first that can chat; None for none."""
    known = known_at(base_url)
    usual = known.variables["MODEL"].default if known else None
    if usual is not None and usual in listed:
        return usual
    return next((model for model in listed if not _NO_CHAT.search(model)), None)
