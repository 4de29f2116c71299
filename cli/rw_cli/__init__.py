"""The `rw` command."""
