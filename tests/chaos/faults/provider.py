"""A provider that refuses, breaks off, babbles or is gone, for a few seconds; then it answers again."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, Final

from tests.chaos import reading
from tests.chaos.asks import sloppy_rule
from tests.chaos.ground import Ground
from tests.chaos.proxy import Weather

SECONDS: Final = 4.0
_REOPEN: Final = """
    WITH opened AS (
        UPDATE gates SET state = 'closed', closed_until = clock_timestamp()
        WHERE kind = 'credential' AND state <> 'closed' RETURNING 1
    ) SELECT count(*) FROM opened
"""
_RULES: Final[Mapping[str, dict[str, Any]]] = {
    "429 storm": {"fault": "429", "retry_after": 1},
    "5xx outage": {"fault": "500"},
    "overload": {"fault": "overloaded_in_stream"},
    "outage without an answer": {"fault": "outage"},
    "stall": {"fault": "stall"},
    "no first token": {"fault": "no_first_token"},
    "trickle": {"fault": "trickle", "chunk_ms": 700},
    "truncated stream": {"fault": "truncate"},
    "disconnect": {"fault": "disconnect"},
    "malformed body": {"fault": "malformed"},
    "empty body": {"fault": "empty"},
    "wrong content type": {"fault": "wrong_content_type"},
    "answers without usage": {"fault": "no_usage"},
}


def _misbehave(rule: Mapping[str, Any], ground: Ground, dice: Random) -> str:
    """Two requests of three, so that good and bad answers meet."""
    ground.rules({**rule, "probability": 0.66, "seed": dice.randrange(10**6)}, sloppy_rule())
    time.sleep(SECONDS)
    hit = ground.applied(0)
    ground.rules(sloppy_rule())
    return f"{hit} requests"


def _spend_cap(ground: Ground, dice: Random) -> str:
    """The vendor's cap of one account, until an operator clears it."""
    account = dice.choice(["first", "second", "third"])
    ground.rules({"fault": "quota", "match": {"account": account}}, sloppy_rule())
    time.sleep(SECONDS)
    hit = ground.applied(0)
    ground.rules(sloppy_rule())
    cleared = reading.count(ground.database_url, _REOPEN)
    return f"{hit} requests of {account}, {cleared} gate cleared"


def _refuse(ground: Ground, _dice: Random) -> str:
    assert ground.links is not None
    link = ground.links.to_provider
    link.become(Weather.REFUSING)
    time.sleep(SECONDS)
    link.become(Weather.FAIR)
    return f"{SECONDS:g} s"


def _cut(ground: Ground, _dice: Random) -> str:
    assert ground.links is not None
    link = ground.links.to_provider
    link.cut(10)
    time.sleep(SECONDS)
    left, link.cuts = link.cuts, 0
    return f"{10 - left} answers cut"


def _huge(ground: Ground, _dice: Random) -> str:
    """Another server answers with 200 MB to each request."""
    assert ground.links is not None
    with ground.links.flooding() as flood:
        # What it receives while its last connections end counts too.
        ground.elsewhere.append(flood.received)
        time.sleep(SECONDS)
        seen = len(flood.received)
    return f"{seen} requests, at most {flood.most_sent // 10**6} MB taken of 200"


ACTS: Final[Mapping[str, Callable[[Ground, Random], str]]] = {
    **{f"provider: {name}": partial(_misbehave, rule) for name, rule in _RULES.items()},
    "provider: spend cap": _spend_cap,
    "provider: connection refused": _refuse,
    "provider: cut in mid-transfer": _cut,
    "provider: 200 MB body": _huge,
}
