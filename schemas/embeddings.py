"""Texts to be turned into vectors, and the vectors: of one model, because those of two can't be compared.

A vector is kept as base64 of little-endian 32-bit floats, as OpenAI's API packs them: a third of what its
numbers would take as text.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.base import Value

MAX_INPUTS: Final = 256
MAX_TEXTS: Final = 2_000_000
MAX_DIMENSIONS: Final = 4_096
BYTES_PER_NUMBER: Final = 4

InputText = Annotated[str, Field(min_length=1, max_length=200_000)]
Dimensions = Annotated[int, Field(strict=True, ge=1, le=MAX_DIMENSIONS)]


class EmbedContext(Value):
    """Texts to turn into vectors by the model of `preferences.model`."""

    inputs: list[InputText] = Field(min_length=1, max_length=MAX_INPUTS)
    dimensions: Dimensions | None = Field(None, description="numbers in a vector, where the model can choose")

    @model_validator(mode="after")
    def _is_not_too_much(self) -> Self:
        if sum(map(len, self.inputs)) > MAX_TEXTS:
            raise ValueError(
                f"inputs: all texts together must not be longer than {MAX_TEXTS} characters: "
                "send several requests"
            )
        return self


class EmbedResult(Value):
    """A vector for each text, in the order of the texts; `model` is the one that served them."""

    type: Literal["embedding"] = "embedding"
    model: str | None
    dimensions: int
    vectors: list[str] = Field(description="base64 of little-endian 32-bit floats")
