"""Recognises a project from its files and plans its build: pure, offline, byte-stable."""
