"""The servers and the simulator of the integration tests."""

from tests.integration.conftest import database_url, parts, servers, template
from tests.integration.workers.conftest import process, settings, simulator, world

__all__ = ["database_url", "parts", "process", "servers", "settings", "simulator", "template", "world"]
