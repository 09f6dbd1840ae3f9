"""What the cache may hold of a call: nothing where it is not known what it took."""

from orchestrator.flow.book import Outcome
from schemas.calls import Kept


def keepable(outcome: Outcome) -> Kept | None:
    """A complete answer with its usage and cost, or None."""
    if outcome.answer is None or outcome.usage is None or outcome.cost is None:
        return None
    return Kept(
        text=outcome.answer,
        model=outcome.served_model,
        cut=outcome.cut,
        input_tokens=outcome.usage.input_tokens,
        output_tokens=outcome.usage.output_tokens,
        cost_nanos=outcome.cost.nanos,
    )
