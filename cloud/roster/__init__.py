"""The registrar's tools: the signed roster of households, and the state of each cell."""
