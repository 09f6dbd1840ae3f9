"""`python -m ops.bench.breakers`: prints the table of facts, then what a guard costs. About a minute."""

import sys
import tempfile
from itertools import count
from pathlib import Path
from uuid import uuid4

from rich.console import Console
from rich.table import Table

from ops.bench.breakers.cost import cost
from ops.bench.breakers.facts import ALSO, FACTS
from ops.bench.breakers.sides import PROCESSES, Ours, Place, Stock
from orchestrator import telemetry
from orchestrator.embedded.binaries import valkey_server
from orchestrator.embedded.directory import free_port
from orchestrator.embedded.valkey import Valkey


def main() -> int:
    """Do every fact on both sides, each on a fresh server."""
    telemetry.configure("bench", "error")
    console, numbers = Console(highlight=False), count()
    table = Table("", f"over {PROCESSES} processes", Stock.title, Ours.title)
    with tempfile.TemporaryDirectory(prefix="breakers-") as home:
        server = Valkey(Path(home) / "valkey", valkey_server(), free_port(), uuid4().hex)
        try:
            for number, (text, fact) in enumerate((FACTS | ALSO).items(), 1):
                found = []
                for kind in (Stock, Ours):
                    server.kill()
                    server.start()
                    found.append(fact(Place(kind, server, next(numbers))))
                table.add_row(str(number) if text in FACTS else "+", text, *found)
            server.start()
            spent = cost(Place(Ours, server, next(numbers)))
        finally:
            server.kill()
    console.print(table)
    console.print(str(spent))
    return 0


if __name__ == "__main__":
    sys.exit(main())
