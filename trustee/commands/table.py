"""`volet trustee …`: a trustee's commands."""

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
        "log": "trustee.commands.log:show_log",
        "backup": "trustee.commands.backup:backup",
        "restore": "trustee.commands.restore:restore",
        "backup-key": "trustee.commands.backup_key:backup_key",
    },
    "A trustee: opens sums of an area together with others, and nothing smaller.",
)
