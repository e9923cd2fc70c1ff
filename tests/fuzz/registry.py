"""All targets by their names, and the types that need none."""

from tests.fuzz import api, areas, chip, cloud, files, monitors, receipts, trustees

TARGETS = {
    target.name: target
    for module in (chip, areas, cloud, trustees, monitors, api, files, receipts)
    for target in module.TARGETS
}

# What a program has written itself into its own database or directory (mode 0600), or ships with.
OWN = {
    "AreaChoices": "the household's choices",
    "BillDocument": "a bill that the chip hands to the process that lays it out",
    "BulkRequestItem": "a batch between two threads of the API",
    "Contract": "the household's own contract; within a request it is part of `EnrolmentRequest`",
    "DayClosed": "the vault",
    "FleetReport": "what this machine's own monitor tells over its socket",
    "FormerContract": "the household's former contracts",
    "Grid": "shipped",
    "HomeRecord": "home.json",
    "Judgement": "the vault",
    "KeptCurve": "the household's choice",
    "Listed": "the vault",
    "MeterState": "the vault",
    "RestorePoint": "the vault",
    "RepeaterChoice": "the household's choice",
    "Receipt": "the vault; at the cloud it is the target cloud-receipt",
    "_Report": "what this machine's own chip reports of itself",
    "SentDay": "sent/*.json",
    "SeenHeads": "a trustee's database; it comes within `SeedLetters`",
    "Session": "the page's own sessions",
    "SetAsideMessage": "hashes",
    "SignedAgreement": "the household's contract",
    "SignedSummary": "a trustee's database",
    "StatusRecord": "status.json",
    "Succession": "the registrar's own file, handed to the collectivity",
    "Unread": "the broker's directory",
    "_Shipped": "shipped",
    "_StoredSeeds": "the vault",
}
