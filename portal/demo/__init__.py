"""The demo: a shop, a real Tryton server and the portal between them, on one machine, with nothing to set up.

`stage` starts the two remote systems, `setup` makes the connections and flows, `warehouse` lets people pick
and pack, `quiet` knows when everything has settled, and `check` asks the shop and Tryton themselves whether
they tell the same story.
"""
