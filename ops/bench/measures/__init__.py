"""The measures by name, in the order in which they run. Each takes the bench and gives figures."""

from collections.abc import Callable
from typing import Final

from ops.bench.bench import Bench
from ops.bench.figures import Figure
from ops.bench.measures.first_byte import first_byte
from ops.bench.measures.memory import memory
from ops.bench.measures.peer import peer
from ops.bench.measures.polls import polls
from ops.bench.measures.start import start
from ops.bench.measures.submits import submits
from ops.bench.measures.tasks import tasks

MEASURES: Final[dict[str, Callable[[Bench], list[Figure]]]] = {
    "submits": submits,
    "polls": polls,
    "tasks": tasks,
    "first-byte": first_byte,
    "memory": memory,
    "start": start,
    "peer": peer,
}
