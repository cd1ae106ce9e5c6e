"""Which plugins are installed, which of them take part, and the one door through which the portal speaks to them.

`discovery` reads the metadata of installed distributions, `admission` decides from it and from what the last
preflight found; both import no plugin, and settings use them. `preflight` tries each plugin in a process of its
own (`examine`, `connectors`) and writes what it found (`verdicts`). `manager` imports the admitted plugins, when
they are first needed, and asks their hooks. `switches` and `failures` are what staff do and what plugins did,
kept as rows; `overview` puts all of it together for people.
"""
