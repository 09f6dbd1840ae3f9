"""Real Valkey under the gates."""
