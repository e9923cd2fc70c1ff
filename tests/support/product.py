"""The packages that make up Volet, for tests that read their source."""

PRODUCT = (
    *("protocol", "system", "mosquitto", "tariffs"),
    *("edge", "trustee", "provider", "cloud", "volet"),
)
