"""One lying trustee of four: what it signs binds nobody else."""

import pytest

from protocol.trustee_messages import (
    Answer,
    Ask,
    Entries,
    FromPeer,
    LogEntry,
    sign_log_entry,
)
from tests.support.trustee_area import COLLECTIVITY, DAY, TrusteeArea, ask, converse, greet


@pytest.mark.xfail(
    strict=True, reason="a trustee's signed line about a request that nobody made binds the others"
)
def test_a_line_about_an_invented_request_blocks_no_figure():
    area = TrusteeArea(far=0)
    liar, *honest = (area.trustee(n, is_alone=False) for n in range(4))
    greet([liar, *honest])
    converse([liar, *honest], [("trustee-a", FromPeer(Entries((_invented(area, liar),))))])
    answers = {n: ask(trustee, area.request()) for n, trustee in enumerate(honest, 1)}
    assert all(isinstance(answer, Answer) for answer in answers.values())


def _invented(area, liar):
    entry = LogEntry(
        liar.identity.name,
        0,
        bytes(32),
        bytes(range(32)),
        Ask.SUM,
        area.signed_measures.hash,
        "classes",
        "75",
        DAY,
        10,
    )
    return sign_log_entry(entry, COLLECTIVITY, liar.identity.signing_key)
