"""Six short sessions in a row at a broker that stays are a rival's; nothing else is."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import ConfigError
from system.mqtt.rival import SHORT_MOST, SHORT_S, Rivalry

# How long a session lasted, if there was one, and whether the broker listens after it.
ends = st.tuples(
    st.sampled_from([None, 0.0, SHORT_S / 2, SHORT_S, 3_600.0]),
    st.sampled_from([True, True, False]),
)


def is_a_rivals(end):
    lasted_s, listens = end
    return lasted_s is not None and lasted_s < SHORT_S and listens


def told_after(found):
    """Return after how many ends a rivalry says that there is a rival; None: never."""
    now_s, listens = 0.0, True

    async def asked():
        return listens

    async def play():
        nonlocal now_s, listens
        rivalry = Rivalry("worker", "end one.", asked, lambda: now_s)
        for number, (lasted_s, is_there) in enumerate(found, 1):
            listens = is_there
            if lasted_s is not None:
                rivalry.session_began()
                now_s += lasted_s
            try:
                await rivalry.connection_ended()
            except ConfigError:
                return number
            now_s += 0.25
        return None

    return asyncio.run(play())


@given(found=st.lists(ends, max_size=30))
def test_a_rival_is_told_after_six_short_sessions_in_a_row(found):
    rivals = [is_a_rivals(each) for each in found]
    first = next(
        (end for end in range(SHORT_MOST, len(rivals) + 1) if all(rivals[end - SHORT_MOST : end])),
        None,
    )
    assert told_after(found) == first


@pytest.mark.parametrize("innocent", [(None, True), (0.1, False), (SHORT_S, True)])
def test_what_a_restarted_broker_or_a_lasting_session_brings_counts_from_nought(innocent):
    short = (0.1, True)
    assert told_after([*[short] * (SHORT_MOST - 1), innocent] * 5) is None
    assert told_after([short] * SHORT_MOST) == SHORT_MOST
