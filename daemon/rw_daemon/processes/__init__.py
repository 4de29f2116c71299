"""Spawning, the shim that holds a replica, the segment format of its output."""
