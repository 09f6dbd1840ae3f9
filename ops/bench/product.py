"""Our own processes in a scene: API, dispatcher, worker, as `orchestrator up` runs them."""

import asyncio
import time
from typing import Final

from redis import Redis

from ops.bench import asks
from ops.bench.jobs import Ask, Job
from ops.bench.stage import Scene, answers
from orchestrator.auth import bootstrap_key
from orchestrator.config import Config
from orchestrator.embedded.directory import free_port
from orchestrator.flow.configure import ProviderSetting, configure
from orchestrator.wiring import open_parts
from schemas.providers import Vendor, Wire

HOST: Final = "127.0.0.1"


class Product:
    """Our processes; nothing runs before it is started."""

    def __init__(self, scene: Scene, *, providers: int = 1) -> None:
        self.scene = scene
        self.port = free_port()
        self.key = asyncio.run(_configured(scene, providers))

    @property
    def url(self) -> str:
        """The API."""
        return f"http://{HOST}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an authenticated request."""
        return asks.headers(self.key)

    def start_api(self) -> float:
        """Start the API; the seconds until it is ready."""
        since = time.monotonic()
        self.scene.start("api", "orchestrator.server", "--port", str(self.port))
        self.scene.until(lambda: answers(f"{self.url}/readyz"), "the API is ready")
        return time.monotonic() - since

    def start_dispatcher(self) -> None:
        """Start the dispatcher."""
        self.scene.start("dispatcher", "orchestrator.dispatcher")

    def start_worker(self, slots: int) -> float:
        """Start a worker for all queues; the seconds until it is enlisted and waits for messages."""
        since = time.monotonic()
        fixed = "-A workers worker --pool threads -n bench@%h --without-gossip --without-mingle -l warning"
        pid = self.scene.start("worker", "celery", *fixed.split(), "-c", str(slots))
        with Redis.from_url(self.scene.stack.broker_url) as broker:
            self.scene.until(lambda: self._consumes(pid, broker), "the worker is ready")
        return time.monotonic() - since

    def _consumes(self, pid: int, broker: Redis) -> bool:
        if not self.scene.rows("SELECT 1 FROM workers WHERE pid = %s", pid):
            return False
        return any(client["cmd"] == "brpop" for client in broker.client_list())

    def submitting(self, count: int, concurrency: int) -> Job:
        """The job of submitting so many tasks at once."""
        return Job(HOST, self.port, (self.ask(),), concurrency, count=count)

    def ask(self) -> Ask:
        """The request that submits a task."""
        return Ask("POST", asks.PATH, self.headers, asks.BODY)


async def _configured(scene: Scene, providers: int) -> str:
    """Providers and an API key in the database."""
    config = Config(database_url=scene.database_url, broker_url=scene.stack.broker_url)
    async with open_parts(config, "bench") as parts:
        given = tuple(_provider(scene.simulator_url, number) for number in range(providers))
        made = await configure(parts, "default", given)
        return await bootstrap_key(parts, made.tenant_id) or ""


def _provider(simulator_url: str, number: int) -> ProviderSetting:
    return ProviderSetting(
        name=f"simulated-{number}",
        vendor=Vendor.OPENAI,
        wire=Wire.OPENAI_CHAT,
        base_url=f"{simulator_url}/accounts/{number}/openai/v1",
        model="gpt-5-mini",
        credential="env:ORCHESTRATOR_SIMULATOR_KEY",
        simulated=True,
    )
