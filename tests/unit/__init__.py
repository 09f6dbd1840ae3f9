"""Tests of pure parts: no sockets, no files of the project's data, no waiting."""
