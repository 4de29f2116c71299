"""One module for each group of commands: flags, one call, one render."""
