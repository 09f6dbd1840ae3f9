"""Book fees: what a provider costs a month, whatever is asked, goes into the ledger once a month.

Months in which no dispatcher ran are made up for. Any number of dispatchers may do it at once: a second
entry of the same month is refused by the ledger itself.
"""

from datetime import datetime

from orchestrator import telemetry
from orchestrator.store import fees
from orchestrator.wiring import Parts

MOST = 500


async def book_fees(parts: Parts, at: datetime | None = None) -> int:
    """Book what is due `at` a time, without one by the database's clock; how many fees were booked."""
    rows = await parts.db.run(fees.BOOK_FEES, at=at, most=MOST)
    for row in rows:
        telemetry.tell(
            "fee.booked",
            tenant_id=row.tenant_id,
            provider=row.provider,
            month=f"{row.month:%Y-%m}",
            amount_nanos=row.amount_nanos,
        )
    return len(rows)
