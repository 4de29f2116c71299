"""The daemon's HTTP and WebSocket surface: one module per resource, no logic in a handler."""
