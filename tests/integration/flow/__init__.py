"""The way of a task, step by step, on a real Postgres and a real Valkey."""
