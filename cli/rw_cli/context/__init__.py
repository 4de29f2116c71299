"""What a command works with: the linked project, the consoles, the daemon, an operation that is followed."""
