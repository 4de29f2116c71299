"""Starts the daemon, waits for its socket, explains a failure."""
