"""What can go wrong, by its name: each fault is one act on a running ground, and says what it hit."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from tests.chaos.faults import broker, clocks, database, network, processes, provider
from tests.chaos.ground import Ground

Act = Callable[[Ground, Random], str]

ACTS: Final[Mapping[str, Act]] = {
    **processes.ACTS,
    **broker.ACTS,
    **database.ACTS,
    **network.ACTS,
    **provider.ACTS,
    **clocks.ACTS,
}
