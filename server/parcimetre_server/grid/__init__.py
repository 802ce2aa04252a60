"""Intensity of the electricity grid by zone and slot: feeds, observations, monthly profiles, supply contracts."""
