"""AES-256-GCM with a random nonce in front, and keys derived from a key (HKDF-SHA256).

The library is loaded when something is first sealed or opened: most processes never do.
"""

import os
from typing import Final

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


def encrypted(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Nonce, ciphertext and tag; `context` is authenticated with it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def decrypted(key: bytes, box: bytes, context: bytes) -> bytes:
    """What was encrypted. Raises `ValueError` where box or context is not what it was."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(box[:_NONCE_BYTES], box[_NONCE_BYTES:], context)
    except InvalidTag as error:
        raise ValueError("this is not what was sealed, or not where it was sealed for") from error


def derived(key: bytes, purpose: bytes) -> bytes:
    """A key of its own for a purpose."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose).derive(key)
