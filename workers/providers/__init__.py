"""The wires: each speaks one vendor's HTTP format and knows no other."""

from typing import Final

from schemas.providers import Wire
from workers.providers.base import WireFormat
from workers.providers.openai import OpenAIChat

WIRES: Final[dict[Wire, WireFormat]] = {Wire.OPENAI_CHAT: OpenAIChat()}
