"""What is submitted: a bug in a small repository, about 4 kB as a prompt and 0.5 kB as an answer."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from orchestrator.cli.demo.inputs import BUG, CALC

PATH: Final = "/api/v1/tasks"
_CONTEXT: Final[Mapping[str, Any]] = {
    "description": BUG,
    "files": [{"path": path, "content": content} for path, content in CALC.items()],
    "acceptance_criteria": ["Touching intervals are joined", "The order does not matter"],
}
_LEVEL: Final[Mapping[str, Any]] = {"verification_level": "syntax"}
"""As far as the other sides of the comparison look at an answer."""
BODY: Final = orjson.dumps({"kind": "fix_bug", "context": _CONTEXT, "preferences": _LEVEL}).decode()


def headers(key: str) -> dict[str, str]:
    """The headers of every request that submits."""
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
