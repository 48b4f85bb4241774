"""Clients of the kind that apps have, for the demo and for checks of a live GMS."""
