"""`volet cloud …`: the collectivity's commands."""

from system.commands import LazyGroup

cloud = LazyGroup(
    "cloud",
    {
        "init": "cloud.registry.cli:init",
        "broker-config": "cloud.registry.cli:broker_config",
        "run": "cloud.worker_cli:run",
        "release": "cloud.release.cli:release",
        "status": "cloud.status_cli:status",
        "audit": "cloud.audit.cli:audit",
        "registry": "cloud.registry.places_cli:registry",
        "enrol": "cloud.registry.cli:enrol",
        "devices": "cloud.devices_cli:devices",
        "name": "cloud.devices_cli:name",
        "revoke": "cloud.registry.cli:revoke",
        "roster": "cloud.roster.cli:roster",
        "documents": "cloud.governance_cli:documents",
        "catalogue": "cloud.catalogue_cli:catalogue",
        "measures": "cloud.area.measures_cli:measures",
        "issue": "cloud.registry.cli:issue",
        "provider": "cloud.api.cli:provider",
        "api": "cloud.api.cli:api",
        "renew": "cloud.registry.cli:renew",
        "new-store": "cloud.registry.cli:new_store",
        "backup": "cloud.backup_cli:backup",
        "restore": "cloud.backup_cli:restore",
        "backup-key": "cloud.backup_cli:backup_key",
    },
    "The collectivity's side: broker, workers, store.",
)
