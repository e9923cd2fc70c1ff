"""What the roles of Ansible take is declared once, and every variable that they use is."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.environments import ROOT

ANSIBLE = ROOT / "ansible"
ROLES = sorted((ANSIBLE / "roles").iterdir())
PLAYBOOKS = sorted((ANSIBLE / "playbooks").glob("*.yml"))
# Said by a playbook, or for one call of it.
SAID_ELSEWHERE = {
    *("volet_software_extra", "volet_cloud_revoked"),
    *("volet_cloud_backup_file", "volet_cloud_backup_opens"),
}
VARIABLE = re.compile(r"\bvolet_[a-z_]+\b")


def read(path: Path):
    return yaml.safe_load(path.read_text("utf-8")) if path.exists() else None


def options(role: Path) -> dict:
    """Return all that a role takes, whatever its entry point."""
    found = {}
    for each in read(role / "meta/argument_specs.yml")["argument_specs"].values():
        found |= each["options"]
    return found


def registered(node) -> set[str]:
    """Return the variables that tasks set, or name for themselves."""
    if isinstance(node, list):
        return set().union(*map(registered, node))
    if not isinstance(node, dict):
        return set()
    own = {node["register"]} if isinstance(node.get("register"), str) else set()
    own |= set(node.get("ansible.builtin.set_fact") or {})
    return own | set(node.get("vars") or {}) | set().union(*map(registered, node.values()))


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_each_variable_of_a_role_is_its_own_and_declared(role):
    taken, defaults = options(role), read(role / "defaults/main.yml") or {}
    assert {name: option["default"] for name, option in taken.items() if "default" in option} == (
        defaults
    )
    assert all(name.startswith(f"{role.name}_") for name in taken)
    assert all(("default" in option) != option.get("required", False) for option in taken.values())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_each_variable_that_a_role_uses_is_known(role):
    own = set(options(role)) | set(read(role / "vars/main.yml") or {})
    others = {name for each in ROLES for name in options(each)}
    for path in sorted(
        (*role.glob("tasks/*.yml"), *role.glob("templates/*"), *role.glob("*/*.j2"))
    ):
        text = path.read_text("utf-8")
        own |= registered(yaml.safe_load(text)) if path.suffix == ".yml" else set()
    for path in sorted((*role.glob("tasks/*.yml"), *role.glob("templates/*"))):
        used = set(VARIABLE.findall(path.read_text("utf-8"))) - {each.name for each in ROLES}
        assert used - own - others == set(), path


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_says_what_it_does_and_names_roles_that_are_there(playbook):
    assert playbook.read_text("utf-8").startswith("---\n# ")
    for play in read(playbook):
        for role in play.get("roles", []):
            assert role["role"] in {each.name for each in ROLES}
            assert set(role.get("vars", {})) <= set(options(ANSIBLE / "roles" / role["role"]))


def test_no_secret_is_a_variable():
    names = {name for role in ROLES for name in options(role)}
    assert {name for name in names if re.search("pass|secret|private|token", name)} == set()


def test_the_example_names_what_must_be_said():
    text = (ANSIBLE / "inventory/example/hosts.yml").read_text("utf-8")
    needed = {
        name for role in ROLES for name, option in options(role).items() if option.get("required")
    }
    assert {name for name in needed if f"{name}:" not in text} == SAID_ELSEWHERE
