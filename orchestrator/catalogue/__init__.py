"""Vendors, models, prices and token estimates: data and pure functions."""
