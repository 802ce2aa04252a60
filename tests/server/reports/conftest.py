"""The communes of the access tests, for reports that are told to some readers only."""

from tests.server.access.conftest import asking, communes, communes_folder

__all__ = ["asking", "communes", "communes_folder"]
