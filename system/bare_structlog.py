"""Lets structlog load as if rich were not installed, from when this module is imported.

structlog would load rich to colour tracebacks that no program here draws: 7 MB and a tenth of a
second of each program. rich is still there for those that print tables.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

_STRUCTLOG, _RICH = "structlog", "rich"


class _WithoutRich(SourceFileLoader):
    """Loads a module for which rich is not there."""

    def exec_module(self, module: ModuleType) -> None:
        if _RICH in sys.modules:
            super().exec_module(module)
            return
        # So that its import fails.
        sys.modules[_RICH] = None  # type: ignore[assignment]
        try:
            super().exec_module(module)
        finally:
            del sys.modules[_RICH]


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how structlog is loaded; leave all else to the other finders."""
        if fullname != _STRUCTLOG:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _WithoutRich(spec.loader.name, spec.loader.path)
        return spec


if _STRUCTLOG not in sys.modules:
    sys.meta_path.insert(0, _Finder())
