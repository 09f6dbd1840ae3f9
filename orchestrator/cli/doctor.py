"""`doctor`: looks at everything that a healthy installation needs, and says what mends the rest."""

from typing import TYPE_CHECKING

import typer

from orchestrator.cli import printing
from orchestrator.cli.exits import Ending
from orchestrator.cli.session import Session, session

if TYPE_CHECKING:
    from orchestrator.cli.diagnosis import Check
    from orchestrator.config import Config

_NOWHERE = "postgresql+psycopg://nowhere"
_NO_BROKER = "redis://nowhere"
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(context: typer.Context) -> None:
    """Look for what is wrong, and say how to mend it.

    Versions, settings, database, broker, providers, disk. Exit code 1 where something has to be mended.
    """
    import asyncio

    shared = session(context)
    checks = asyncio.run(_all(shared))
    if shared.as_json:
        printing.write_json_list({"data": [_as_json(check) for check in checks]}, shared.output)
    else:
        _show(checks)
    failed = sum(check.standing == "fail" for check in checks)
    if failed:
        raise Ending(f"{failed} of {len(checks)} checks failed.")


async def _all(shared: Session) -> "list[Check]":
    from orchestrator.cli import diagnosis
    from orchestrator.cli.system.attached import addresses

    try:
        config = addresses(shared.config(), shared.home())
    except Ending as error:
        wrong = diagnosis.Check("settings", diagnosis.Standing.FAIL, error.problem, "Mend or unset them.")
        return [diagnosis.python(), diagnosis.packages(), wrong]
    return [
        diagnosis.python(),
        diagnosis.packages(),
        diagnosis.settings(),
        *await _servers(config),
        diagnosis.providers(),
        diagnosis.disk(shared.home()),
    ]


async def _servers(config: "Config") -> "list[Check]":
    from orchestrator.cli import diagnosis
    from orchestrator.wiring import open_parts

    known = config.database_url, config.broker_url
    checks = [] if all(known) else [diagnosis.embedded()]
    if not any(known):
        return checks
    some = {"database_url": config.database_url or _NOWHERE, "broker_url": config.broker_url or _NO_BROKER}
    async with open_parts(config.model_copy(update=some), "doctor") as parts:
        if config.database_url:
            checks += await diagnosis.database(parts)
        if config.broker_url:
            checks.append(await diagnosis.broker(parts))
    return checks


def _show(checks: "list[Check]") -> None:
    from rich.text import Text

    for check in checks:
        line = Text()
        line.append(f"{check.standing:<5}", style=_STYLES[check.standing])
        line.append(printing.visible(f"{check.name:<11} {check.detail}"))
        printing.show(line, soft_wrap=True)
        if check.remedy:
            printing.show(Text(f"      → {check.remedy}", style=_STYLES[check.standing]), soft_wrap=True)


def _as_json(check: "Check") -> dict[str, str]:
    return {
        "name": check.name,
        "standing": check.standing,
        "detail": check.detail,
        "remedy": check.remedy,
    }
