"""Runs a module as `python -m` would, over a store that commits and then reports an error.

`python -m tests.chaos.clumsy SEED MODULE [ARGUMENT…]`: 5 % of the statements and transactions of that
process stumble, in an order that the seed decides.
"""

import runpy
import sys

from orchestrator import wiring
from orchestrator.store.engine import Database
from tests.chaos.stumbling import Stumbling


def main() -> None:
    """Put the clumsy store in the way, then become the module."""
    seed, module = int(sys.argv[1]), sys.argv[2]

    def clumsy(url: str, *, pool_size: int, name: str) -> Stumbling:
        return Stumbling(Database(url, pool_size=pool_size, name=name), seed=seed)

    vars(wiring)["Database"] = clumsy
    sys.argv = sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
