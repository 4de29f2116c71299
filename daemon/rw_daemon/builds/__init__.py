"""From a plan and a snapshot to an artifact: one Protocol, one implementation for each target."""
