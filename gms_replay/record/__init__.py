"""The recorder: an addon for mitmproxy that puts GMS traffic into a cassette."""
