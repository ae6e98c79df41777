"""Measurements: timing and quality, never part of the tests."""
