"""The Docker Engine API over its unix socket, without an SDK and without threads."""
