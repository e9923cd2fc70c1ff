"""The chip's state, reported to its household at once and to operators on a timetable."""
