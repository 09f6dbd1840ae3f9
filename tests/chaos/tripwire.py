"""A trigger of the test's own at each commit that moves a budget's money: what is over, or held wrongly.

It writes down and forbids nothing, so that a run goes on as it would without it. A trigger that waits
for the commit sees the windows as they become visible to everyone.
"""

from typing import Final

from tests.chaos import reading

_SCHEMA: Final = """
    CREATE TABLE chaos_levels (
        budget_id uuid, starts timestamptz, commits bigint, highest bigint,
        PRIMARY KEY (budget_id, starts)
    );
    CREATE TABLE chaos_trips (
        at timestamptz DEFAULT clock_timestamp(), invariant text, budget_id uuid, found text
    );
    CREATE FUNCTION chaos_watch() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        own record;
        bound record;
        open_holds bigint;
    BEGIN
        SELECT spent_nanos AS spent, held_nanos AS held INTO own
        FROM budget_windows WHERE budget_id = NEW.budget_id AND starts = NEW.starts;
        SELECT limit_nanos, hard INTO bound FROM budgets WHERE id = NEW.budget_id;
        SELECT coalesce(sum(hold_nanos), 0) INTO open_holds
        FROM calls JOIN call_charges AS charge ON charge.call_id = calls.id
        WHERE calls.status = 'started' AND charge.budget_id = NEW.budget_id AND charge.starts = NEW.starts;
        INSERT INTO chaos_levels AS known VALUES (NEW.budget_id, NEW.starts, 1, own.spent + own.held)
        ON CONFLICT (budget_id, starts) DO UPDATE
            SET commits = known.commits + 1, highest = greatest(known.highest, excluded.highest);
        IF bound.hard AND own.spent + greatest(own.held, open_holds) > bound.limit_nanos THEN
            INSERT INTO chaos_trips (invariant, budget_id, found) VALUES ('overspend', NEW.budget_id,
                format('%s spent, %s held, %s held by open calls, limit %s',
                    own.spent, own.held, open_holds, bound.limit_nanos));
        END IF;
        IF own.held <> open_holds THEN
            INSERT INTO chaos_trips (invariant, budget_id, found) VALUES ('hold drift', NEW.budget_id,
                format('%s held, %s held by open calls', own.held, open_holds));
        END IF;
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER chaos_watch AFTER INSERT OR UPDATE ON budget_windows
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chaos_watch();
"""


def stretch(url: str) -> None:
    """Put the trigger into a database that no process uses yet."""
    with reading.connect(url) as connection:
        connection.execute(_SCHEMA.encode())
