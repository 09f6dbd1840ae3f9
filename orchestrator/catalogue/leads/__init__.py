"""How the prompt of each kind begins: who the model is, what is asked of it. A tenant may have its own text.

What follows a lead (what is data, the form of the answer) is not for a tenant to change: programs read by it.
A lead is a template that can choose and insert and nothing else: no loops, no calls, no attributes. So it
ends soon and stays small, whatever stands in it.
"""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from schemas.tasks import TaskKind

NAMES: Final = tuple(kind.value for kind in TaskKind if kind not in (TaskKind.CHAT, TaskKind.EMBED))
"""A lead is named for the kind it begins the prompts of."""
VARIABLES: Final = ("kind", "language")
MOST_TEMPLATE: Final = 20_000
MOST_OUTPUT: Final = 40_000


class Unfit(ValueError):
    """A template that can't be a lead; the message says why."""


@cache
def built_in(name: str) -> str:
    """The lead that everyone has who has no other."""
    return (Path(__file__).parent / f"{name}.md").read_text(encoding="utf-8").strip()


def version(template: str) -> str:
    """What a template is told apart by: the beginning of its hash."""
    return hashlib.sha256(template.encode()).hexdigest()[:12]


def check(name: str, template: str) -> None:
    """Raise `Unfit` unless the template is a lead, tried with samples."""
    from orchestrator.catalogue.leads import language as templates  # most processes never need it

    try:
        tree = templates.environment().parse(template)
    except (templates.TemplateError, RecursionError) as error:
        raise Unfit(f"is no template: {error}") from error
    for node in tree.find_all(templates.nodes.Node):
        if not isinstance(node, templates.MAY):
            what = type(node).__name__
            allowed = f"a lead inserts {_listed()} and chooses with if"
            raise Unfit(f"must not use {what} (line {node.lineno}): {allowed}")
        if isinstance(node, templates.nodes.Name) and node.name not in VARIABLES:
            raise Unfit(f"has no variable {node.name!r} (line {node.lineno}): there are {_listed()}")
    for language in ("python", ""):
        if not rendered(template, name, language):
            raise Unfit(f"must say something, also for the language {language!r}")


def rendered(template: str, kind: str, language: str | None) -> str:
    """The text of a lead. Raises `Unfit` where it can't be rendered, or is too long."""
    from orchestrator.catalogue.leads import language as templates

    try:
        parts, left = [], MOST_OUTPUT
        lead = templates.environment().from_string(template)
        for part in lead.generate(kind=kind, language=language or ""):
            left -= len(part)
            if left < 0:
                raise Unfit(f"must not give more than {MOST_OUTPUT:,} characters")
            parts.append(part)
    except (templates.TemplateError, TypeError, RecursionError) as error:
        raise Unfit(f"can't be rendered: {error}") from error
    return "".join(parts).strip()


def _listed() -> str:
    return " and ".join(f"{{{{ {name} }}}}" for name in VARIABLES)
