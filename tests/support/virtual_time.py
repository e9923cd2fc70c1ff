"""An event loop with virtual time, and a broker in it that records topics."""

import asyncio
import selectors

from paho.mqtt.client import topic_matches_sub

from system.mqtt.link import Link, LinkSettings, Received
from system.mqtt.message import Incoming


class _Selector(selectors.DefaultSelector):
    """Sleeps by moving the clock."""

    def __init__(self):
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout=None):
        assert timeout is not None, "every task waits for something that nobody will do"
        ready = super().select(0)
        if not ready:
            self.now_s += max(timeout, 0.0)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that never sleeps; work for a thread runs at once, on the loop."""

    def __init__(self):
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self):
        return self._virtual.now_s

    def run_in_executor(self, _executor, func, *args):
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as exc:  # noqa: BLE001 - it is the caller's, as from a thread
            done.set_exception(exc)
        return done


def run_virtually(main):
    """Run a coroutine to its end on a virtual loop and return its result."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class Bus:
    """A broker that confirms at once and keeps nothing.

    Attributes:
        topics: the topics of all messages, in order.
    """

    def __init__(self):
        self.topics = []
        self._links = []

    def link(self, settings, filters):
        """Return a link to it that replaces a real one."""
        link = _BusLink(settings, filters)
        link.bus = self
        self._links.append(link)
        return link

    def settings(self, name):
        return LinkSettings(host="bus", port=1, client_id=name)

    def carry(self, message):
        self.topics.append(message.topic)
        for link in self._links:
            if any(topic_matches_sub(topic, message.topic) for topic in link._filters):
                incoming = Incoming(message.topic, message.payload)
                link._received.put_nowait(Received(incoming, lambda: None))


class _BusLink(Link):
    bus: Bus

    async def run(self):
        self._connections += 1
        self._is_up.set()
        await asyncio.Event().wait()

    def send(self, message):
        self.bus.carry(message)
        sent = asyncio.get_running_loop().create_future()
        sent.set_result(None)
        return sent
