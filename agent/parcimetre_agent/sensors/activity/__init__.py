"""Sensors of use, read by the resident at every sample: `read()` gives some of `slot.SAMPLE_FIELDS`."""
