"""What the demo submits: a function to be written, a repository with a bug, a change to be reviewed."""

from typing import Final

TITLE: Final = "Crème Brûlée, twice!"
SLUG: Final = "creme-brulee-twice"
SLUGIFY: Final = (
    "Write slugify(title: str) -> str in slugify.py: lower-case, ASCII letters and digits joined by single "
    "hyphens, accents removed."
)
SLUGIFY_CRITERIA: Final = (
    f'slugify("{TITLE}") returns "{SLUG}"',
    "The result never begins or ends with a hyphen",
    "Only the standard library is used",
)

BUG: Final = (
    "merge() must join intervals that overlap or touch, in whatever order they come. Touching ones are "
    "left apart, and unsorted input gives wrong results."
)
INTERVALS_PATH: Final = "calc/intervals.py"
INTERVALS: Final = '''\
"""Intervals of numbers, as (start, end) pairs."""


def merge(intervals):
    """Join the intervals that overlap or touch."""
    merged = []
    for start, end in intervals:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def total_length(intervals):
    """How much the intervals cover together."""
    return sum(end - start for start, end in merge(intervals))
'''
TESTS_PATH: Final = "tests/test_intervals.py"
TESTS: Final = """\
import unittest

from calc.intervals import merge, total_length


class MergeTest(unittest.TestCase):
    def test_overlapping_intervals_are_joined(self):
        self.assertEqual(merge([(1, 4), (3, 6)]), [(1, 6)])

    def test_touching_intervals_are_joined(self):
        self.assertEqual(merge([(1, 2), (2, 5)]), [(1, 5)])

    def test_the_order_does_not_matter(self):
        self.assertEqual(merge([(5, 7), (1, 3), (2, 4)]), [(1, 4), (5, 7)])

    def test_nothing_is_counted_twice(self):
        self.assertEqual(total_length([(4, 6), (0, 5)]), 6)


if __name__ == "__main__":
    unittest.main()
"""
CALC: Final = {
    "calc/__init__.py": "",
    INTERVALS_PATH: INTERVALS,
    "tests/__init__.py": "",
    TESTS_PATH: TESTS,
}

ORDERS_PATH: Final = "shop/orders.py"
ORDERS: Final = '''\
"""Orders of the shop."""


def order_by_id(connection, order_id):
    """One order, or None."""
    return connection.execute("SELECT * FROM orders WHERE id = ?", (order_id,)).fetchone()
'''
ORDERS_CHANGED: Final = (
    ORDERS
    + '''

def new_orders(connection, customer, seen=[]):
    """The customer's orders that were not seen before."""
    rows = connection.execute(f"SELECT id, total FROM orders WHERE customer = '{customer}'").fetchall()
    for index in range(len(rows) + 1):
        if rows[index] not in seen:
            seen.append(rows[index])
    return seen
'''
)
CHANGE: Final = "Lists a customer's orders that were not shown yet."
