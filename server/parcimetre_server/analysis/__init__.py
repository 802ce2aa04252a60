"""Findings as plain data, for pages, reports, commands and the API."""
