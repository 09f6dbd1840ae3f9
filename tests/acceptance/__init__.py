"""Acceptance: whole processes on real servers, as their users meet them."""
