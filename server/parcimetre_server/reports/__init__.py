"""Reports: what they say is computed as plain data, how they look is a matter of templates."""
