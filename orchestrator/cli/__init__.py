"""The command line: everything a person or a script does with Orchestrator from a terminal.

Results go to standard output, everything else to standard error. What a command needs is imported
when it runs, so that `orchestrator --help` stays fast.
"""


def main() -> None:
    """The entry point `orchestrator`."""
    from orchestrator.cli.app import main as run

    run()
