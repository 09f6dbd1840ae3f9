"""The HTTP API on a real database, asked as a client asks it."""
