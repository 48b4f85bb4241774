"""What our addons have in common inside mitmdump: checked options, an end of one line; and mitmdump as a process."""
