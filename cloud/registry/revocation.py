"""Shuts out a device or role: revokes its certificates, in the store and at the broker.

A revocation list prevents new sessions but does not end open ones, so the open session is ended by
taking over its client id at the operator's listener. Then nothing of the name stays at the broker.
"""

import time
from datetime import datetime
from pathlib import Path

from cloud.registry.broker import is_in_saved_data, refresh_broker, save_broker
from cloud.registry.broker_process import start_command
from cloud.registry.broker_session import clear_retained, end_session
from cloud.registry.key_files import pki_path
from cloud.registry.pki import forget_role, revoke
from cloud.store import Store
from protocol.errors import ConfigError, DocumentRefused, TransportError
from protocol.ids import DeviceId

# A connection that the broker accepted just before it read the new list still passes. By then it
# has become a session, which is ended too.
_STRAGGLER_S = 1.0


def revoke_everywhere(
    directory: Path, store: Store, name: str, broker: Path, now: datetime
) -> None:
    """Shut out `name` (a device id or a role's common name) for good.

    A repetition completes what the first run did not do. A role's files are removed, so that it can
    be issued again.

    Raises:
        DocumentRefused: no certificate has this name.
        ConfigError, TransportError: it is revoked, but the broker does not know yet, or has not
            cleared what it retains of the name.
    """
    if not revoke(directory, name, now):
        issued = pki_path(directory, "issued")
        raise DocumentRefused(
            f"Nobody named {name} has a certificate; the chips' are in {issued}, those of workers, "
            f"monitors, trustees and providers in {issued.parent}."
        )
    store.revoke(DeviceId(name))
    try:
        runs = _shut_out(directory, name, broker)
    except (ConfigError, TransportError) as exc:
        raise type(exc)(
            f"{name} is revoked, but an open session of it may go on until this command succeeds: "
            f"{exc}"
        ) from exc
    forget_role(directory, name)
    if not runs and is_in_saved_data(broker, name):
        raise TransportError(
            f"{name} is revoked, but the broker does not run and still keeps messages of it; start "
            f"it (`{start_command(broker)}`), then run this command again."
        )


def _shut_out(directory: Path, name: str, broker: Path) -> bool:
    """Have a running broker refuse `name`, and end its session; False if none runs.

    Raises:
        ConfigError, TransportError: as `revoke_everywhere`.
    """
    if not refresh_broker(directory, broker):
        return False
    end_session(directory, name)
    time.sleep(_STRAGGLER_S)
    end_session(directory, name)
    clear_retained(directory, name)
    save_broker(broker)
    return True
