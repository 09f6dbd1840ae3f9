"""Tests of the command line against a scripted API, in process."""
