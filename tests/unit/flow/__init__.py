"""The pure decisions of the flow."""
