"""Org units and sites, what belonged to which unit when, connections, and the audit log."""
