"""Home Assistant's own program looks at a broker of a home: run by an environment that has it.

    python home_assistant.py CONFIG PORT HTTP_PORT WANTED

Waits until WANTED entities have a value, has the recorder compile its statistics of five minutes, and
prints the states with their attributes, the devices' names, and the statistics with their units.
"""

import asyncio
import inspect
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from homeassistant import bootstrap, config_entries, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import list_statistic_ids
from homeassistant.components.recorder.tasks import StatisticsTask
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import device_registry
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

LOOKS, EVERY_S = 240, 0.5


async def look(config: Path, port: int, http_port: int, wanted: int) -> dict:
    (config / "configuration.yaml").touch()
    hass = HomeAssistant(str(config))
    hass.config.skip_pip, hass.config.recovery_mode = True, False
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    async_initialize_recorder(hass)
    running(hass)
    database = {"db_url": f"sqlite:///{config / 'home.db'}", "commit_interval": 0}
    await set_up(hass, "recorder", {"recorder": database})
    await set_up(hass, "sensor", {})
    entry = mqtt_entry(port)
    hass.config_entries._entries[entry.entry_id] = entry
    web = {"server_host": ["127.0.0.1"], "server_port": http_port}
    await set_up(hass, "mqtt", {"http": web})
    await hass.async_block_till_done()
    for _ in range(LOOKS):
        known = [each for each in ours(hass) if each.state not in {"unknown", "unavailable"}]
        if len(known) >= wanted:
            break
        await asyncio.sleep(EVERY_S)
    seen = {
        "states": {each.entity_id: [each.state, dict(each.attributes)] for each in ours(hass)},
        "devices": [each.name for each in device_registry.async_get(hass).devices.values()],
        "statistics": await statistics(hass),
    }
    await hass.async_stop(force=True)
    return seen


def running(hass: HomeAssistant) -> None:
    """Say that it runs; newer releases have a method for it."""
    if hasattr(hass, "set_state"):
        hass.set_state(CoreState.running)
    else:
        hass.state = CoreState.running


async def set_up(hass: HomeAssistant, component: str, config: dict) -> None:
    if not await async_setup_component(hass, component, config):
        raise SystemExit(f"{component} could not be set up")


def mqtt_entry(port: int) -> config_entries.ConfigEntry:
    given = {
        "domain": "mqtt",
        "title": "home",
        "data": {"broker": "127.0.0.1", "port": port, "discovery": True},
        "options": {},
        "entry_id": "home",
        "source": "user",
        "unique_id": None,
        "version": 1,
        "minor_version": 1,
        "discovery_keys": {},
    }
    known = inspect.signature(config_entries.ConfigEntry).parameters
    return config_entries.ConfigEntry(**{key: given[key] for key in given if key in known})


def ours(hass: HomeAssistant) -> list:
    return [each for each in hass.states.async_all() if ".volet_" in each.entity_id]


async def statistics(hass: HomeAssistant) -> dict:
    instance = get_instance(hass)
    await instance.async_block_till_done()
    now = datetime.now(UTC)
    start = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
    instance.queue_task(StatisticsTask(start, False))
    await instance.async_block_till_done()
    found = await instance.async_add_executor_job(list_statistic_ids, hass)
    return {each["statistic_id"]: each["statistics_unit_of_measurement"] for each in found}


if __name__ == "__main__":
    place, *numbers = sys.argv[1:]
    seen = asyncio.run(look(Path(place), *map(int, numbers)))
    sys.stdout.write(json.dumps(seen, default=str))
