"""API keys: shown once, kept as hashes, refused within a second of their revocation."""

from uuid import uuid4

import pytest
from pydantic import SecretStr

from orchestrator import auth, clock
from orchestrator.flow.configure import configure
from orchestrator.store import views
from orchestrator.wiring import Parts
from schemas.errors import Unauthenticated
from tests.integration.api.visitor import Visitor, setting


async def test_a_key_is_not_kept(caller: Visitor) -> None:
    stored = await caller.value("SELECT CAST(k AS text) FROM api_keys AS k WHERE tenant_id = :tenant")
    secret = caller.key.rpartition("_")[2]
    assert secret not in stored
    assert secret.encode().hex() not in stored


@pytest.mark.parametrize("place", [10, 30, -1])
async def test_a_typo_is_refused_without_a_query(
    caller: Visitor, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    letters = list(caller.key)
    letters[place] = "x" if letters[place] != "x" else "y"

    async def no_query(*_: object, **__: object) -> None:
        raise AssertionError("the database was asked")

    monkeypatch.setattr(type(caller.parts.db), "run", no_query)
    with pytest.raises(Unauthenticated, match="typo"):
        await auth.authenticate(caller.parts, f"Bearer {''.join(letters)}")


async def test_the_id_of_a_key_does_not_open_with_another_secret(caller: Visitor, stranger: Visitor) -> None:
    key_id = caller.key.split("_")[2]
    stem = f"orc_live_{key_id}_{stranger.key.rpartition('_')[2][:-6]}"
    forged = stem + auth._checksum(stem)
    with pytest.raises(Unauthenticated, match="unknown"):
        await auth.authenticate(caller.parts, f"Bearer {forged}")


async def test_a_revoked_key_is_refused_within_a_second(
    caller: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await auth.authenticate(caller.parts, f"Bearer {caller.key}")
    await caller.change("UPDATE api_keys SET revoked_at = clock_timestamp() WHERE tenant_id = :tenant")
    now = clock.monotonic()
    monkeypatch.setattr(clock, "monotonic", lambda: now + 1)
    with pytest.raises(Unauthenticated):
        await auth.authenticate(caller.parts, f"Bearer {caller.key}")


async def test_a_key_past_its_end_is_refused(caller: Visitor) -> None:
    await caller.change("UPDATE api_keys SET expires_at = clock_timestamp() WHERE tenant_id = :tenant")
    with pytest.raises(Unauthenticated):
        await auth.authenticate(caller.parts, f"Bearer {caller.key}")


async def test_a_pepper_is_part_of_the_hash(parts: Parts, caller: Visitor) -> None:
    peppered = replaced(parts, "salt and pepper")
    key = await auth.create_key(peppered, caller.tenant_id, "peppered", (auth.Scope.READ,))
    assert (await auth.authenticate(peppered, f"Bearer {key}")).tenant_id == caller.tenant_id
    assert (await auth.authenticate(peppered, f"Bearer {caller.key}")).tenant_id == caller.tenant_id
    auth._believed.clear()
    for other in (parts, replaced(parts, "another")):
        with pytest.raises(Unauthenticated):
            await auth.authenticate(other, f"Bearer {key}")


async def test_the_bootstrap_key_is_made_once_and_rotated_on_wish(parts: Parts) -> None:
    tenant_id = (await configure(parts, f"tenant-{uuid4().hex}", (setting(),))).tenant_id
    first = await auth.bootstrap_key(parts, tenant_id)
    assert first is not None
    assert await auth.bootstrap_key(parts, tenant_id) is None
    second = await auth.bootstrap_key(parts, tenant_id, rotate=True)
    assert second is not None
    assert (await auth.authenticate(parts, f"bearer {second}")).scopes == set(auth.Scope)
    with pytest.raises(Unauthenticated):
        await auth.authenticate(parts, f"Bearer {first}")


async def test_configuring_again_keeps_the_tenant_and_an_operators_pause(parts: Parts) -> None:
    name = f"tenant-{uuid4().hex}"
    first = await configure(parts, name, (setting("a"), setting("b")))
    pause = "UPDATE providers SET paused = true WHERE tenant_id = :tenant AND name = 'a'"
    await Visitor(parts, None, first.tenant_id, "").change(pause)  # type: ignore[arg-type]
    again = await configure(parts, name, (setting("b"), setting("a")))
    assert again == first
    found = await views.providers(parts.db, first.tenant_id)
    assert [(provider.name, paused) for provider, paused, _ in found] == [("b", False), ("a", True)]


async def test_real_providers_put_simulated_ones_to_rest_and_back(parts: Parts) -> None:
    name = f"tenant-{uuid4().hex}"

    async def standing(*settings: object) -> dict[str, bool]:
        configured = await configure(parts, name, settings)  # type: ignore[arg-type]
        found = await views.providers(parts.db, configured.tenant_id)
        return {provider.name: paused for provider, paused, _ in found}

    real, simulated = setting("real", simulated=False), setting("sim")
    assert await standing(simulated) == {"sim": False}
    assert await standing(real) == {"sim": True, "real": False}
    assert await standing(simulated) == {"sim": False, "real": True}
    assert await standing() == {"sim": False, "real": True}


def replaced(parts: Parts, pepper: str) -> Parts:
    return Parts(
        config=parts.config.model_copy(update={"key_pepper": SecretStr(pepper)}),
        db=parts.db,
        volatile=parts.volatile,
        http=parts.http,
        keys=parts.keys,
        cache=parts.cache,
    )
