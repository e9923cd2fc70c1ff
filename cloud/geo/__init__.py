"""The official codes of areas: IRIS, commune, département, région."""
