"""The portal as a candidate: its settings, its connectors for the test-bed, and the roles of its processes."""
