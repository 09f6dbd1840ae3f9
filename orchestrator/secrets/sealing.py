"""Envelope encryption: a data key for each secret, wrapped by the master key, bound to where it belongs.

A secret that was moved in the database to another tenant, provider or host does not open there.
"""

import json
import os
from dataclasses import dataclass
from uuid import UUID

from orchestrator.secrets.cipher import KEY_BYTES, decrypted, encrypted
from orchestrator.secrets.master import KeyRing
from schemas.errors import CredentialMissing


class Unopenable(CredentialMissing):
    """The credential does not open: it was changed, or it belongs to another tenant, provider or host."""

    code, status = "credential_unopenable", 422


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a secret belongs; all of it is authenticated. `host` is scheme, host and port."""

    tenant_id: UUID
    key_id: UUID
    provider: str
    host: str

    def context(self) -> bytes:
        """As the cipher takes it; no two bindings have the same."""
        told = ["orchestrator credential", 1, str(self.tenant_id), str(self.key_id), self.provider, self.host]
        return json.dumps(told, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed secret: what is stored of it."""

    box: bytes
    data_key: bytes
    master_key: str
    fingerprint: str


async def seal(ring: KeyRing, binding: Binding, secret: str) -> Sealed:
    """The secret, sealed for its binding. Raises `MasterKeyMissing`."""
    master, context = ring.current(), binding.context()
    data_key = os.urandom(KEY_BYTES)
    return Sealed(
        box=encrypted(data_key, secret.encode(), context),
        data_key=await master.wrap(data_key, context),
        master_key=master.id,
        fingerprint=await master.fingerprint(secret.encode()),
    )


async def open_sealed(ring: KeyRing, binding: Binding, sealed: Sealed) -> str:
    """The secret. Raises `MasterKeyMissing`, `WrongMasterKey`, `Unopenable`."""
    master, context = ring.named(sealed.master_key), binding.context()
    try:
        data_key = await master.unwrap(sealed.data_key, context)
        return decrypted(data_key, sealed.box, context).decode()
    except ValueError as error:
        raise Unopenable from error
