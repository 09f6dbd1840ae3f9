"""What the client does with providers: make, change, try and remove them, and ask how they do.

Making one is sent once: a repeat after a lost answer could make a second one.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.client import given
from orchestrator.client.answers import read, read_page
from orchestrator.client.replies import Check, Model, Page, Provider, Reply, Template
from orchestrator.client.sending import Sender

LONGEST_CHECK = 40.0
"""Seconds until an answer to a test must have come; the server is asked to hold it for fewer."""


class ProviderCalls:
    """The part of the client that is about providers."""

    _sender: Sender

    def list_providers(self, *, healthy: bool | None = None) -> Page[Provider]:
        """All providers, in the order in which they are tried; or only those that are healthy, or are not."""
        params = None if healthy is None else {"healthy": str(healthy).lower()}
        return read_page(Provider, self._sender.send("GET", "/providers", params=params))

    def get_provider(self, name: str) -> Provider:
        """One provider; its credential is never shown."""
        return read(Provider, self._sender.send("GET", _path(name)))

    def create_provider(self, base_url: str, credential: str | None = None, **fields: Any) -> Provider:
        """Make a provider; `fields` are those of `POST /providers`: name, vendor, model, options …"""
        asked = {"base_url": base_url, **_without_none({"credential": credential, **fields})}
        sent = self._once().send("POST", "/providers", content=given.body(asked), timeout=LONGEST_CHECK)
        return read(Provider, sent)

    def change_provider(self, name: str, changes: Mapping[str, Any]) -> Provider:
        """Change some of a provider; a `base_url` at another host needs the `credential` again."""
        return read(Provider, self._sender.send("PATCH", _path(name), content=given.body(changes)))

    def remove_provider(self, name: str) -> None:
        """Remove a provider; tasks that wait for it go to others, or fail."""
        self._sender.send("DELETE", _path(name))

    def pause_provider(self, name: str) -> Provider:
        """Send nothing more to a provider."""
        return read(Provider, self._sender.send("POST", f"{_path(name)}/pause"))

    def resume_provider(self, name: str) -> Provider:
        """Let tasks go to a provider again."""
        return read(Provider, self._sender.send("POST", f"{_path(name)}/resume"))

    def test_provider(self, name: str, changes: Mapping[str, Any] | None = None, *, wait: int = 20) -> Check:
        """Try a provider, with these changes if any are given; pending if it took longer than `wait` s.

        A name that is not there, with a `base_url` and a `credential`, tries those without keeping them.
        """
        sent = self._sender.send(
            "POST",
            f"{_path(name)}/test",
            content=given.body(dict(changes or {})),
            headers={"Prefer": f"wait={wait}"},
            timeout=wait + LONGEST_CHECK,
        )
        return read(Check, sent)

    def list_models(self, name: str, *, live: bool = False) -> Page[Model]:
        """A provider's models, as its endpoint listed them last; `live`: it is asked now."""
        params = {"live": "true"} if live else None
        sent = self._sender.send("GET", f"{_path(name)}/models", params=params, timeout=LONGEST_CHECK)
        return read_page(Model, sent)

    def provider_usage(
        self, name: str, *, starts: datetime | None = None, ends: datetime | None = None
    ) -> Reply:
        """What a provider's calls used, the last 30 days if no time is given."""
        params = {"from": starts.isoformat() if starts else None, "to": ends.isoformat() if ends else None}
        return read(Reply, self._sender.send("GET", f"{_path(name)}/usage", params=params))

    def get_provider_health(self, name: str) -> Reply:
        """How a provider does, by its gates and its latest calls."""
        return read(Reply, self._sender.send("GET", f"{_path(name)}/health"))

    def get_health(self) -> Reply:
        """How all providers do."""
        return read(Reply, self._sender.send("GET", "/health"))

    def list_provider_templates(self) -> Page[Template]:
        """The built-in templates, and one's own."""
        return read_page(Template, self._sender.send("GET", "/provider-templates"))

    def create_provider_from_template(
        self, template: str, variables: Mapping[str, str], *, name: str | None = None
    ) -> Provider:
        """Make a provider from a template, with values for its variables."""
        asked = _without_none({"name": name, "variables": dict(variables)})
        path = f"/provider-templates/{given.part(template)}/create"
        sent = self._once().send("POST", path, content=given.body(asked), timeout=LONGEST_CHECK)
        return read(Provider, sent)

    def _once(self) -> Sender:
        return replace(self._sender, patience=replace(self._sender.patience, tries=1))


def _path(name: str) -> str:
    return f"/providers/{given.part(name)}"


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
