"""Assembly, error boundary, exit status."""
