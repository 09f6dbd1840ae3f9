"""What follows an outcome: every category, every standing."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.flow import states
from schemas.errors import FOLLOWS, Category, Failure, Follow
from schemas.events import ENDINGS, EventName
from schemas.manners import RetryPolicy
from schemas.moves import Counters, Move, Standing
from schemas.providers import Candidate, Vendor
from schemas.tasks import StatusReason, TaskStatus

ROUTE = tuple(
    Candidate(provider_id=UUID(int=number), name=f"p{number}", vendor=Vendor.OPENAI, model="m")
    for number in range(3)
)
FRESH = Standing(Counters(), max_attempts=4, max_crashes=3, seconds_left=3600.0, candidates=ROUTE)
TIRED = replace(FRESH, counters=Counters(failures=1, candidate_failures=1))
USED_UP = replace(FRESH, counters=Counters(failures=3, candidate_failures=1))
LAST = replace(FRESH, counters=Counters(candidate=2))
LAST_TIRED = replace(FRESH, counters=Counters(candidate=2, failures=2, candidate_failures=1))
LATE = replace(FRESH, seconds_left=0.01)
LATE_LAST = replace(LAST, seconds_left=0.01)

AGAIN, NEXT, FAIL, BACK = "again", "next", "fail", "back"
STANDINGS = (FRESH, TIRED, USED_UP, LAST, LAST_TIRED, LATE, LATE_LAST)
BY_FOLLOW = {
    Follow.RETRY: (AGAIN, NEXT, FAIL, AGAIN, AGAIN, NEXT, FAIL),
    Follow.WAIT: (AGAIN, AGAIN, AGAIN, AGAIN, AGAIN, NEXT, FAIL),
    Follow.REROUTE: (NEXT, NEXT, NEXT, FAIL, FAIL, NEXT, FAIL),
    Follow.FAIL: (FAIL,) * 7,
    Follow.HAND_BACK: (BACK,) * 7,
}
ELSEWHERE_FIRST = (NEXT, NEXT, NEXT, AGAIN, AGAIN, NEXT, FAIL)
"""What is worth waiting for only where no other provider is left."""
OWN_WAY = {
    Category.CIRCUIT_OPEN: ELSEWHERE_FIRST,
    Category.RETRIES_SPENT: ELSEWHERE_FIRST,
    # Paid answers: tried elsewhere as often as failures are.
    Category.ANSWER_REJECTED: (NEXT, NEXT, FAIL, FAIL, FAIL, NEXT, FAIL),
}
TABLE = [
    (category, standing, expected)
    for category in Category
    if FOLLOWS[category] is not Follow.END
    for standing, expected in zip(STANDINGS, OWN_WAY.get(category, BY_FOLLOW[FOLLOWS[category]]), strict=True)
]

counters = st.builds(
    Counters,
    candidate=st.integers(0, 2),
    failures=st.integers(0, 19),
    candidate_failures=st.integers(0, 5),
    crashes=st.integers(0, 9),
)
standings = st.builds(
    Standing,
    counters=counters,
    max_attempts=st.integers(1, 20),
    max_crashes=st.integers(1, 10),
    seconds_left=st.floats(-100, 10**6),
    candidates=st.just(ROUTE),
)
failures = st.builds(
    Failure,
    category=st.sampled_from(Category),
    message=st.just("it failed"),
    retry_after=st.one_of(st.none(), st.floats(0, 10**7)),
)
jitters = st.floats(0, 1, exclude_max=True)


def failure(category: Category, retry_after: float | None = None) -> Failure:
    return Failure(category=category, message="it failed", retry_after=retry_after)


def kind_of(move: Move, standing: Standing) -> str:
    if move.status is TaskStatus.FAILED:
        return FAIL
    assert move.status is TaskStatus.QUEUED
    if move.happenings[0].name is EventName.HANDED_BACK:
        return BACK
    return NEXT if move.counters.candidate > standing.counters.candidate else AGAIN


@pytest.mark.parametrize(("category", "standing", "expected"), TABLE)
def test_every_category_leads_where_the_table_says(
    category: Category, standing: Standing, expected: str
) -> None:
    move = states.after_failure(standing, failure(category), jitter=0.5)
    assert kind_of(move, standing) == expected


@pytest.mark.parametrize(
    ("category", "status"),
    [(Category.CANCELED, TaskStatus.CANCELED), (Category.DEADLINE, TaskStatus.EXPIRED)],
)
@pytest.mark.parametrize("standing", STANDINGS)
def test_our_own_giving_up_ends_the_task(category: Category, status: TaskStatus, standing: Standing) -> None:
    assert states.after_failure(standing, failure(category), 0.5).status is status


def test_every_category_has_something_that_follows() -> None:
    assert set(FOLLOWS) == set(Category)


@given(standings, failures, jitters)
def test_counters_never_get_smaller(standing: Standing, failed: Failure, jitter: float) -> None:
    before, after = standing.counters, states.after_failure(standing, failed, jitter).counters
    assert after.failures - before.failures in (0, 1)
    assert after.crashes == before.crashes
    assert after.candidate - before.candidate in (0, 1)
    moved_on = after.candidate > before.candidate
    assert (
        after.candidate_failures == 0 if moved_on else after.candidate_failures >= before.candidate_failures
    )


@given(standings, failures, jitters)
def test_the_candidate_always_exists(standing: Standing, failed: Failure, jitter: float) -> None:
    for move in (
        states.after_failure(standing, failed, jitter),
        states.after_crash(standing, TaskStatus.RUNNING, jitter),
    ):
        assert 0 <= move.counters.candidate < len(standing.candidates)


@given(standings, failures, jitters)
def test_a_hint_to_wait_is_a_minimum(standing: Standing, failed: Failure, jitter: float) -> None:
    move = states.after_failure(standing, failed, jitter)
    stays = move.counters.candidate == standing.counters.candidate
    # A wait for budget ends by a pause of our own.
    ours = FOLLOWS[failed.category] is Follow.HAND_BACK or failed.category is Category.BUDGET_HELD
    if move.status is TaskStatus.QUEUED and stays and not ours:
        assert move.delay is not None
        assert move.delay >= (failed.retry_after or 0)


@pytest.mark.parametrize("left", [20.0, 3.0, 1.5])
def test_who_waits_for_budget_with_little_time_left_looks_again_sooner(left: float) -> None:
    held = failure(Category.BUDGET_HELD, 30.0)
    move = states.after_failure(replace(FRESH, seconds_left=left), held, 0.5)
    assert (move.status, move.reason) == (TaskStatus.QUEUED, StatusReason.WAITING_FOR_BUDGET)
    assert move.delay == max(1.0, left / 2)


def test_who_fails_for_want_of_budget_is_not_told_to_try_again() -> None:
    move = states.after_failure(LATE_LAST, failure(Category.BUDGET_HELD, 30.0), 0.5)
    assert move.error is not None
    assert (move.error.code, move.error.retryable) == ("budget_exhausted", False)


@given(standings, failures, jitters)
def test_no_wait_reaches_past_the_deadline(standing: Standing, failed: Failure, jitter: float) -> None:
    move = states.after_failure(standing, failed, jitter)
    if move.status is TaskStatus.QUEUED and move.delay:
        assert move.delay < standing.seconds_left


@given(standings, failures, jitters, st.sampled_from([TaskStatus.RUNNING, TaskStatus.CANCELING]))
def test_an_end_carries_its_one_ending_event_and_nothing_else_does(
    standing: Standing, failed: Failure, jitter: float, status: TaskStatus
) -> None:
    for move in (
        states.after_failure(standing, failed, jitter),
        states.after_crash(standing, status, jitter),
        states.after_success(standing),
        states.after_cancel(standing),
        states.after_deadline(standing),
        states.canceling(standing),
    ):
        endings = [each.name for each in move.happenings if each.name in ENDINGS.values()]
        assert endings == ([ENDINGS[move.status]] if move.status.terminal else [])
        needs_error = move.status in (TaskStatus.FAILED, TaskStatus.EXPIRED)
        assert (move.error is not None) is needs_error


@given(standings, jitters)
def test_a_hand_back_burns_nothing(standing: Standing, jitter: float) -> None:
    move = states.after_failure(standing, failure(Category.SHUTDOWN), jitter)
    assert move.counters == standing.counters
    assert (move.status, move.delay) == (TaskStatus.QUEUED, 0.0)


@given(standings, jitters, st.floats(0, 10**7))
def test_a_rate_limit_burns_no_attempt(standing: Standing, jitter: float, hint: float) -> None:
    move = states.after_failure(standing, failure(Category.RATE_LIMITED, hint), jitter)
    assert move.counters.failures == standing.counters.failures


@given(standings, jitters)
def test_a_crash_counts_apart_and_ends_the_task_when_used_up(standing: Standing, jitter: float) -> None:
    move = states.after_crash(standing, TaskStatus.RUNNING, jitter)
    assert move.counters.failures == standing.counters.failures
    if standing.seconds_left <= 0:
        assert move.status is TaskStatus.EXPIRED
        return
    assert move.counters.crashes == standing.counters.crashes + 1
    used_up = move.counters.crashes >= standing.max_crashes
    assert move.status is (TaskStatus.FAILED if used_up else TaskStatus.QUEUED)


@given(standings, jitters)
def test_a_crash_while_cancelling_ends_as_cancelled(standing: Standing, jitter: float) -> None:
    assert states.after_crash(standing, TaskStatus.CANCELING, jitter).status is TaskStatus.CANCELED


@given(st.integers(-5, 10_000), jitters)
def test_backoff_is_full_jitter_under_its_cap(failed: int, jitter: float) -> None:
    assert 0 <= states.backoff(failed, jitter) <= states.BACKOFF_CAP
    assert states.backoff(failed, 0) == 0


def test_backoff_doubles_up_to_its_cap() -> None:
    assert [states.backoff(count, 1) for count in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("seconds", [0.0, 5.0])
def test_who_is_told_to_wait_waits_at_least_a_second_and_says_why(seconds: float) -> None:
    waits = states.after_failure(FRESH, failure(Category.RATE_LIMITED, seconds), 0)
    assert waits.reason is StatusReason.RATE_LIMITED
    assert waits.delay == max(1.0, seconds)


@pytest.mark.parametrize("category", [Category.SERVER_ERROR, Category.RATE_LIMITED, Category.UNAUTHORIZED])
def test_what_fails_at_the_deadline_has_expired(category: Category) -> None:
    late = replace(FRESH, seconds_left=0.0)
    assert states.after_failure(late, failure(category, 1.0), 0).status is TaskStatus.EXPIRED


def test_retries_end_within_the_attempts_allowed() -> None:
    standing, rounds = FRESH, 0
    while True:
        rounds += 1
        move = states.after_failure(standing, failure(Category.SERVER_ERROR), 0.5)
        if move.status is TaskStatus.FAILED:
            break
        standing = replace(standing, counters=move.counters)
    assert rounds == FRESH.max_attempts


@pytest.mark.parametrize("standing", STANDINGS)
@pytest.mark.parametrize(
    "category", [each for each in Category if FOLLOWS[each] not in (Follow.END, Follow.FAIL)]
)
def test_what_breaks_off_after_its_first_part_went_out_is_never_answered_again(
    category: Category, standing: Standing
) -> None:
    broken = Failure(category=category, message="it broke", passed_on=True)
    move = states.after_failure(standing, broken, 0.5)
    assert move.status is TaskStatus.FAILED
    assert move.error is not None
    assert (move.error.code, move.error.category) == ("stream_interrupted", category)


def test_a_crash_in_the_middle_of_an_answer_that_goes_out_ends_the_task() -> None:
    move = states.after_crash(FRESH, TaskStatus.RUNNING, 0.5, passed_on=True)
    assert move.error is not None
    assert (move.status, move.error.code, move.counters.crashes) == (
        TaskStatus.FAILED,
        "stream_interrupted",
        1,
    )
    assert states.after_crash(FRESH, TaskStatus.RUNNING, 0.5).status is TaskStatus.QUEUED


def test_a_provider_may_be_retried_in_its_own_way() -> None:
    policy = RetryPolicy(base_seconds=10, cap_seconds=15, failures=1)
    assert [states.backoff(failures, 1.0, policy) for failures in (1, 2, 9)] == [10, 15, 15]
    failed = failure(Category.SERVER_ERROR)
    assert states.after_failure(FRESH, failed, 0.5, policy).counters.candidate == 1
    patient = RetryPolicy(failures=3)
    standing = replace(FRESH, counters=Counters(failures=1, candidate_failures=1))
    assert states.after_failure(standing, failed, 0.5).counters.candidate == 1
    assert states.after_failure(standing, failed, 0.5, patient).counters.candidate == 0
