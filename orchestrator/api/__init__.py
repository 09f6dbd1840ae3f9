"""The HTTP API: thin doors that act through the flow and read the store's views."""
