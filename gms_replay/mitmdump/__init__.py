"""What our addons have in common inside mitmdump: checked options, and an end of one line."""
