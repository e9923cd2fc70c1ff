"""What a usage costs under the regulated tariff, plainly or through both sides of the product."""
