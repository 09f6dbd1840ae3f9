"""Orchestrator: a durable task queue for AI coding work."""

__version__ = "0.1.0"
