"""Texts that recordings are told in, and read from."""
