"""The price of a usage under the regulated tariff, in plain text or through chip and cloud code."""
