"""Diffs as they are read."""
