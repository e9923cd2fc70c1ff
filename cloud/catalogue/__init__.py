"""The transparency log of offers and schedules, as the cloud stores and publishes it."""
