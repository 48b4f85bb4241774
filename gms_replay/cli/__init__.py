"""The command line: each verb is one function that calls a room."""
