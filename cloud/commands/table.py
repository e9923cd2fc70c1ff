"""The group `volet cloud`: the module of each command."""

from system.commands import LazyGroup

cloud = LazyGroup(
    "cloud",
    {
        "init": "cloud.commands.init:init",
        "broker-config": "cloud.commands.broker_config:broker_config",
        "run": "cloud.commands.run:run",
        "release": "cloud.commands.release:release",
        "status": "cloud.commands.status:status",
        "doctor": "cloud.commands.doctor:doctor",
        "audit": "cloud.commands.audit:audit",
        "registry": "cloud.commands.registry:registry",
        "enrol": "cloud.commands.enrol:enrol",
        "devices": "cloud.commands.devices:devices",
        "senders": "cloud.commands.senders:senders",
        "name": "cloud.commands.name:name",
        "revoke": "cloud.commands.revoke:revoke",
        "end": "cloud.commands.end:end",
        "roster": "cloud.commands.roster:roster",
        "documents": "cloud.commands.documents:documents",
        "catalogue": "cloud.commands.catalogue:catalogue",
        "measures": "cloud.commands.measures:measures",
        "issue": "cloud.commands.issue:issue",
        "provider": "cloud.commands.provider:provider",
        "api": "cloud.commands.api:api",
        "renew": "cloud.commands.renew:renew",
        "keys": "cloud.commands.keys:keys",
        "roll-over": "cloud.commands.roll_over:roll_over",
        "new-store": "cloud.commands.new_store:new_store",
        "wire": "cloud.commands.wire:wire",
        "backup": "cloud.commands.backup:backup",
        "restore": "cloud.commands.restore:restore",
        "backup-key": "cloud.commands.backup_key:backup_key",
    },
    "The collectivity's side: broker, workers, store.",
)
