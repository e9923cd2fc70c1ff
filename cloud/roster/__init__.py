"""The registrar's side: who stands where, signed entry by entry, and what each cell still needs."""
