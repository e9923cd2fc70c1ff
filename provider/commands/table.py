"""The group `volet provider`: the module of each command."""

from system.commands import LazyGroup

provider = LazyGroup(
    "provider",
    {
        "init": "provider.commands.init:init",
        "key": "provider.commands.key:show_key",
        "tariff": "provider.commands.tariff:tariff",
        "offer": "provider.commands.offer:offer",
        "withdraw": "provider.commands.withdraw:withdraw",
        "publish": "provider.commands.publish:publish",
        "contracts": "provider.commands.contracts:contracts",
        "accept": "provider.commands.accept:accept",
        "bill": "provider.commands.bill:bill",
        "correct": "provider.commands.correct:correct",
        "batch": "provider.commands.batch:batch",
        "collect": "provider.commands.collect:collect",
        "receipts": "provider.commands.receipts:receipts",
        "letter": "provider.commands.letter:letter",
        "area": "provider.commands.area:area",
        "backup": "provider.commands.backup:backup",
        "restore": "provider.commands.restore:restore",
        "backup-key": "provider.commands.backup_key:backup_key",
    },
    "An energy provider: offers, contracts, statements, figures of areas.",
)
