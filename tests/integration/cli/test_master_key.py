"""The master key at a start: made where there is none, kept where there is one, never a second for others."""

from pathlib import Path
from uuid import uuid4

import pytest

from orchestrator.cli.exits import Ending
from orchestrator.cli.system.prepare import make_master_key
from orchestrator.secrets import KeyRing
from orchestrator.store.statements import text
from orchestrator.wiring import Parts


async def test_a_key_is_made_once_for_its_owner_alone(parts: Parts, tmp_path: Path) -> None:
    config = parts.config.model_copy(update={"data_dir": tmp_path})
    await make_master_key(config, own_database=True)
    file = tmp_path / "master-key"
    assert file.stat().st_mode & 0o777 == 0o600
    made = file.read_text(encoding="ascii")
    assert KeyRing(config).current().id
    await make_master_key(config, own_database=True)
    assert file.read_text(encoding="ascii") == made


async def test_a_file_that_was_named_and_is_not_there_is_not_made(parts: Parts, tmp_path: Path) -> None:
    config = parts.config.model_copy(update={"data_dir": tmp_path, "master_key_file": tmp_path / "mine"})
    with pytest.raises(Ending, match="no master key"):
        await make_master_key(config, own_database=True)
    assert not (tmp_path / "mine").exists()


async def test_no_second_key_is_made_where_others_have_sealed_under_another(
    parts: Parts, tmp_path: Path
) -> None:
    tenant = uuid4()
    await parts.db.run(text("INSERT INTO tenants (id, name) VALUES (:id, 'x') RETURNING id"), id=tenant)
    await parts.db.run(
        text(
            "INSERT INTO credentials (id, tenant_id, provider, host, box, data_key, master_key)"
            " VALUES (:id, :tenant, 'p', 'h', '', '', 'theirs') RETURNING id"
        ),
        id=uuid4(),
        tenant=tenant,
    )
    config = parts.config.model_copy(update={"data_dir": tmp_path})
    with pytest.raises(Ending, match="theirs"):
        await make_master_key(config, own_database=False)
    assert not (tmp_path / "master-key").exists()
