"""The reference pages that are made from the code: `python -m ops.docs` writes them, a test compares.

What a page says stands where the thing itself stands: a setting's description in `config`, an
event's meaning in `schemas.events`, an error's docstring, a metric's help.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import click
import typer.main
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from orchestrator import telemetry
from orchestrator.catalogue.vendors import FACTS, key_header
from orchestrator.cli.app import app as cli
from orchestrator.config import Config
from schemas.errors import ERRORS, FOLLOWS, Category
from schemas.events import MEANINGS
from schemas.notices import NOTICES
from schemas.spellings import ADDRESSES, STRATEGIES, VENDORS
from schemas.tasks import StatusReason

ROOT: Final = Path(__file__).resolve().parent.parent
_PROBLEM: Final = "`type, title, status, detail, instance, code, request_id, retryable, errors[]`"
_OTHER_CODES: Final = "`answer_rejected`, `unverifiable` or `stream_interrupted`"
_NOTE: Final = "<!-- made by `python -m ops.docs`; change the code it is made from -->\n\n"


def settings() -> str:
    """Every setting with its default."""
    rows = ["| setting | default | what it does |", "|---|---|---|"]
    for name, field in Config.model_fields.items():
        variable = str(field.validation_alias or f"ORCHESTRATOR_{name.upper()}")
        rows.append(f"| `{variable}` | {_default(field)} | {field.description} |")
    return (
        _NOTE
        + "# Settings\n\nAll are environment variables. Times are in seconds.\n\n"
        + "\n".join(rows)
        + "\n"
    )


def reference() -> str:
    """Events, reasons, errors, failures and metrics."""
    events = [f"| `{name}` | {meaning} |" for name, meaning in MEANINGS.items()]
    reasons = ", ".join(f"`{reason}`" for reason in StatusReason)
    errors = [
        f"| `{error.code}` | {error.status} | {_yes(error.retryable)} | {_line(error)} |" for error in ERRORS
    ]
    failures = [f"| `{category}` | {FOLLOWS[category]} |" for category in Category]
    metrics = [f"| `{name}` | {kind} | {labels} | {text} |" for name, kind, labels, text in _metrics()]
    return _NOTE + "\n".join(
        [
            "# Reference",
            "\n## Events of a task\n",
            "Read them at `/api/v1/tasks/{id}/events`, as JSON pages or server-sent events.\n",
            "| event | when, and its data |\n|---|---|",
            *events,
            "\n## Why a task waits\n",
            f"`status_reason` is one of {reasons}; `next_attempt_at` says when it is tried again.",
            "\n## Notices of a result\n",
            "They stand in `result.verification.notices`, and change neither the answer nor its level.\n",
            "| notice | meaning |\n|---|---|",
            *(f"| `{kind}` | {meaning} |" for kind, meaning in NOTICES.items()),
            "\n## Errors\n",
            f"Every 4xx and 5xx is `application/problem+json` with {_PROBLEM}.\n",
            "| code | status | try again | meaning |\n|---|---|---|---|",
            *errors,
            "\n## What follows a provider's failure\n",
            f"A failed task's error has the code `provider_<category>`, {_OTHER_CODES}.\n",
            "| category | what follows |\n|---|---|",
            *failures,
            "\n## Vendors\n",
            "Each has the queue `provider.<vendor>`. A provider's own address and wire come before these.\n",
            "| vendor | also called | wire | address | usual name of its key | header it travels in |",
            "|---|---|---|---|---|---|",
            *_vendors(),
            "`local` is Ollama, unless `options.server_type` names another server.",
            "\n## Other spellings\n",
            "Taken as well, and never given back; case, `-` and `_` make no difference in names.\n",
            "| given | what it means |\n|---|---|",
            *(f"| `{given}` | `{meant}` |" for given, meant in (STRATEGIES | ADDRESSES).items()),
            "\n## Metrics\n",
            "At `/metrics`, summed over the processes of a machine; gauges are read from Postgres.\n",
            "| metric | type | labels | meaning |\n|---|---|---|---|",
            *metrics,
            "",
        ]
    )


def commands() -> str:
    """Every command with its help."""
    root = cast("click.Group", typer.main.get_command(cli))
    lines = [_NOTE + "# The command line", ""]
    _describe(root, "orchestrator", lines)
    return "\n".join(lines) + "\n"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "docs/settings.md": settings,
    "docs/reference.md": reference,
    "docs/cli.md": commands,
}


def _describe(command: Any, name: str, lines: list[str]) -> None:
    lines += [f"{'#' * min(4, 2 + name.count(' '))} `{name}`", "", (command.help or "").strip(), ""]
    options = [_option(param) for param in command.params if not getattr(param, "hidden", False)]
    if any(options):
        lines += [
            "| argument or option | default | what it does |",
            "|---|---|---|",
            *filter(None, options),
            "",
        ]
    for child in getattr(command, "commands", {}).values():
        if not child.hidden:
            _describe(child, f"{name} {child.name}", lines)


def _option(param: Any) -> str:
    if param.name in ("install_completion", "show_completion", "help"):
        return ""
    shown = ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))
    default = param.default
    said = "" if default in (None, (), [], "", False) or callable(default) else f"`{default}`"
    text = " ".join((getattr(param, "help", None) or "").split()).replace("|", "\\|")
    return f"| {shown or '`' + param.name.upper() + '`'} | {said} | {text} |"


def _vendors() -> list[str]:
    rows = []
    for vendor, facts in FACTS.items():
        spellings = ", ".join(f"`{name}`" for name, meant in VENDORS.items() if meant == vendor)
        names = ", ".join(f"`{name}`" for name in facts.environment)
        key = f"`{key_header(vendor, facts.wire)}`" if facts.wire else f"`{facts.key}`"
        wire, address = (f"`{value}`" if value else "" for value in (facts.wire, facts.base_url))
        rows.append(f"| `{vendor}` | {spellings} | {wire} | {address} | {names} | {key} |")
    return rows


def _metrics() -> list[tuple[str, str, str, str]]:
    found = []
    for metric in vars(telemetry).values():
        if hasattr(metric, "_documentation") and hasattr(metric, "_type"):
            suffix = "_total" if metric._type == "counter" else ""
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            found.append((metric._name + suffix, metric._type, labels, metric._documentation))
    found += [(name, "gauge", "", text) for name, text in telemetry.GAUGES.items()]
    return sorted(found)


def _default(field: FieldInfo) -> str:
    if field.default in (None, "", PydanticUndefined):
        return ""
    return f"`{field.default}`"


def _line(error: type[Exception]) -> str:
    return (error.__doc__ or "").split("\n")[0]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def main() -> None:
    """Write the pages."""
    for path, page in PAGES.items():
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(page(), encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
