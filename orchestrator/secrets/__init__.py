"""Provider credentials: sealed for one host under a master key, and opened for the one request.

A credential is never stored open, logged or returned. `env:NAME` is the operator's, read where it is used.
"""

from typing import Final

from orchestrator.config import credential as from_environment
from orchestrator.secrets.master import KeyRing, MasterKey, WrongMasterKey, has_key, key_file, new_key
from orchestrator.secrets.sealing import Binding, Sealed, Unopenable, open_sealed, seal
from schemas.errors import CredentialMissing

NONE: Final = "none"
SEALED: Final = "sealed"
ENVIRONMENT: Final = "env"

__all__ = [
    "ENVIRONMENT",
    "NONE",
    "SEALED",
    "Binding",
    "KeyRing",
    "MasterKey",
    "Sealed",
    "Unopenable",
    "WrongMasterKey",
    "credential_in_environment",
    "has_key",
    "key_file",
    "kind_of",
    "new_key",
    "open_sealed",
    "seal",
]


def kind_of(credential: str) -> str:
    """`env`, `sealed` or `none`."""
    return credential.partition(":")[0]


def credential_in_environment(credential: str, provider: str) -> str:
    """The value of `env:NAME`. Raises `CredentialMissing`."""
    kind, _, name = credential.partition(":")
    value = from_environment(name) if kind == ENVIRONMENT else None
    if not value:
        raise CredentialMissing(f"set {name} for the provider {provider!r}")
    return value
