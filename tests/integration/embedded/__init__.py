"""The embedded stack on its real servers."""
