"""The simulator over real HTTP, in this process and as one of its own."""
