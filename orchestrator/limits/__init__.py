"""What can say "not now" or "no more"."""
