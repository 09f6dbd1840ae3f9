"""A process that runs the stack on the directory it is given, for tests that kill it.

It prints one line of JSON when the stack is up and ends when its standard input does.
"""

import json
import sys
from pathlib import Path

from orchestrator.embedded.errors import EmbeddedError
from orchestrator.embedded.stack import running


def main(data_dir: Path) -> int:
    told: list[str] = []
    try:
        with running(data_dir, told.append) as stack:
            facts = {
                "database_url": stack.database_url,
                "broker_url": stack.broker_url,
                "postgres": stack.postgres.pid,
                "valkey": stack.valkey.pid,
                "told": told,
            }
            print(json.dumps(facts), flush=True)
            sys.stdin.read()
    except EmbeddedError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
