"""Who this installation is: a random id, tied to the hardware by a keyed fingerprint."""
