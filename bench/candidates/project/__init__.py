"""The Django project that a queue's tasks live in: one table of orders."""
