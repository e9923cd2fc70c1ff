"""`volet edge …`: the chip's commands."""

from system.commands import LazyGroup

edge = LazyGroup(
    "edge",
    {
        "init": "edge.identity_cli:init",
        "request": "edge.identity_cli:request",
        "enrol": "edge.identity_cli:enrol",
        "run": "edge.agent_cli:run",
        "status": "edge.agent_cli:status",
        "bills": "edge.bills.cli:bills",
        "decode": "edge.tic.cli:decode",
        "simulate": "edge.simulate.cli:simulate",
    },
    "The chip in the home.",
)
