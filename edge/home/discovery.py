"""The documents by which Home Assistant finds the entities, and the topics of their values."""

from typing import Any, Literal

import msgspec

from edge.home.energies import Series
from edge.home.entities import ENTITIES, NAMES, Entity, Topic
from edge.language.choice import Lang
from edge.status.reporter import software

ANNOUNCED_UNDER = "homeassistant"
ONLINE, OFFLINE = b"online", b"offline"
# Values of the meter come every few seconds; without them nothing is known.
EXPIRE_AFTER_S = 30
# Those of the chip come each minute.
SLOW_EXPIRE_AFTER_S = 300
_SERIES = "_series_"


class ShownEntity(msgspec.Struct, frozen=True):
    """An entity as one home shows it; a counter's later series are entities of their own."""

    entity: Entity
    series: int = 1

    @property
    def key(self) -> str:
        """Its key among the home's entities, and in the JSON of its topic."""
        return self.entity.key if self.series == 1 else f"{self.entity.key}{_SERIES}{self.series}"

    def name(self, lang: Lang) -> str:
        """Return its name for people."""
        name = NAMES[lang][self.entity.key]
        return name if self.series == 1 else f"{name} ({self.series})"


def shown_entity(key: str) -> ShownEntity | None:
    """Return the entity of a key, None if there is none any more."""
    if key in ENTITIES:
        return ShownEntity(ENTITIES[key])
    counter, _, number = key.rpartition(_SERIES)
    entity = ENTITIES.get(counter)
    if entity is None or not entity.is_energy or not number.isdecimal():
        return None
    return ShownEntity(entity, int(number))


def key_of(counter: str, series: Series) -> str:
    """Return the key of a counter's present series."""
    return ShownEntity(ENTITIES[counter], series.number).key


def state_topic(home: str, topic: Topic | Literal["availability"]) -> str:
    """Return a topic of the home with this id."""
    return f"volet/{home}/{topic}"


def documents(
    home: str, keys: tuple[str, ...], lang: Lang, form: Literal["device", "single"]
) -> dict[str, bytes]:
    """Return the retained documents by topic: one for the device, or one for each entity."""
    shown = [found for key in keys if (found := shown_entity(key)) is not None]
    device = {
        "identifiers": [f"volet_{home}"],
        "name": "Volet",
        "manufacturer": "Volet",
        "sw_version": software(),
    }
    origin = {"name": "Volet", "sw_version": software()}
    beside = {"availability_topic": state_topic(home, "availability")}
    if form == "device":
        topic = f"{ANNOUNCED_UNDER}/device/volet_{home}/config"
        parts = {
            each.key: {"platform": _platform(each), **_entity(home, each, lang)} for each in shown
        }
        whole = {"device": device, "origin": origin, **beside, "components": parts}
        return {topic: msgspec.json.encode(whole)}
    return {
        f"{ANNOUNCED_UNDER}/{_platform(each)}/volet_{home}/{each.key}/config": msgspec.json.encode(
            {"device": device, "origin": origin, **beside, **_entity(home, each, lang)}
        )
        for each in shown
    }


def _platform(shown: ShownEntity) -> str:
    return "binary_sensor" if shown.entity.is_binary else "sensor"


def _entity(home: str, shown: ShownEntity, lang: Lang) -> dict[str, Any]:
    entity, key = shown.entity, shown.key
    is_quick = entity.topic is Topic.METER
    said: dict[str, Any] = {
        "unique_id": f"volet_{home}_{key}",
        "object_id": f"volet_{key}",
        "name": shown.name(lang),
        "state_topic": state_topic(home, entity.topic),
        "value_template": f"{{{{ value_json.{key} }}}}",
        "expire_after": EXPIRE_AFTER_S if is_quick else SLOW_EXPIRE_AFTER_S,
    }
    if entity.is_binary:
        # A value that is not known is null, which is neither.
        said |= {"payload_on": "True", "payload_off": "False"}
    if entity.unit is not None:
        said["unit_of_measurement"] = entity.unit
    if entity.device_class is not None:
        said["device_class"] = entity.device_class
    if entity.state_class is not None:
        said["state_class"] = entity.state_class
    if entity.options:
        said["options"] = list(entity.options)
    if entity.reset is not None:
        said["last_reset_value_template"] = f"{{{{ value_json.{entity.reset} }}}}"
    if entity.is_diagnostic:
        said["entity_category"] = "diagnostic"
    if not entity.is_shown:
        said["enabled_by_default"] = False
    return said
