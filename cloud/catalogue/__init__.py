"""The transparency log of offers and schedules, as the cloud keeps and publishes it."""
