"""Write off: a call that stayed unknown for long keeps the charge of its hold for good.

Until then a late outcome corrects the charge; from then on nothing does. It is never written off as 0.
"""

from orchestrator import telemetry
from orchestrator.store import calls
from orchestrator.wiring import Parts

MOST = 500


async def write_off(parts: Parts) -> int:
    """How many calls became final."""
    rows = await parts.db.run(calls.MAKE_FINAL, hours=parts.config.unknown_final_hours, most=MOST)
    for row in rows:
        telemetry.tell("call.final", task_id=row.task_id, call_id=row.id, cost_nanos=row.cost_nanos)
    return len(rows)
