"""A simulated fleet, deterministic from its seed, that reports through the public API only."""
