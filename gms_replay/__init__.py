"""Record Genesys Mobile Services sessions, Comet included, and play them back as a server."""

__version__ = "0.1.0"
