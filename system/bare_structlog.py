"""Loads structlog as if rich were not installed, when this module is imported before it.

structlog would load rich to colour tracebacks that no program here draws: 7 MB and a tenth of a
second of each program. rich is still there for those that print tables.
"""

import sys

if "structlog" not in sys.modules and "rich" not in sys.modules:
    # So that its import fails.
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import structlog  # noqa: F401
    finally:
        del sys.modules["rich"]
