"""The public door: routes, health probes, Envoy."""
