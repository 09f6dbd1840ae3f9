"""A whole Orchestrator on one machine: databases, processes, their order, and their end."""
