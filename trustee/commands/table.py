"""The group `volet trustee`: the module of each command."""

from system.commands import LazyGroup

trustee = LazyGroup(
    "trustee",
    {
        "init": "trustee.commands.init:init",
        "install": "trustee.commands.install:install",
        "sign": "trustee.commands.sign:sign",
        "confirm": "trustee.commands.confirm:confirm",
        "run": "trustee.commands.run:run",
        "status": "trustee.commands.status:status",
        "doctor": "trustee.commands.doctor:doctor",
        "log": "trustee.commands.log:show_log",
        "backup": "trustee.commands.backup:backup",
        "restore": "trustee.commands.restore:restore",
        "backup-key": "trustee.commands.backup_key:backup_key",
    },
    "A trustee: opens sums over an area together with other trustees, and nothing smaller.",
)
