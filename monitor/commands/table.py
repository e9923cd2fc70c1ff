"""The group `volet monitor`: the module of each command."""

from system.commands import LazyGroup

monitor = LazyGroup(
    "monitor",
    {
        "init": "monitor.commands.init:init",
        "install": "monitor.commands.install:install",
        "run": "monitor.commands.run:run",
        "status": "monitor.commands.status:status",
        "chips": "monitor.commands.chips:chips",
    },
    "A monitor: watches chips, areas and broker by what they publish, never a household.",
)
