"""Arguments of the daemon."""
