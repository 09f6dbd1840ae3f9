"""Tests on real parts: Postgres, Valkey, processes, sockets of this machine."""
