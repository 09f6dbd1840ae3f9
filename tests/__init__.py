"""The tests: unit, integration, conformance, acceptance, chaos, golden."""
