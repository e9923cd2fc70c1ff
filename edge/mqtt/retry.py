"""When a chip sends again what the cloud has not answered."""

from protocol.backoff import QUARTER_JITTER, RetryPolicy

# After a minute, then ever later, an hour at most. A region's chips must not speak together after
# an outage.
RESEND = RetryPolicy(first_s=60.0, cap_s=3_600.0, jitter=QUARTER_JITTER)
