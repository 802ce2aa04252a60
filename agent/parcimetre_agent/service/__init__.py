"""Processes that stay: the resident, and the Windows service that becomes it."""
