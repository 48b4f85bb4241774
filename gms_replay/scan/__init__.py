"""Any file, searched for secrets: its bytes, and the facts in it where it is a recording."""
