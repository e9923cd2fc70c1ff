"""A warning that could come again and again is guarded by a condition, or it is known why it is not."""

import ast

import pytest

from tests.support.product import PRODUCT, sources_with

# The demo ends; what it warns of is on the screen of who started it.
LASTING = [each for each in PRODUCT if each != "volet"]
LEVELS = {"warning", "error", "critical"}
LOGGERS = {"log", "_log", "logger"}
# What asks a Condition or a Repeated, or keeps count of its own.
GUARDS = (".begins(", ".found(", "._is_new(")

# Why each of these cannot fill a log.
BOUNDED = {
    "alarm_raised": "a new alarm only",
    "area_day_failed": "once a day",
    "area_day_refused": "once for each day sent",
    "area_document_forked": "a document is kept once, by its hash",
    "area_document_refused": "a document is refused once, by its hash",
    "blocks_not_given_back": "once for each page of a recovery",
    "certificate_ends": "three times for each certificate",
    "key_list_forked": "one proof is kept",
    "next_certificate_refused": "once for each certificate",
    "chip_revoked": "behind Trouble's own condition",
    "broker_hung_up": "behind Trouble's own condition",
    "contract_differs": "once for each difference",
    "document_forked": "once for each proof that is kept",
    "erasure_order_refused": "once at the start",
    "figure_set_aside": "a figure rests from then on",
    "gap_accounted_for": "once for each gap",
    "gap_left_open": "once for each gap",
    "household_door_shut": "once at the start",
    "panel_unusable": "once at the start",
    "home_not_forgotten": "once for each erasure, at the start",
    "home_refused": "once each time the household turns it on, or the chip starts",
    "household_file_unreadable": "once for each change of the file",
    "list_contradicts_copy": "a new alarm only",
    "listed_document_refused": "once for each entry of the list",
    "messages_refused": "each reason once a day",
    "own_answers_given_back": "once for each entry that was lost",
    "quarter_hour_covered_already": "once for each quarter-hour",
    "memory_may_be_swapped": "once at the start",
    "real_line_called_simulated": "once at the start",
    "receipt_failed": "once for each statement",
    "recovery_started": "once for each recovery",
    "sent_counted_anew": "once for each damaged file",
    "set_aside_not_kept": "once until it is kept again",
    "statement_set_aside": "once for each request, which is refused then",
    "status_not_kept": "once until it is kept again",
    "stored_statement_left_out": "once for each such statement in a session of the worker",
    "subject_set_aside": "a subject rests from then on",
    "vault_damaged": "once at the start",
    "year_keys_not_destroyed": "once for each start, as the keys are dropped from memory",
    "verdict_unreadable": "once for each look at a statement of another version",
    "line_silent": "behind the watch's own condition",
    "line_garbled": "behind the watch's own condition",
}


def unguarded(source):
    """Yield the events of warnings in a source that no condition guards."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id in LOGGERS
        ):
            continue
        above = node
        while above := parents.get(above):
            if isinstance(above, ast.If) and any(
                guard in ast.unparse(above.test) for guard in GUARDS
            ):
                break
        else:
            yield node.args[0].value


def test_every_warning_is_guarded_or_bounded():
    paths = sources_with((f"{name}.{level}" for name in LOGGERS for level in LEVELS), LASTING)
    found = {event for path in paths for event in unguarded(path.read_text("utf-8"))}
    assert found == set(BOUNDED)


@pytest.mark.parametrize(
    ("source", "events"),
    [
        ('while True:\n    log.warning("disk_full")', ["disk_full"]),
        ('if full:\n    log.error("disk_full")', ["disk_full"]),
        ('if self._full.begins():\n    log.error("disk_full")', []),
    ],
)
def test_a_new_warning_in_a_loop_is_found(source, events):
    assert list(unguarded(source)) == events
