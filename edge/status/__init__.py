"""What the chip says of itself: to its household at once, to whoever may monitor it by a timetable."""
