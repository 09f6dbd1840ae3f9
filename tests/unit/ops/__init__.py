"""Tests of what guards the house."""
