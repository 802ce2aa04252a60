"""Footprints: from a query to impacts with intervals, and their explanation."""
