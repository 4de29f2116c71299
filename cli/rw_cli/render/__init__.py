"""Values to text and Rich; no I/O."""
