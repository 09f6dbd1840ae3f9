"""The wires: each speaks one vendor's HTTP format and knows no other."""

from typing import Final

from schemas.providers import Wire
from workers.providers.anthropic import AnthropicMessages
from workers.providers.base import WireFormat
from workers.providers.gemini import Gemini
from workers.providers.ollama import Ollama
from workers.providers.openai import OpenAIChat
from workers.providers.openai_responses import OpenAIResponses

WIRES: Final[dict[Wire, WireFormat]] = {
    Wire.OPENAI_CHAT: OpenAIChat(),
    Wire.OPENAI_RESPONSES: OpenAIResponses(),
    Wire.ANTHROPIC_MESSAGES: AnthropicMessages(),
    Wire.GEMINI: Gemini(),
    Wire.OLLAMA: Ollama(),
}
