"""The wires: each speaks one vendor's HTTP format and knows no other."""

from typing import Final

from schemas.providers import Wire
from workers.providers.anthropic import AnthropicMessages
from workers.providers.base import Ask, WireFormat
from workers.providers.custom import Custom
from workers.providers.gemini import Gemini, GeminiEmbeddings
from workers.providers.ollama import Ollama, OllamaEmbeddings
from workers.providers.openai import OpenAIChat, OpenAIEmbeddings
from workers.providers.openai_responses import OpenAIResponses

WIRES: Final[dict[Wire, WireFormat]] = {
    Wire.OPENAI_CHAT: OpenAIChat(),
    Wire.OPENAI_RESPONSES: OpenAIResponses(),
    Wire.ANTHROPIC_MESSAGES: AnthropicMessages(),
    Wire.GEMINI: Gemini(),
    Wire.OLLAMA: Ollama(),
}
"""The formats that are the same for every provider; what `custom` is, each provider's options say."""

EMBEDDINGS: Final[dict[Wire, WireFormat]] = {
    Wire.OPENAI_CHAT: OpenAIEmbeddings(),
    Wire.OPENAI_RESPONSES: OpenAIEmbeddings(),
    Wire.GEMINI: GeminiEmbeddings(),
    Wire.OLLAMA: OllamaEmbeddings(),
}
"""The same vendors' requests for vectors."""


def wire_for(ask: Ask) -> WireFormat:
    """The format in which this is asked there. Raises `ValueError` where there is none."""
    wire = ask.provider.wire
    if wire is Wire.CUSTOM and ask.provider.options.custom is not None and not ask.inputs:
        return Custom(ask.provider.options.custom)
    found = (EMBEDDINGS if ask.inputs else WIRES).get(wire)
    if found is None:
        what = "embeddings" if ask.inputs else "options that declare what is spoken"
        raise ValueError(f"there are no {what} on the wire {wire}")
    return found
