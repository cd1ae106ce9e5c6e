"""What plugin authors test with: simulated remotes that behave, and misbehave, like real ones."""
