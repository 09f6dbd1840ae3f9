"""Answers of every kind, with what has to come of each."""
