"""The player on the network: an ASGI app, and the server that carries it."""
