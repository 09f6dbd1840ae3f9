"""What the simulator charges: its own arithmetic, in whole nano-dollars.

Tokens that were generated under a status 200 are charged, also when the client left before the end;
errors are not.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.simulator import models
from orchestrator.simulator.wire import Usage


def charge(model: models.Model, usage: Usage) -> int:
    """Nano-dollars for the usage."""
    price = model.price
    fresh = usage.prompt - usage.cached
    return fresh * price.input + usage.cached * price.cached + usage.completion * price.output


@dataclass(slots=True)
class Sum:
    """Running totals; `charged` counts the requests that cost something."""

    requests: int = 0
    charged: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    nano_dollars: int = 0

    def add(self, usage: Usage, nano_dollars: int) -> None:
        """Count one request."""
        self.requests += 1
        self.charged += nano_dollars > 0
        self.prompt_tokens += usage.prompt
        self.cached_tokens += usage.cached
        self.completion_tokens += usage.completion
        self.reasoning_tokens += usage.reasoning
        self.nano_dollars += nano_dollars


@dataclass(slots=True)
class Bill:
    """The sum per served model, per account and over all."""

    total: Sum = field(default_factory=Sum)
    per_model: dict[str, Sum] = field(default_factory=dict)
    per_account: dict[str, Sum] = field(default_factory=dict)

    def add(self, model: str, account: str, usage: Usage, nano_dollars: int) -> None:
        """Book one finished request under the model that served it."""
        for line in (
            self.total,
            self.per_model.setdefault(model, Sum()),
            self.per_account.setdefault(account, Sum()),
        ):
            line.add(usage, nano_dollars)

    def view(self) -> dict[str, Any]:
        """The bill as JSON, with the prices it was made by."""
        return {
            "currency": "USD",
            "unit": "nano-dollar",
            "total": asdict(self.total),
            "models": {name: asdict(line) | _priced(name) for name, line in sorted(self.per_model.items())},
            "accounts": {name: asdict(line) for name, line in sorted(self.per_account.items())},
        }


def _priced(name: str) -> dict[str, Any]:
    model = models.find(name)
    if model is None:
        return {"listed": False, "price_per_token": None}
    return {"listed": model.listed, "price_per_token": asdict(model.price)}
