"""Printers' counters, supplies and consumables."""
