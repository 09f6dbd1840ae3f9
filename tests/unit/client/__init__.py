"""Tests of the SDK against a scripted API."""
