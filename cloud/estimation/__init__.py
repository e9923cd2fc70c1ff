"""Estimates an area's curve: public constants, the chip's transform, the release's filter."""
