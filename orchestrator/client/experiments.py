"""What the client does with experiments: make, change and read them."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.client import given
from orchestrator.client.answers import read, read_page
from orchestrator.client.replies import Page, Reply
from orchestrator.client.sending import Sender


class ExperimentCalls:
    """The part of the client that is about experiments."""

    _sender: Sender

    def list_experiments(self) -> Page[Reply]:
        """All experiments, oldest first."""
        return read_page(Reply, self._sender.send("GET", "/experiments"))

    def get_experiment(self, name: str) -> Reply:
        """One of them, with what it has shown so far."""
        return read(Reply, self._sender.send("GET", _path(name)))

    def create_experiment(self, name: str, arms: Sequence[Mapping[str, Any]], **fields: Any) -> Reply:
        """Make one; its first arm is the control. `fields` are those of `POST /experiments`."""
        told = {key: value for key, value in fields.items() if value is not None}
        asked = {"name": name, "arms": [dict(arm) for arm in arms], **told}
        return read(Reply, self._sender.send("POST", "/experiments", content=given.body(asked)))

    def change_experiment(self, name: str, changes: Mapping[str, Any]) -> Reply:
        """Change its `status` (running, paused, ended) or `weights` of arms."""
        return read(Reply, self._sender.send("PATCH", _path(name), content=given.body(changes)))


def _path(name: str) -> str:
    return f"/experiments/{given.part(name)}"
