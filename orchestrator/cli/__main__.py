"""`python -m orchestrator.cli` is `orchestrator`."""

from orchestrator.cli import main

if __name__ == "__main__":
    main()
