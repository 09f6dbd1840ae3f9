"""The gates' decisions, on values."""
