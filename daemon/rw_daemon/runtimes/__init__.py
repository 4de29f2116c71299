"""Runs releases: one Protocol, one implementation for each target."""
