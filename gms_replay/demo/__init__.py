"""An app, and the show that records it, replays to it, and compares."""
