"""Provider credentials: named where they are used, read where they are kept.

A credential is never stored with a task, logged or returned; it is looked up for the one request.
"""

from orchestrator.config import credential as from_environment
from schemas.providers import Provider


class CredentialMissing(Exception):
    """The provider's credential is not set."""


def credential_of(provider: Provider) -> str | None:
    """The provider's key; None where its endpoint takes none. Raises `CredentialMissing`."""
    scheme, _, name = provider.credential.partition(":")
    if scheme == "none":
        return None
    value = from_environment(name) if scheme == "env" else None
    if not value:
        raise CredentialMissing(f"set {name} for the provider {provider.name!r}")
    return value
