"""Prices, models and token estimates."""
