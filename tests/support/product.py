"""The packages that make up Volet, and their source, for tests that read it."""

import ast

PRODUCT = (
    *("protocol", "system", "mosquitto", "tariffs"),
    *("edge", "trustee", "provider", "monitor", "cloud", "volet"),
)


def parts_of_f_strings(tree: ast.AST) -> set[int]:
    """Return the ids of the nodes that are a part of an f-string, and no text of their own."""
    return {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
