"""Routes as a person reads them: the candidates with their scores, and who was left out and why."""

from typing import TYPE_CHECKING, Final

from orchestrator.cli import printing

if TYPE_CHECKING:
    from orchestrator.client import Candidate, Route

_COLUMNS: Final = (
    "", "provider", "model", "score", "able", "cost", "history", "preferred", "estimate", "a call takes",
)  # fmt: skip


def show(route: "Route", current: int | None) -> None:
    """A table of the candidates in the order they are tried; `current` is marked."""
    weights = route.weights
    printing.write(
        f"strategy  {route.strategy} (named by the {route.chosen_by})\n"
        f"weights   able {weights['capability']}, cost {weights['cost']}, history {weights['history']}, "
        f"preferred {weights['preference']} %; cost measured by ${route.budget_usd} a task\n"
        f"size      about {route.input_tokens:,} tokens\n{_experiment(route)}\n"
    )
    rows = [
        _row(number, each, is_current=number - 1 == current)
        for number, each in enumerate(route.candidates, 1)
    ]
    printing.table(_COLUMNS, rows)
    if route.filtered:
        left_out = "".join(f"  {each.provider} {each.detail} [{each.reason}]\n" for each in route.filtered)
        printing.write(f"\nleft out\n{printing.visible(left_out)}")


def _experiment(route: "Route") -> str:
    given = route.experiment
    if given is None:
        return ""
    how = f"by {given['sticky_by']}" if given["applied"] else "but nobody could take it so"
    return printing.visible(f"in        {given['name']}, arm {given['arm']}, {how}\n")


def _row(number: int, each: "Candidate", *, is_current: bool) -> tuple[str, ...]:
    parts = [f"{each.parts[name]:.0f}" for name in ("capability", "cost", "history", "preference")]
    measured = f"{each.calls} calls, {each.success_rate:.0%} good" if each.calls else "not measured yet"
    return (
        f"{'→' if is_current else ' '} {number}",
        each.provider,
        each.model,
        f"{each.score:.1f}",
        *parts,
        f"${each.estimated_cost_usd}",
        f"{each.expected_seconds:.1f} s ({measured})",
    )
