"""From samples to quarter hours in the spool."""
