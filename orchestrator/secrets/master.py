"""The master key: it wraps the data key of each secret, and makes the fingerprints that compare secrets.

What holds it is a `MasterKey`. Here it is a local file or setting; a key management system does the
same three things over its API (KMS: Encrypt, Decrypt, GenerateMac; Vault transit: encrypt, decrypt, hmac).
"""

import base64
import binascii
import hashlib
import hmac
import os
from pathlib import Path
from typing import Final, Protocol

from orchestrator.config import Config
from orchestrator.secrets.cipher import KEY_BYTES, decrypted, derived, encrypted
from schemas.errors import CredentialMissing, MasterKeyMissing

FILE: Final = "master-key"
_REMEDY: Final = (
    "set ORCHESTRATOR_MASTER_KEY (32 random bytes in base64) or ORCHESTRATOR_MASTER_KEY_FILE for every "
    "process, or start with `orchestrator up`, which makes one in its data directory"
)


class WrongMasterKey(CredentialMissing):
    """The credential was sealed under another master key."""

    code, status = "wrong_master_key", 503


class MasterKey(Protocol):
    """What wraps data keys. `context` is authenticated with them, and must be the same again."""

    @property
    def id(self) -> str:
        """Which key this is; kept with what it wrapped."""
        ...

    async def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """The data key, encrypted."""
        ...

    async def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The data key. Raises `ValueError` where it, or the context, is not what was wrapped."""
        ...

    async def fingerprint(self, secret: bytes) -> str:
        """The same for the same secret, and nothing that it could be guessed by without this key."""
        ...


class LocalKey:
    """A master key in this process's memory."""

    def __init__(self, key: bytes) -> None:
        self.id = hashlib.sha256(b"orchestrator master key\0" + key).hexdigest()[:16]
        self._wrapping = derived(key, b"orchestrator wrap v1")
        self._fingerprints = derived(key, b"orchestrator fingerprint v1")

    async def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """The data key, encrypted."""
        return encrypted(self._wrapping, data_key, context)

    async def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """The data key."""
        return decrypted(self._wrapping, wrapped, context)

    async def fingerprint(self, secret: bytes) -> str:
        """HMAC-SHA256 under a key of its own."""
        return hmac.digest(self._fingerprints, secret, "sha256").hex()[:32]


class KeyRing:
    """The master keys of a process, read when first needed: the first seals, all of them open."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._keys: tuple[MasterKey, ...] = ()

    def current(self) -> MasterKey:
        """The key to seal under. Raises `MasterKeyMissing`."""
        return self._all()[0]

    def named(self, key_id: str) -> MasterKey:
        """The key that something was sealed under. Raises `MasterKeyMissing`, `WrongMasterKey`."""
        for key in self._all():
            if key.id == key_id:
                return key
        raise WrongMasterKey(
            f"This was sealed under the master key {key_id}, which is not here: put it back (several may be "
            "given, one a line), or give the credential again."
        )

    def _all(self) -> tuple[MasterKey, ...]:
        if not self._keys:
            self._keys = tuple(LocalKey(key) for key in _read(self._config))
        return self._keys


def key_file(config: Config) -> Path:
    """Where the master key's file is, or would be."""
    return config.master_key_file or config.data_dir / FILE


def new_key() -> str:
    """A fresh master key, as its file and its setting have it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def has_key(config: Config) -> bool:
    """Whether a master key is set, or in its file."""
    return bool(_given(config)) or key_file(config).exists()


def _given(config: Config) -> str:
    return config.master_key.get_secret_value().strip() if config.master_key else ""


def _read(config: Config) -> list[bytes]:
    text, where = _given(config), "ORCHESTRATOR_MASTER_KEY"
    if not text:
        file = key_file(config)
        where = str(file)
        try:
            text = file.read_text(encoding="ascii")
        except FileNotFoundError as error:
            raise MasterKeyMissing(f"There is no master key: {_REMEDY}.") from error
        except (OSError, UnicodeError) as error:
            raise MasterKeyMissing(f"The master key in {file} can't be read: {error}.") from error
    keys = [_decoded(line, where) for line in text.replace(",", "\n").split()]
    if not keys:
        raise MasterKeyMissing(f"{where} holds no master key: {_REMEDY}.")
    return keys


def _decoded(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise MasterKeyMissing(f"{where} must hold {KEY_BYTES} random bytes in base64 (44 characters).")
    return key
