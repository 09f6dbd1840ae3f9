"""What every command shares: how to print, which API to talk to, and as whom.

An address and a key come from the options, else from the environment, else from the data directory of
the last `orchestrator up`. A kept key is shown to the kept address only.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from orchestrator.cli.exits import Code, Ending

if TYPE_CHECKING:
    from orchestrator.cli.system.keys import Kept
    from orchestrator.client import Client
    from orchestrator.config import Config


class Output(StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"


@dataclass(frozen=True)
class Session:
    """The global options."""

    output: Output = Output.TABLE
    url: str | None = None
    api_key: str | None = None
    data_dir: Path | None = None

    @property
    def as_json(self) -> bool:
        """Whether a program reads the output."""
        return self.output is not Output.TABLE

    def config(self) -> "Config":
        """The settings, with what is wrong in them said in a line each."""
        from pydantic import ValidationError

        from orchestrator.config import config

        try:
            return config()
        except ValidationError as error:
            wrong = "\n".join(
                f"  ORCHESTRATOR_{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
                for fault in error.errors()
            )
            raise Ending(
                f"The settings in the environment are not valid:\n{wrong}", code=Code.USAGE
            ) from error

    def home(self) -> Path:
        """The data directory."""
        return (self.data_dir or self.config().data_dir).resolve()

    def client(self) -> "Client":
        """A client of the API. Raises `Ending` where none is known."""
        from orchestrator.cli.system.keys import Kept
        from orchestrator.client import Client, Patience

        kept = Kept(self.home())
        url = self.url or self.config().api_url or kept.url
        if url is None:
            raise Ending(
                "No API is known here.",
                "Start one with `orchestrator up`, name one with --url or ORCHESTRATOR_API_URL, or set "
                "ORCHESTRATOR_DATA_DIR to the data directory of a running one.",
                code=Code.UNAVAILABLE,
            )
        if not url.startswith(("http://", "https://")):
            raise Ending(f"{url!r} is no address: it must start with http:// or https://.", code=Code.USAGE)
        return Client(url, self._key_for(url, kept), patience=Patience(tries=4))

    def _key_for(self, url: str, kept: "Kept") -> str | None:
        configured = self.config().api_key
        if self.api_key:
            return self.api_key
        if configured:
            return configured.get_secret_value()
        return kept.key if url == kept.url else None


def session(context: typer.Context) -> Session:
    """The session of a running command."""
    found = context.find_object(Session)
    return found if found is not None else Session()
