"""The cache's two layers over a real Valkey: bounds, ends, clearing, and tenants that never meet."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from uuid import UUID, uuid4

import pytest

from orchestrator import clock
from orchestrator.volatile import Unreachable
from orchestrator.volatile.answers import AnswerCache, Keeping
from tests.integration.conftest import Servers

Open = Callable[..., AnswerCache]
MEGABYTE = 1024 * 1024


@pytest.fixture
def tenant() -> UUID:
    """A tenant of the test's own."""
    return uuid4()


@pytest.fixture
def opened(servers: Servers) -> Iterator[Open]:
    """A process's cache, on a database that nothing else uses."""
    url = (
        servers.broker_url.rpartition("/")[0] + "/9"
        if servers.broker_url.count("/") > 2
        else (servers.broker_url + "/9")
    )
    with ExitStack() as stack:

        def cache(most: int = MEGABYTE, here: int = MEGABYTE) -> AnswerCache:
            return stack.enter_context(closing(AnswerCache(url, most, here)))

        yield cache


def text_of(cache: AnswerCache, tenant: UUID, name: str) -> str | None:
    found = cache.look(tenant, name)
    return found.text if found else None


def test_what_one_process_keeps_another_one_finds(opened: Open, tenant: UUID) -> None:
    one, other = opened(), opened()
    assert one.keep(tenant, "a", "text", 60)
    layers = [found.layer for cache in (one, other, other) if (found := cache.look(tenant, "a"))]
    assert layers == ["first", "second", "first"]
    counts = other.stats(tenant)
    assert (counts["hits_first"], counts["hits_second"], counts["misses"], counts["kept"]) == (2, 1, 0, 1)
    assert counts["since"] > 0


def test_a_tenant_finds_nothing_of_another_one(opened: Open, tenant: UUID) -> None:
    cache = opened()
    cache.keep(tenant, "a", "mine", 60)
    assert text_of(cache, uuid4(), "a") is None


def test_what_a_tenant_clears_no_process_finds_and_others_keep_theirs(opened: Open, tenant: UUID) -> None:
    one, other, stranger = opened(), opened(), uuid4()
    for whose in (tenant, stranger):
        one.keep(whose, "a", "text", 60)
        assert text_of(other, whose, "a") == "text"
    one.clear(tenant)
    assert [text_of(cache, tenant, "a") for cache in (one, other)] == [None, None]
    assert text_of(other, stranger, "a") == "text"


def test_redis_holds_no_more_than_its_bound_and_lets_the_first_to_end_go(opened: Open, tenant: UUID) -> None:
    cache = opened(most=10_000, here=0)
    for at in range(20):
        assert cache.keep(tenant, str(at), "x" * 1000, 60 + at) is Keeping.KEPT
    held = [at for at in range(20) if text_of(cache, tenant, str(at))]
    assert 3 < len(held) < 10
    assert held == list(range(20 - len(held), 20))
    assert cache.keep(tenant, "large", "x" * 20_000, 60) is Keeping.FULL


def test_what_is_replaced_or_dropped_is_no_longer_found_in_any_process(opened: Open, tenant: UUID) -> None:
    one, other = opened(), opened()
    one.keep(tenant, "a", "old", 60)
    assert text_of(other, tenant, "a") == "old"
    one.keep(tenant, "a", "new", 60)
    assert text_of(other, tenant, "a") == "new"
    one.drop(tenant, "a")
    assert [text_of(cache, tenant, "a") for cache in (one, other)] == [None, None]


def test_what_is_there_can_be_left_as_it_is(opened: Open, tenant: UUID) -> None:
    cache = opened()
    said = [cache.keep(tenant, "a", text, 60, instead=False) for text in ("old", "new")]
    assert said == [Keeping.KEPT, Keeping.THERE]
    assert text_of(opened(), tenant, "a") == "old"


def test_a_process_lets_go_of_what_was_not_asked_for_longest(opened: Open, tenant: UUID) -> None:
    cache = opened(here=3 * 700)
    for name in "abc":
        cache.keep(tenant, name, "x" * 100, 60)
    assert text_of(cache, tenant, "a")
    cache.keep(tenant, "d", "x" * 100, 60)
    layers = {name: found.layer for name in "abcd" if (found := cache.look(tenant, name))}
    assert layers == {"a": "first", "b": "second", "c": "second", "d": "second"}


def test_an_entry_ends_in_the_process_too(
    opened: Open, tenant: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = opened()
    cache.keep(tenant, "a", "text", 60)
    later = clock.monotonic() + 61
    monkeypatch.setattr(clock, "monotonic", lambda: later)
    found = cache.look(tenant, "a")
    assert found is not None
    assert found.layer == "second"


def test_a_bound_of_nothing_keeps_nothing_and_asks_nobody(tenant: UUID) -> None:
    with closing(AnswerCache("redis://127.0.0.1:9/0", 0, MEGABYTE)) as cache:
        assert cache.keep(tenant, "a", "text", 60) is Keeping.OFF
        assert cache.look(tenant, "a") is None


def test_a_server_that_is_away_is_told(tenant: UUID) -> None:
    with closing(AnswerCache("redis://127.0.0.1:9/0", MEGABYTE, MEGABYTE)) as cache:
        with pytest.raises(Unreachable):
            cache.look(tenant, "a")
        with pytest.raises(Unreachable):
            cache.clear(tenant)
