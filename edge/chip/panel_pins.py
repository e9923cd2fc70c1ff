"""The panel's pins in one program: they stay open from the first run to the enrolled chip."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from edge.chip.config import PanelConfig
from edge.status.panel import Panel
from protocol.errors import ConfigError

log = structlog.get_logger()


class PanelPins:
    """The pins that the configuration names; opened anew only if it has changed."""

    def __init__(self) -> None:
        """Open none yet."""
        self._config: PanelConfig | None = None
        self._panel: Panel | None = None

    def wired(self, config: PanelConfig | None) -> Panel | None:
        """Return the panel of `config`; None without one, or with pins that cannot be used."""
        if self._panel is None or config != self._config:
            self.close()
            self._config, self._panel = config, _opened(config)
        return self._panel

    def close(self) -> None:
        """Turn the lights off and release the pins."""
        if self._panel is not None:
            self._panel.close()
            self._panel = None


@contextmanager
def panel_pins() -> Iterator[PanelPins]:
    """Yield a program's pins, and release them at its end."""
    pins = PanelPins()
    try:
        yield pins
    finally:
        pins.close()


def _opened(config: PanelConfig | None) -> Panel | None:
    """Return the panel of `config`; the chip goes on without pins that cannot be used."""
    if config is None:
        return None
    try:
        config.check()
        return Panel.open(config.lights(), config.button_gpio)
    except ConfigError as exc:
        log.warning("panel_unusable", why=str(exc))
        return None
