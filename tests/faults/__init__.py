"""The fault kit: every fault we promise to survive is injected into real processes on each stack, and the
remote's own effect log, kept by another process, counts what was done.

``./run faults`` prints the whole table, ``./run faults --short`` the same with a tenth of the numbers, and
``./run faults --stack redis kills`` one row on one stack. A row is a file in ``rows/``; see ``row.py``.
"""
