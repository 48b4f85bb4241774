"""What a test gets of a cassette: a server, a transport, a clock; and the same of a live GMS while it is recorded."""
