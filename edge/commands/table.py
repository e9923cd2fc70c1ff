"""The group `volet edge`: the module of each command."""

from edge.commands.household import HouseholdGroup

edge = HouseholdGroup(
    "edge",
    {
        "setup": "edge.commands.setup:setup",
        "init": "edge.commands.init:init",
        "request": "edge.commands.request:request",
        "enrol": "edge.commands.enrol:enrol",
        "run": "edge.commands.run:run",
        "watch-clock": "edge.commands.watch_clock:watch_clock",
        "status": "edge.commands.status:status",
        "confirm": "edge.commands.confirm:confirm",
        "move-out": "edge.commands.move_out:move_out",
        "export": "edge.commands.export:export",
        "import": "edge.commands.import_:import_command",
        "erase": "edge.commands.erase:erase",
        "backup": "edge.commands.backup:backup",
        "restore": "edge.commands.restore:restore",
        "backup-key": "edge.commands.backup_key:backup_key",
        "catalogue": "edge.commands.catalogue:catalogue",
        "quotes": "edge.commands.quotes:quotes",
        "bills": "edge.commands.bills:bills",
        "receipts": "edge.commands.receipts:receipts",
        "letters": "edge.commands.letters:letters",
        "budget": "edge.commands.budget:budget_command",
        "profile": "edge.commands.profile:profile",
        "trustees": "edge.commands.trustees:trustees",
        "area": "edge.commands.area:area",
        "noise": "edge.commands.noise:noise",
        "page": "edge.commands.page:page",
        "serve-page": "edge.commands.serve_page:serve_page",
        "decode": "edge.commands.decode:decode",
        "simulate": "edge.commands.simulate:simulate",
    },
    "The chip in the home.",
)
