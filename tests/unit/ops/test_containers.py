"""The compose file and the Dockerfile, read by parsers, name only what is there."""

import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import typer.main
import yaml
from dockerfile_parse import DockerfileParser

from orchestrator.cli.app import app as cli
from orchestrator.config import Config
from schemas.providers import CHORES_QUEUE, QUEUES

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("orchestrator:")}


@pytest.fixture(scope="module")
def instructions(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    content = (ROOT / "ops" / "Dockerfile").read_text(encoding="utf-8")
    parser = DockerfileParser(path=str(tmp_path_factory.mktemp("docker")))
    parser.content = content
    return list(parser.structure)


def test_every_part_of_the_product_has_a_service() -> None:
    assert {"postgres", "valkey", "api", "dispatcher", "flower"} <= set(SERVICES)
    assert any(name.startswith("worker-") for name in SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_services_that_are_there(name: str) -> None:
    waits_for = SERVICES[name].get("depends_on", {})
    assert set(waits_for) <= set(SERVICES)
    for other, how in waits_for.items():
        if how["condition"] == "service_healthy":
            assert SERVICES[other]["healthcheck"]["test"]


@pytest.mark.parametrize("name", OURS)
def test_a_variable_of_ours_is_a_setting(name: str) -> None:
    known = {f"ORCHESTRATOR_{field.upper()}" for field in Config.model_fields} | {
        "ORCHESTRATOR_SIMULATOR_KEY"
    }
    given = {variable for variable in OURS[name]["environment"] if variable.startswith("ORCHESTRATOR_")}
    assert given <= known


@pytest.mark.parametrize("name", OURS)
def test_a_command_can_be_run(name: str) -> None:
    program, *arguments = OURS[name]["command"]
    if program == "python":
        module = ROOT / arguments[1].replace(".", "/")
        assert module.with_suffix(".py").exists() or (module / "__main__.py").exists()
    elif program == "celery":
        assert arguments[:3] in (["-A", "workers", "worker"], ["-A", "workers", "flower"])
    else:
        assert program == "orchestrator"
        _walk(typer.main.get_command(cli), arguments)


def _walk(command: Any, arguments: list[str]) -> None:
    for argument in arguments:
        if argument.startswith("-"):
            assert argument in {option for param in command.params for option in param.opts}
        elif isinstance(command, click.Group) or hasattr(command, "commands"):
            command = command.commands[argument]


def test_each_worker_serves_a_queue_that_exists() -> None:
    served = set()
    for service in SERVICES.values():
        command = service.get("command", [])
        if "-Q" in command:
            served |= set(command[command.index("-Q") + 1].split(","))
    assert served <= {*QUEUES, CHORES_QUEUE}
    assert {"provider.openai", "provider.custom", CHORES_QUEUE} <= served


def test_the_broker_never_evicts() -> None:
    command = SERVICES["valkey"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_flower_is_read_only_behind_a_password_and_on_loopback() -> None:
    flower = SERVICES["flower"]
    assert "--read_only=True" in flower["command"]
    assert any(argument.startswith("--basic_auth=") for argument in flower["command"])
    assert all(port.startswith("127.0.0.1:") for port in flower["ports"])


def test_the_api_is_not_published_beyond_this_machine() -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["api"]["ports"])


def test_the_image_does_not_run_as_root(instructions: list[dict[str, str]]) -> None:
    users = [each["value"] for each in instructions if each["instruction"] == "USER"]
    assert users
    assert not users[-1].startswith(("0", "root"))


def test_the_image_has_a_health_check_and_two_stages(instructions: list[dict[str, str]]) -> None:
    names = [each["instruction"] for each in instructions]
    assert "HEALTHCHECK" in names
    assert names.count("FROM") == 2


def test_what_the_image_copies_is_in_the_tree(instructions: list[dict[str, str]]) -> None:
    for each in instructions:
        if each["instruction"] == "COPY" and "--from=" not in each["value"]:
            *sources, _ = shlex.split(each["value"])
            assert [source for source in sources if not (ROOT / source).exists()] == []
