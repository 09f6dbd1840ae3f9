"""The addresses of a system that another process runs."""

from pathlib import Path

from orchestrator.config import Config
from orchestrator.embedded.errors import EmbeddedError
from orchestrator.embedded.stack import attached


def addresses(config: Config, data_dir: Path) -> Config:
    """The settings, completed with the embedded servers that run on this data directory now."""
    if config.database_url and config.broker_url:
        return config
    try:
        stack = attached(data_dir)
    except EmbeddedError:
        return config
    database = stack.database_url if stack.postgres.pid else None
    broker = stack.broker_url if stack.valkey.pid else None
    found = {"database_url": config.database_url or database, "broker_url": config.broker_url or broker}
    return config.model_copy(update=found)
