"""One module a screen. `portal.desk.admin` imports them all, so that each registers itself."""
