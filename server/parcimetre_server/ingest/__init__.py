"""A report from bytes to a durable write: validation, plausibility, intake, writer, dead letters."""
