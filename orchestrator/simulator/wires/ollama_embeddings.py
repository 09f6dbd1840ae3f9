"""Ollama's embeddings: texts in, vectors out; a text that is too long is cut unless that is refused."""

from typing import Final

import orjson
from pydantic import Field

from orchestrator.simulator import embeddings, tokens
from orchestrator.simulator.body import Body, read
from orchestrator.simulator.wire import Ask, Cause, Embedding, Message, Refusal, Refused, Reply, Role
from orchestrator.simulator.wires.ollama import ROOT, Ollama

EMBED: Final = f"{ROOT}/embed"
MOST_TOKENS: Final = 2_048


class _Body(Body):
    model: str = Field(min_length=1)
    input: str | list[str]
    truncate: bool = True
    dimensions: int | None = Field(None, ge=1)


class OllamaEmbeddings(Ollama):
    """The wire of `POST /ollama/api/embed`."""

    name = "ollama_embeddings"

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; raises Refused."""
        request = read(_Body, body)
        texts = (request.input,) if isinstance(request.input, str) else tuple(request.input)
        sizes = [tokens.count(text) for text in texts]
        if not request.truncate and sizes and max(sizes) > MOST_TOKENS:
            raise Refused(Refusal(Cause.CONTEXT_TOO_LONG))
        taken = sum(min(size, MOST_TOKENS) for size in sizes)
        messages = tuple(Message(Role.USER, text) for text in texts)
        return Ask(model=request.model, messages=messages, embeds=Embedding(texts, taken, request.dimensions))

    def whole(self, reply: Reply) -> bytes:
        """The one object of an answer."""
        counts = {"prompt_eval_count": reply.usage.prompt} if reply.shows_usage else {}
        told = {"model": reply.model, "embeddings": embeddings.vectors(reply.text)}
        return orjson.dumps(told | {"total_duration": 1_000_000, "load_duration": 100_000} | counts)
