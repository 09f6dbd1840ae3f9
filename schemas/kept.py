"""What the cache of kept answers tells of itself."""

from datetime import datetime

from pydantic import Field

from schemas.base import Value


class CacheStats(Value):
    """What the cache of answers did for the tenant since its counts began; they go with Redis."""

    since: datetime | None
    lookups: int
    hits: int
    hits_in_process: int = Field(description="of them, those that a worker process had itself")
    misses: int
    hit_ratio: float | None = Field(description="null before the first look-up")
    kept: int = Field(description="answers that were put into it")
    served: int = Field(description="tasks whose result came of a kept answer")
    input_tokens_served: int = Field(description="that no provider was paid for")
    output_tokens_served: int = Field(description="that no provider was paid for")
    saved_usd: str = Field(description="what the calls had cost that were not made again; decimal dollars")
