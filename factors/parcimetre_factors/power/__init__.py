"""Watts of a device by load and state, and its energy by the best power source of each slot."""
