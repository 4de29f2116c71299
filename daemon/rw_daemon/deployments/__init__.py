"""The way of a deployment: states, recorded steps, operations, supervision, recovery."""
