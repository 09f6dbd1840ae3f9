"""Tests of the sealing."""
