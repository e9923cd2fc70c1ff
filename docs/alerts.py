"""The table of alerts in docs/reference/monitor.md, from monitoring/rules.yml."""

from collections.abc import Callable
from pathlib import Path

import yaml

RULES = Path(__file__).parents[1] / "monitoring/rules.yml"


def alerts(table: Callable[..., str]) -> str:
    """Return each alert: when it fires, after how long, how urgent it is, and what to do."""
    rows = [
        (
            f"`{rule['alert']}`",
            f"`{' '.join(rule['expr'].split())}`",
            rule.get("for", "at once"),
            rule["labels"]["severity"],
            rule["annotations"]["action"],
        )
        for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]
    return table(("alert", "when", "for", "severity", "what to do"), rows)
