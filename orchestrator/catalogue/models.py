"""What is known of models beyond their price: how much they take and answer, and how able they are.

The data stands in `models.toml`, with where it is from. A model that nobody knows gets no invented
limits: it is never refused for its size, and scores low for what is not known.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from genai_prices.data_snapshot import get_snapshot

from orchestrator.catalogue import tokens
from orchestrator.catalogue.vendors import FACTS
from schemas.providers import Provider, Vendor

DEFAULT_MAX_OUTPUT: Final = 16_384
"""Output tokens asked for at most where the submitter names no limit."""

CODE_TEMPERATURE: Final = 0.1
"""For code, where the model takes a temperature and the submitter names none."""

UNKNOWN_STRENGTH: Final = 50
"""Of a model that the catalogue doesn't know, in everything."""

_OPENAI_REASONING: Final = re.compile(r"o[1-9]|gpt-(?:[5-9]|[1-9]\d)(?!\d*-turbo)")
_CLAUDE: Final = re.compile(r"claude-(?:(?:opus|sonnet|haiku)-)?(\d+)(?:[.-](\d{1,2})(?!\d))?")
_CLAUDE_TAKES_UNTIL: Final = (4, 6)
_GEMINI: Final = re.compile(r"gemini-(\d+)")
_GEMINI_TAKES_UNTIL: Final = 2
_OLD_LIMITS: Final[tuple[tuple[str, int], ...]] = (
    ("gpt-3.5", 4_096),
    ("gpt-4-turbo", 4_096),
    ("gpt-4o", 16_384),
    ("claude-3-haiku", 4_096),
    ("claude-3-5", 8_192),
    ("claude-3.5", 8_192),
    ("gemini-1.5", 8_192),
    ("gemini-2.0", 8_192),
)
"""Output limits of families that are too old for the catalogue, and would refuse to be asked for more."""
_DATED: Final = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$")


class Capability(StrEnum):
    """What a model can be asked for."""

    GENERATION = "generation"
    FIXING = "fixing"
    REVIEW = "review"
    DOCUMENTATION = "documentation"
    TESTING = "testing"
    EMBEDDING = "embedding"


class CostModel(StrEnum):
    """How a vendor is paid: by the token, a flat fee a month (one more call costs nothing), or not at all."""

    PER_TOKEN = "per_token"
    FLAT_MONTHLY = "flat_monthly"
    FREE = "free"


@dataclass(frozen=True, slots=True)
class Model:
    """A model; limits in tokens, None where nobody knows; strengths 0 to 100, 0 for what it can't do."""

    id: str
    maker: str | None
    strengths: Mapping[Capability, int]
    context: int | None = None
    max_input: int | None = None
    max_output: int | None = None
    structured: bool = False
    languages: frozenset[str] | None = None
    tiers: tuple[str, ...] = ()
    sunset: date | None = None
    known: bool = True

    def holds(self, input_tokens: int, output_tokens: int) -> bool | None:
        """Whether a call of this size fits; None where the limits are not known."""
        if self.context is None:
            return None
        most = self.context if self.max_input is None else self.max_input
        return input_tokens <= most and input_tokens + output_tokens <= self.context

    def retired(self, vendor: str, today: date) -> bool:
        """Whether its maker has shut it down; other vendors that serve it keep calendars of their own."""
        return self.sunset is not None and vendor == self.maker and today >= self.sunset


_CANT: Final[Mapping[Vendor, frozenset[Capability]]] = MappingProxyType(
    {Vendor.COPILOT: frozenset({Capability.REVIEW})}
)
"""What a vendor's interface has no way to ask for, whatever model stands behind it."""


def cost_model(vendor: Vendor) -> CostModel:
    """How a vendor is paid."""
    if FACTS[vendor].local:
        return CostModel.FREE
    return CostModel.FLAT_MONTHLY if FACTS[vendor].flat else CostModel.PER_TOKEN


def cost_model_of(provider: Provider) -> CostModel:
    """How the provider is paid: one with a monthly fee of its own takes nothing for one more call."""
    told = provider.options.monthly_fee_usd is not None and provider.vendor is not Vendor.COPILOT
    return CostModel.FLAT_MONTHLY if told else cost_model(provider.vendor)


def is_flat(provider: Provider) -> bool:
    """Whether it is paid by the month, so that one more call costs nothing."""
    return cost_model_of(provider) is CostModel.FLAT_MONTHLY


@lru_cache(maxsize=4096)
def describe(vendor: Vendor, name: str) -> Model:
    """What is known of the model that `vendor` serves under `name`."""
    found = _catalogue().get(plain_name(name)) or _unknown(vendor, name)
    cant = _CANT.get(vendor)
    if not cant:
        return found
    strengths = {each: 0 if each in cant else strength for each, strength in found.strengths.items()}
    return replace(found, strengths=MappingProxyType(strengths))


def can_structure(provider: Provider, model: Model) -> bool:
    """Whether an answer of this model there can be held to a JSON Schema.

    Local servers hold any model to a grammar; else what the provider's options say, or the catalogue knows.
    """
    told = provider.options.structured_output
    return told if told is not None else model.structured or FACTS[provider.vendor].local


def plain_name(name: str) -> str:
    """A model's name without its maker, its variant and its date: `openai/gpt-5-mini-2025-08-07:x`."""
    return _DATED.sub("", name.lower().rpartition("/")[2].partition(":")[0])


def takes_temperature(model: str) -> bool:
    """Whether a temperature is sent to the model.

    OpenAI's reasoning models and Claude from 4.7 on (a Claude that is not known is taken for a newer one)
    refuse it; Gemini from 3 on takes it, but loops below its own default.
    """
    name = plain_name(model)
    if not _temperatures().get(name, True) or _OPENAI_REASONING.match(name):
        return False
    if name.startswith("claude"):
        version = _CLAUDE.match(name)
        return version is not None and (int(version[1]), int(version[2] or 0)) <= _CLAUDE_TAKES_UNTIL
    gemini = _GEMINI.match(name)
    return gemini is None or int(gemini[1]) <= _GEMINI_TAKES_UNTIL


def output_asked(vendor: Vendor, model: str, wish: int | None) -> int:
    """The output tokens a call asks for at most: the submitter's wish, or the usual, within the model's."""
    asked = wish or DEFAULT_MAX_OUTPUT
    name = plain_name(model)
    old = next((most for start, most in _OLD_LIMITS if name.startswith(start)), asked)
    return min(asked, describe(vendor, model).max_output or old)


def prompt_room(vendor: Vendor, model: str, wish: int | None, factor: float) -> int | None:
    """The UTF-8 bytes a prompt may have, `factor` tokens to one of the plain estimate; None: nobody knows.

    Room is left for the answer, and for the answer once more: a round that mends it sends it back.
    """
    known, answer = describe(vendor, model), output_asked(vendor, model, wish)
    if known.context is None:
        return None
    most = max(known.context - 2 * answer, known.context // 3)
    if known.max_input is not None:
        most = min(most, max(known.max_input - answer, known.max_input // 2))
    return tokens.room(most, factor)


def repair_room(vendor: Vendor, model: str, wish: int | None, factor: float) -> int | None:
    """The same for the prompt of a round that mends an answer, which only one more answer follows."""
    known = describe(vendor, model)
    if known.context is None:
        return None
    most = max(known.context - output_asked(vendor, model, wish), known.context // 2)
    return tokens.room(min(most, known.max_input or most), factor)


def all_models() -> tuple[Model, ...]:
    """The catalogue, each model once."""
    return tuple({model.id: model for model in _catalogue().values()}.values())


@cache
def _data() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("models.toml").read_text(encoding="utf-8"))


@cache
def _catalogue() -> dict[str, Model]:
    data = _data()
    found: dict[str, Model] = {}
    for row in data["models"]:
        model = Model(
            id=row["id"],
            maker=row["maker"],
            strengths=_strengths(data["classes"][row["class"]], embeds=row.get("embeds", False)),
            context=row["context"],
            max_input=row.get("max_input"),
            max_output=row.get("max_output"),
            structured=row.get("structured", False),
            languages=frozenset(row["languages"]) if "languages" in row else None,
            tiers=tuple(data["tiers"].get(row["maker"], ())),
            sunset=row.get("sunset"),
        )
        for name in (model.id, *row.get("aliases", ())):
            found[name] = model
    return found


def _strengths(strength: int, *, embeds: bool) -> Mapping[Capability, int]:
    """A model that turns texts into vectors does nothing else, and no other model does it."""
    return MappingProxyType(
        {each: strength if (each is Capability.EMBEDDING) is embeds else 0 for each in Capability}
    )


@cache
def _temperatures() -> dict[str, bool]:
    return {
        name: row["temperature"] for row in _data()["models"] for name in (row["id"], *row.get("aliases", ()))
    }


def _unknown(vendor: Vendor, name: str) -> Model:
    """A model that only the price list may know, and of it only the context."""
    context = None
    if cost_model(vendor) is CostModel.PER_TOKEN:
        library = FACTS[vendor].prices
        try:
            context = get_snapshot().find_provider_model(name, None, library, None)[1].context_window
        except LookupError:
            context = None
    strengths = MappingProxyType(dict.fromkeys(Capability, UNKNOWN_STRENGTH))
    return Model(id=name, maker=None, strengths=strengths, context=context, known=False)
