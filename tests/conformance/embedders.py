"""The wires that are asked for vectors, and the scenes that they are held to.

The scenes are those of answers in which something else is read or refused. What is not streamed has no first
token: it is there within the call's own time, or the call is over; cut short it is no JSON.
"""

from dataclasses import replace
from typing import Final

from schemas.errors import Category
from tests.conformance.scenes import SCENES, Charge, Scene
from tests.conformance.wires import Spoken

EMBEDDERS: Final = (
    Spoken("openai_chat", "openai", "/openai/v1", ("text-embedding-3-small",), journal="openai_embeddings"),
    Spoken("gemini", "google", "/gemini/v1beta", ("gemini-embedding-001",), journal="gemini_embeddings"),
    Spoken(
        "ollama", "ollama", "/ollama", ("nomic-embed-text:latest",), free=True, names_calls=False,
        journal="ollama_embeddings",
    ),
)  # fmt: skip

_AS_ANSWERS: Final = (
    "answer", "429", "quota", "500", "401", "404", "context_too_long", "no_usage", "disconnect", "malformed",
    "overloaded_in_stream", "wrong_content_type",
)  # fmt: skip
_BY_NAME: Final = {scene.name: scene for scene in SCENES}
EMBEDDING_SCENES: Final = (
    *(_BY_NAME[name] for name in _AS_ANSWERS),
    replace(_BY_NAME["truncate"], category=Category.MALFORMED),
    Scene(
        "stall",
        {"fault": "stall"},
        Category.TOTAL_TIMEOUT,
        Charge.HOLD,
        preferences={"timeout_seconds": 1},
    ),
)
