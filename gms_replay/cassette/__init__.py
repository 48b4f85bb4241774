"""Cassettes: SQLite files of recorded facts, how they grow, and how they are read."""
