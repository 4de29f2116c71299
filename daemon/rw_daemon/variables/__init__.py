"""What a service finds in its environment: its own variables, references, those that rw provides."""
