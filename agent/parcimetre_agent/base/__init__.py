"""Errors, outcomes of a reading, loading by file name, and console output."""
