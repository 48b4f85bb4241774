"""A small GMS to record, for people who have none at hand."""
