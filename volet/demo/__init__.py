"""The demo: a month of a town, with everything real but the meters and the calendar."""
