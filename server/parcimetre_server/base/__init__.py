"""Errors, clock, periods, org paths, scopes, translation, units and metrics, which every wing may use."""
