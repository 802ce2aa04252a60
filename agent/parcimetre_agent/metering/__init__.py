"""Energy counters and mean powers as meters state them, and what of them is plausible."""
