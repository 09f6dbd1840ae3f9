"""The schema's history, applied by `orchestrator db migrate` and by `orchestrator up`."""
