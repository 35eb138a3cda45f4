"""The running release, as it is written into the log at every start."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("plimsoll")
except PackageNotFoundError:
    VERSION = "0.0.0+checkout"
