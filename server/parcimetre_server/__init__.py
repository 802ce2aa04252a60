"""The collector of Parcimètre: store, API, pages, reports and the `parcimetre` command."""

__version__ = "0.1.0"
