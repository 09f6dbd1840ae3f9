"""What the simulator charges: its own arithmetic, in whole nano-dollars.

Tokens that were generated under a status 200 are charged, also when the client left before the end;
errors are not.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.simulator import models
from orchestrator.simulator.wire import DEFAULT_TIER, FLEX_TIER, Usage


def charge(model: models.Model, usage: Usage, tier: str = DEFAULT_TIER) -> int:
    """Nano-dollars for the usage, each class of tokens at its own price; half of it at the flex tier."""
    price = model.price_of(usage.prompt)
    fresh = usage.prompt - usage.cached - usage.written
    written = (usage.written - usage.written_hour) * price.written + usage.written_hour * price.written_hour
    full = fresh * price.input + usage.cached * price.cached + written + usage.completion * price.output
    return -(-full // 2) if tier == FLEX_TIER and model.flex else full


@dataclass(slots=True)
class Sum:
    """Running totals; `charged` counts the requests that cost something."""

    requests: int = 0
    charged: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    nano_dollars: int = 0

    def add(self, usage: Usage, nano_dollars: int) -> None:
        """Count one request."""
        self.requests += 1
        self.charged += nano_dollars > 0
        self.prompt_tokens += usage.prompt
        self.cached_tokens += usage.cached
        self.cache_write_tokens += usage.written
        self.completion_tokens += usage.completion
        self.reasoning_tokens += usage.reasoning
        self.nano_dollars += nano_dollars


@dataclass(frozen=True, slots=True)
class Line:
    """Who served a request, and to whom."""

    model: str
    vendor: str
    account: str
    wire: str


@dataclass(slots=True)
class Bill:
    """The sum per served model, per account, per wire and over all."""

    total: Sum = field(default_factory=Sum)
    per_model: dict[str, Sum] = field(default_factory=dict)
    per_account: dict[str, Sum] = field(default_factory=dict)
    per_wire: dict[str, Sum] = field(default_factory=dict)
    vendors: dict[str, str] = field(default_factory=dict)

    def add(self, line: Line, usage: Usage, nano_dollars: int) -> None:
        """Book one finished request under what served it."""
        self.vendors.setdefault(line.model, line.vendor)
        for total in (
            self.total,
            self.per_model.setdefault(line.model, Sum()),
            self.per_account.setdefault(line.account, Sum()),
            self.per_wire.setdefault(line.wire, Sum()),
        ):
            total.add(usage, nano_dollars)

    def view(self) -> dict[str, Any]:
        """The bill as JSON, with the prices it was made by."""
        return {
            "currency": "USD",
            "unit": "nano-dollar",
            "total": asdict(self.total),
            "models": {
                name: asdict(total) | _priced(self.vendors[name], name)
                for name, total in sorted(self.per_model.items())
            },
            "accounts": {name: asdict(total) for name, total in sorted(self.per_account.items())},
            "wires": {name: asdict(total) for name, total in sorted(self.per_wire.items())},
        }


def _priced(vendor: str, name: str) -> dict[str, Any]:
    model = models.find(vendor, name)
    if model is None:
        return {"vendor": vendor, "listed": False, "price_per_token": None}
    return {"vendor": vendor, "listed": model.listed, "price_per_token": asdict(model.price)}
