"""Typed calls over the socket."""
