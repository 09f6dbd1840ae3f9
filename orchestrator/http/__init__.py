"""What goes out over HTTP: the one kind of client, and the addresses it may not call.

Callers import what they need from `addresses`, `clients` and `transport`, of which only the last is heavy.
"""
