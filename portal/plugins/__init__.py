"""Which plugins are installed, and the one door through which the portal speaks to them.

`discovery` reads the metadata of installed distributions and imports nothing; settings use it.
`manager` imports the plugins, when they are first needed, and asks their hooks.
"""
