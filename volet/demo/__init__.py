"""The demo: a month of a town in which only the meters and the calendar are simulated."""
