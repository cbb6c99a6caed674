"""What each key may use, and has used: reserved when a request comes, settled when it ends.

Read in this order: quota.py, meter.py (one key's limits), bucket.py (the rule of limits per minute; pure),
table.py (where the gateways of one host keep their counts together), row.py, dates.py, budgets.py (what other
hosts have used), words.py.

What holds: of requests a minute, at most LIMIT pass at once and LIMIT * T / 60 more within T seconds, however
many gateways there are on the host. Tokens are estimated before and paid after: an answer may be longer than
that, then the next request waits longer. A budget may be overrun by one answer.
"""

from polychat.gateway.quota.meter import Hold
from polychat.gateway.quota.quota import Quota

__all__ = ["Hold", "Quota"]
