"""OpenAI's embeddings: texts in, vectors out, billed by input alone."""

from typing import Final

import orjson
from pydantic import Field

from orchestrator.simulator import models, tokens
from orchestrator.simulator.body import Body, read
from orchestrator.simulator.wire import Ask, Cause, Embedding, Framing, Message, Refusal, Refused, Reply, Role
from orchestrator.simulator.wires.openai import ROOT, OpenAI

EMBEDDINGS: Final = f"{ROOT}/embeddings"
MOST_INPUTS: Final = 2_048
MOST_TOKENS: Final = 8_192


class _Body(Body):
    model: str = Field(min_length=1)
    input: str | list[str] | list[int] | list[list[int]] = Field(min_length=1)
    dimensions: int | None = Field(None, ge=1)
    encoding_format: str = Field("float", pattern="^(float|base64)$")

    def inputs(self) -> tuple[str | list[int], ...]:
        if isinstance(self.input, str):
            return (self.input,)
        whole = [one for one in self.input if isinstance(one, int)]
        return (whole,) if whole else tuple(one for one in self.input if not isinstance(one, int))


class OpenAIEmbeddings(OpenAI):
    """The wire of `POST /openai/v1/embeddings`."""

    name = "openai_embeddings"
    id_prefix = "embd_"

    def read(self, body: bytes, path: str) -> Ask:
        """The request's meaning; raises Refused."""
        request = read(_Body, body)
        inputs = request.inputs()
        if len(inputs) > MOST_INPUTS:
            raise _invalid(f"at most {MOST_INPUTS} inputs", "input")
        sizes = [_tokens(one) for one in inputs]
        if not all(sizes):
            raise _invalid("an input may not be empty", "input")
        if max(sizes) > MOST_TOKENS:
            message = f"This model's maximum context length is {MOST_TOKENS} tokens, {max(sizes)} requested."
            raise Refused(Refusal(Cause.CONTEXT_TOO_LONG, message, "input"))
        _refuse_dimensions(request)
        texts = tuple(one if isinstance(one, str) else " ".join(map(str, one)) for one in inputs)
        wanted = Embedding(texts, sum(sizes), request.dimensions, request.encoding_format == "base64")
        messages = tuple(Message(Role.USER, text) for text in texts)
        return Ask(model=request.model, messages=messages, embeds=wanted)

    def whole(self, reply: Reply) -> bytes:
        """A list of embeddings."""
        fields = {"object": "list", "model": reply.model}
        if reply.shows_usage:
            usage = {"prompt_tokens": reply.usage.prompt, "total_tokens": reply.usage.prompt}
            return orjson.dumps(fields | {"data": orjson.Fragment(reply.text), "usage": usage})
        return orjson.dumps(fields | {"data": orjson.Fragment(reply.text)})

    def framing(self, ask: Ask, reply: Reply) -> Framing:
        """Embeddings are never streamed."""
        raise AssertionError("no request for embeddings asks for a stream")


def _tokens(one: str | list[int]) -> int:
    return tokens.count(one) if isinstance(one, str) else len(one)


def _refuse_dimensions(request: _Body) -> None:
    model = models.find(models.OPENAI, request.model)
    most = model.dimensions if model else None
    if request.dimensions is not None and most is not None and request.dimensions > most:
        raise _invalid(f"at most {most} for this model", "dimensions")


def _invalid(detail: str, param: str) -> Refused:
    return Refused(Refusal(Cause.INVALID_VALUE, detail, param))
