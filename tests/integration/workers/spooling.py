"""A worker process that runs one task without Celery, for tests that kill it on the way."""

import sys
from uuid import UUID

from orchestrator.config import config
from tests.integration.flow.world import QUEUES
from workers.process import Process
from workers.run import run


def main(task_id: UUID) -> None:
    process = Process(config(), "worker@spooling", QUEUES, 1)
    process.start()
    run(process, task_id)
    process.stop()


if __name__ == "__main__":
    main(UUID(sys.argv[1]))
