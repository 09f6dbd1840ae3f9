"""The pure parts of the HTTP API."""
