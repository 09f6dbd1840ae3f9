"""Tests of the command line with real child processes."""
