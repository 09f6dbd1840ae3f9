"""The wires that are held to the scenes: adding one is a line of the table.

A line is played as soon as `workers.providers` speaks its wire; until then it waits, and the table of
`python -m tests.conformance` says so.
"""

from dataclasses import dataclass
from typing import Final

from schemas.custom import CustomFormat
from schemas.providers import Vendor, Wire
from tests.conformance.declared import OPENAI_CHAT
from workers.providers import WIRES


@dataclass(frozen=True)
class Spoken:
    """A wire, and who speaks it: the vendor whose prices hold, where it is below the simulator, its models.

    `caches`: it tells what came from its cache without having been asked. `reasons`: it tells what was
    thought apart from what was said. `free`: nothing is ever billed. `names_calls`: it gives each call an id.
    `declared`: what the wire `custom` is to be there, and `journal` which wire the simulator takes it for.
    """

    name: str
    vendor: str
    path: str
    models: tuple[str, ...]
    caches: bool = True
    reasons: bool = True
    free: bool = False
    names_calls: bool = True
    declared: CustomFormat | None = None
    journal: str | None = None

    @property
    def wire(self) -> Wire:
        """The wire in the vocabulary."""
        return Wire(self.name)

    @property
    def speaker(self) -> Vendor:
        """The vendor in the vocabulary."""
        return Vendor(self.vendor)


TABLE: Final = (
    Spoken("openai_chat", "openai", "/openai/v1", ("gpt-4.1-mini", "gpt-5-mini", "gpt-6-luna", "o4-mini")),
    Spoken("openai_responses", "openai", "/openai/v1", ("gpt-5-mini", "gpt-5.6-luna", "gpt-4o")),
    Spoken(
        "anthropic_messages",
        "anthropic",
        "/anthropic",
        ("claude-sonnet-5-5", "claude-haiku-4-5"),
        caches=False,
    ),
    Spoken("gemini", "google", "/gemini/v1beta", ("gemini-2.5-pro", "gemini-2.5-flash-lite")),
    Spoken(
        "ollama",
        "ollama",
        "/ollama",
        ("qwen3:8b",),
        caches=False,
        reasons=False,
        free=True,
        names_calls=False,
    ),
    Spoken(
        "custom",
        "custom",
        "/openai/v1",
        ("gpt-4.1-mini", "gpt-5-mini"),
        declared=OPENAI_CHAT,
        journal="openai_chat",
    ),
)

_SPOKEN: Final = {wire.value for wire in (*WIRES, Wire.CUSTOM)}
PLAYED: Final = tuple(line for line in TABLE if line.name in _SPOKEN)
WAITING: Final = tuple(line for line in TABLE if line.name not in _SPOKEN)
