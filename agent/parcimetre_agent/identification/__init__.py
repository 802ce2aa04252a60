"""Identify devices: serial numbers, names of makers and models, EDID, hypervisors."""
