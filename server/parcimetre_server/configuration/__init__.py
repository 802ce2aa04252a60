"""Settings of a collector, its login and mail tables, and the factor set in force."""
