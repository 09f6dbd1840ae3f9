"""The workers' parts that need no network."""
