"""The agent of Parcimètre: measures a machine's use and power, and reports them to the collector."""

__version__ = "0.1.0"
