"""Secrets and personal data, replaced by stand-ins before they are stored."""
