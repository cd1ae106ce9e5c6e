"""What plugin authors test with: a contract that certifies a connector, a remote that answers from a script,
and simulated remotes that behave, and misbehave, like real ones.

``ConnectorContract`` is the whole test of a connector in a dozen lines; ``docs/contract.md`` says what it
checks. ``Remote`` alone serves for tests of one's own.
"""

from portal.testing.contract import ConnectorContract, examine
from portal.testing.push import Push
from portal.testing.remote import Remote
from portal.testing.script import Reply
from portal.testing.signing import signed

__all__ = ["ConnectorContract", "Push", "Remote", "Reply", "examine", "signed"]
