"""`volet edge …`: the chip's commands."""

from edge.household_command import HouseholdGroup

edge = HouseholdGroup(
    "edge",
    {
        "init": "edge.identity_cli:init",
        "request": "edge.identity_cli:request",
        "enrol": "edge.identity_cli:enrol",
        "run": "edge.agent_cli:run",
        "status": "edge.status.cli:status",
        "confirm": "edge.confirm_cli:confirm",
        "move-out": "edge.moving.cli:move_out",
        "export": "edge.moving.cli:export",
        "import": "edge.moving.cli:import_command",
        "erase": "edge.moving.cli:erase",
        "backup": "edge.backup_cli:backup",
        "restore": "edge.backup_cli:restore",
        "backup-key": "edge.backup_cli:backup_key",
        "catalogue": "edge.catalogue.cli:catalogue",
        "quotes": "edge.quotes.cli:quotes",
        "bills": "edge.bills.cli:bills",
        "receipts": "edge.bills.receipts_cli:receipts",
        "letters": "edge.letters_cli:letters",
        "budget": "edge.area_cli:budget_command",
        "profile": "edge.area_cli:profile",
        "trustees": "edge.area_cli:trustees",
        "area": "edge.area_cli:area",
        "noise": "edge.noise_cli:noise",
        "decode": "edge.tic.cli:decode",
        "simulate": "edge.simulate.cli:simulate",
    },
    "The chip in the home.",
)
