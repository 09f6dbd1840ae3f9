"""Sealing: a secret opens for what it is bound to, under the key that sealed it, and for nothing else."""

import base64
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from orchestrator.config import Config
from orchestrator.secrets import Binding, KeyRing, Sealed, Unopenable, WrongMasterKey, open_sealed, seal
from orchestrator.secrets.master import LocalKey, new_key
from schemas.errors import MasterKeyMissing

BINDING = Binding(UUID(int=1), UUID(int=2), "mine", "https://api.example.org:443")


def ring(*keys: bytes) -> KeyRing:
    return KeyRing(Config(master_key=SecretStr(",".join(base64.b64encode(key).decode() for key in keys))))


ONE, OTHER = ring(b"1" * 32), ring(b"2" * 32)


@given(st.text())
async def test_what_was_sealed_opens_again(secret: str) -> None:
    sealed = await seal(ONE, BINDING, secret)
    assert await open_sealed(ONE, BINDING, sealed) == secret
    assert not secret or secret.encode() not in sealed.box or len(secret) < 4


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(BINDING, tenant_id=UUID(int=9)),
        replace(BINDING, key_id=UUID(int=9)),
        replace(BINDING, provider="yours"),
        replace(BINDING, host="https://evil.example:443"),
        replace(BINDING, host="http://api.example.org:443"),
        replace(BINDING, host="https://api.example.org:8443"),
    ],
)
async def test_it_opens_nowhere_else(elsewhere: Binding) -> None:
    sealed = await seal(ONE, BINDING, "sk-1")
    with pytest.raises(Unopenable):
        await open_sealed(ONE, elsewhere, sealed)


@given(st.integers(0, 10**6), st.integers(1, 255), st.sampled_from(["box", "data_key"]))
async def test_a_changed_byte_is_noticed(place: int, change: int, part: str) -> None:
    sealed = await seal(ONE, BINDING, "sk-1")
    told = bytearray(sealed.box if part == "box" else sealed.data_key)
    told[place % len(told)] ^= change
    other = bytes(told)
    changed = replace(sealed, box=other) if part == "box" else replace(sealed, data_key=other)
    with pytest.raises(Unopenable):
        await open_sealed(ONE, BINDING, changed)


async def test_another_master_key_says_which_one_is_missing() -> None:
    sealed = await seal(ONE, BINDING, "sk-1")
    with pytest.raises(WrongMasterKey, match=sealed.master_key):
        await open_sealed(OTHER, BINDING, sealed)


async def test_an_older_key_of_the_ring_still_opens() -> None:
    sealed = await seal(ONE, BINDING, "sk-1")
    both = ring(b"2" * 32, b"1" * 32)
    assert await open_sealed(both, BINDING, sealed) == "sk-1"
    assert (await seal(both, BINDING, "sk-1")).master_key == OTHER.current().id


async def test_the_same_secret_has_the_same_fingerprint_under_the_same_key_alone() -> None:
    async def of(keys: KeyRing, secret: str) -> Sealed:
        return await seal(keys, BINDING, secret)

    one, again = await of(ONE, "sk-1"), await of(ONE, "sk-1")
    assert one.fingerprint == again.fingerprint
    assert one.box != again.box
    assert one.data_key != again.data_key
    assert (await of(ONE, "sk-2")).fingerprint != one.fingerprint
    assert (await of(OTHER, "sk-1")).fingerprint != one.fingerprint


def test_no_two_bindings_have_one_context() -> None:
    first = replace(BINDING, provider="a", host="b,c").context()
    assert first != replace(BINDING, provider="a,b", host="c").context()
    assert replace(BINDING, provider='a","b').context() != replace(BINDING, provider="a", host='b"').context()


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"x" * 31).decode(), "ä" * 44])
def test_a_key_that_is_none_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "master-key").write_text(text, encoding="utf-8")
    with pytest.raises(MasterKeyMissing, match="master"):
        KeyRing(Config(data_dir=tmp_path)).current()


def test_without_a_key_the_remedy_is_said(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyMissing, match=r"ORCHESTRATOR_MASTER_KEY_FILE.*orchestrator up"):
        KeyRing(Config(data_dir=tmp_path)).current()


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    text = new_key()
    (tmp_path / "elsewhere").write_text(f"{text}\n", encoding="ascii")
    config = Config(data_dir=tmp_path / "none", master_key_file=tmp_path / "elsewhere")
    assert KeyRing(config).current().id == LocalKey(base64.b64decode(text)).id
