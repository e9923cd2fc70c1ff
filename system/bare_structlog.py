"""Lets structlog load as if rich and greenlet were not installed, from when this module is imported.

structlog would load rich to colour tracebacks that no program here draws, 7 MB and a tenth of a second
of each program, and greenlet, which the tests' browser brings along, for a log of its threads, 1 MB.
Both are still there for whoever needs them.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

_STRUCTLOG = "structlog"
_NOT_FOR_IT = ("rich", "greenlet")


class _Bare(SourceFileLoader):
    """Loads a module for which those are not there."""

    def exec_module(self, module: ModuleType) -> None:
        hidden = [name for name in _NOT_FOR_IT if name not in sys.modules]
        for name in hidden:
            # So that its import fails.
            sys.modules[name] = None  # type: ignore[assignment]
        try:
            super().exec_module(module)
        finally:
            for name in hidden:
                del sys.modules[name]


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how structlog is loaded; leave all else to the other finders."""
        if fullname != _STRUCTLOG:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Bare(spec.loader.name, spec.loader.path)
        return spec


if _STRUCTLOG not in sys.modules:
    sys.meta_path.insert(0, _Finder())
