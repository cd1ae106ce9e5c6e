"""The checks, grouped by what they look at; each module is registered by being imported."""
