"""Answers: usable or not."""
