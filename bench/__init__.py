"""How fast the portal is, beside what one would pick instead. `./run bench` writes docs/performance.md from it.

`bed` is the test-bed: a shop and an ERP in one small program that keeps count of what was done to it.
`candidates` do the same job, each in its own way; `rows` measure what only the portal does. A running portal
needs none of this.
"""
