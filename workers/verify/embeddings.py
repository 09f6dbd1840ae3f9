"""Are vectors usable? There is one for each text, all numbers, all of the one length that was asked for."""

import base64
import math
from array import array

import orjson

from schemas.embeddings import BYTES_PER_NUMBER, EmbedContext, EmbedResult
from workers.verify.verdict import Accepted, Rejected


def verify_embeddings(context: EmbedContext, answer: str) -> Accepted | Rejected:
    """The vectors as they came; which model served them is known to whoever made the call."""
    try:
        vectors = orjson.loads(answer)
        sizes = {_size(vector) for vector in vectors}
    except (ValueError, TypeError) as error:
        return Rejected((f"The vectors can't be read: {error}."[:300],))
    if len(vectors) != len(context.inputs):
        return Rejected((f"There are {len(vectors)} vectors for {len(context.inputs)} texts.",))
    if len(sizes) != 1:
        return Rejected(("The vectors differ in length.",))
    (size,) = sizes
    if context.dimensions is not None and size != context.dimensions:
        return Rejected((f"The vectors have {size} numbers, and {context.dimensions} were asked for.",))
    return Accepted(EmbedResult(model=None, dimensions=size, vectors=vectors))


def _size(vector: str) -> int:
    """How many numbers a packed vector has. Raises `ValueError` where it is none."""
    packed = base64.b64decode(vector, validate=True)
    numbers = array("f", packed)
    if not numbers or len(packed) % BYTES_PER_NUMBER or not all(map(math.isfinite, numbers)):
        raise ValueError("a vector must be of finite numbers")
    return len(numbers)
