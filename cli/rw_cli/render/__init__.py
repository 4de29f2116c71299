"""From a value to what a person sees. No I/O."""
