"""What of the store is pure."""
