"""Runs the portal's processes side by side, restarts one that dies, and leaves none behind.

>>> import queue
>>> from portal.runner import Child, Runner
>>> lines = queue.Queue()
>>> with Runner([Child("greeter", ["sh", "-c", "echo hello; sleep 60"])], say=lambda *line: lines.put(line)):
...     lines.get(timeout=10)
('greeter', 'hello')

Why not a ready-made one: a SIGTERM sent to django-q2's whole process group hangs it, and the usual tools for
Procfiles send just that; and none of them takes its children along when it is itself killed with -9.
"""

from portal.runner.child import Child
from portal.runner.runner import Runner

__all__ = ["Child", "Runner"]
