"""What feeders give over their outlets: its records, who hangs where, and whose energy it is."""
