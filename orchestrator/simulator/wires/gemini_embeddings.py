"""Gemini's embeddings: a batch of requests in, vectors in their order out, billed by input alone."""

from typing import Final
from urllib.parse import unquote

import orjson
from pydantic import Field

from orchestrator.simulator import embeddings, tokens
from orchestrator.simulator.body import read
from orchestrator.simulator.wire import Ask, Cause, Embedding, Message, Refusal, Refused, Reply, Role
from orchestrator.simulator.wires.gemini import PATH, Content, Gemini, Named

METHOD: Final = "batchEmbedContents"
MOST_REQUESTS: Final = 100
MOST_TOKENS: Final = 2_048


class _Request(Named):
    model: str
    content: Content
    output_dimensionality: int | None = Field(None, ge=1)


class _Body(Named):
    requests: list[_Request] = Field(min_length=1)


class GeminiEmbeddings(Gemini):
    """The wire of `POST /gemini/v1beta/models/{model}:batchEmbedContents`."""

    name = "gemini_embeddings"

    def __init__(self) -> None:
        super().__init__(streams=False)

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; each part of it names the path's model again. Raises Refused."""
        found = PATH.fullmatch(path)
        if found is None:
            raise Refused(Refusal(Cause.UNKNOWN_PATH, path))
        name = unquote(found[1])
        requests = read(_Body, body).requests
        if len(requests) > MOST_REQUESTS:
            raise _invalid(f"at most {MOST_REQUESTS} requests can be in one batch", "requests")
        if any(each.model != f"models/{name}" for each in requests):
            raise _invalid("the model must be the batch's", "requests.model")
        texts = tuple(each.content.text() for each in requests)
        sizes = [tokens.count(text) for text in texts]
        if not all(sizes):
            raise _invalid("a content may not be empty", "requests.content")
        if max(sizes) > MOST_TOKENS:
            raise Refused(Refusal(Cause.CONTEXT_TOO_LONG, f"{max(sizes)} > {MOST_TOKENS}", "requests"))
        wanted = Embedding(texts, sum(sizes), requests[0].output_dimensionality)
        return Ask(model=name, messages=tuple(Message(Role.USER, text) for text in texts), embeds=wanted)

    def whole(self, reply: Reply) -> bytes:
        """A `BatchEmbedContentsResponse`."""
        usage = {"usageMetadata": {"promptTokenCount": reply.usage.prompt}} if reply.shows_usage else {}
        found = [{"values": vector} for vector in embeddings.vectors(reply.text)]
        return orjson.dumps({"embeddings": found} | usage)


def _invalid(detail: str, param: str) -> Refused:
    return Refused(Refusal(Cause.INVALID_VALUE, detail, param))
