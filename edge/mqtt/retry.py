"""When a chip resends what the cloud has not answered."""

from protocol.backoff import QUARTER_JITTER, RetryPolicy

# After a minute, then after growing pauses of at most an hour. Jitter keeps a region's chips from
# sending together after an outage.
RESEND = RetryPolicy(first_s=60.0, cap_s=3_600.0, jitter=QUARTER_JITTER)
