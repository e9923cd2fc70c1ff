"""A broker that sends without end: the chip's loop gets back to its meter, and its memory holds."""

import select
from types import SimpleNamespace

from structlog.testing import capture_logs

from edge.mqtt.link import EVENTS_A_ROUND, QUEUED_MAX, ChipLink, ChipLinkSettings
from edge.mqtt.message import Publish


def test_a_flood_is_taken_in_rounds_and_kept_within_bounds():
    link = ChipLink(
        ChipLinkSettings(
            host="localhost",
            port=1,
            client_id="id",
            subscription="down/#",
            will=Publish("status", b""),
        )
    )
    message = SimpleNamespace(topic="down/ack", payload=b"x")
    with capture_logs() as logs:
        for _ in range(QUEUED_MAX + 500):
            link._on_message(None, 1, message)
    assert [entry["event"] for entry in logs] == ["messages_dropped"]
    rounds = []
    while select.select([link.fileno()], [], [], 0)[0]:
        rounds.append(len(list(link.events())))
    assert sum(rounds) == QUEUED_MAX
    assert max(rounds) == EVENTS_A_ROUND
    link.stop()
