"""The linked project and the consoles."""
