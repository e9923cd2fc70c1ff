"""`volet edge setup` on made trees: boards, systems and adapters; nothing that it does not know is guessed."""

import json

import pytest
from click.testing import CliRunner

from edge.commands.table import edge
from edge.tic.board.applying import backup_of, take_back
from edge.tic.board.machine import CMDLINE, CONFIG, HEADER
from protocol.errors import ConfigError
from tests.support.french import plain

MODELS = {
    "zero2": "Raspberry Pi Zero 2 W Rev 1.0",
    "2": "Raspberry Pi 2 Model B Rev 1.2",
    "3": "Raspberry Pi 3 Model B Rev 1.2",
    "3+": "Raspberry Pi 3 Model B Plus Rev 1.3",
    "4": "Raspberry Pi 4 Model B Rev 1.5",
    "5": "Raspberry Pi 5 Model B Rev 1.0",
}
# Shaped like the files that Raspberry Pi OS comes with.
STOCK = """\
# Some settings may impact device functionality.
dtparam=audio=on
camera_auto_detect=1
dtoverlay=vc4-kms-v3d
arm_64bit=1

[cm4]
otg_mode=1

[cm5]
dtoverlay=dwc2,dr_mode=host

[all]
"""
STOCK_CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=4e63ae49-02 rootwait quiet\n"
ADAPTER = "usb-FTDI_FT232R_USB_UART_A10K1234-if00-port0"
OTHER = "usb-ITead_Sonoff_Zigbee_3.0_USB_Dongle_Plus-if00-port0"
FREE = "[all]\n# Volet: the meter's line on the header.\nenable_uart=1\ndtoverlay=disable-bt\n"


class Tree:
    """A machine's files, below a folder."""

    def __init__(self, root):
        self.root = root
        (root / "var/lib/volet").mkdir(parents=True)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return path

    def board(self, model, debian="12", config=STOCK, cmdline=STOCK_CMDLINE):
        self.put("proc/device-tree/model", f"{MODELS.get(model, model)}\0")
        self.put("etc/os-release", f'ID=debian\nVERSION_ID="{debian}"\n')
        self.put(CONFIG, config)
        self.put(CMDLINE, cmdline)
        return self

    def adapters(self, *names):
        for name in names:
            self.put(f"dev/serial/by-id/{name}", "")
        return self

    def read(self, name):
        return (self.root / name).read_bytes().decode()

    @property
    def config(self):
        return self.read("var/lib/volet/edge.toml")

    def everything(self):
        return {
            str(path.relative_to(self.root)): path.read_bytes() if path.is_file() else None
            for path in self.root.rglob("*")
        }

    def setup(self, *options, lang="en"):
        return CliRunner().invoke(
            edge, ["--lang", lang, "setup", "--root", str(self.root), *options]
        )

    def report(self, *options):
        done = self.setup("--json", *options)
        assert done.exception is None, done.exception
        return json.loads(done.stdout)

    def refusal(self, *options):
        done = self.setup("--apply", *options)
        assert isinstance(done.exception, ConfigError), done.output
        return str(done.exception)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path / "root")


@pytest.mark.parametrize("debian", ["12", "13"])
@pytest.mark.parametrize("model", ["zero2", "3", "3+", "4"])
def test_bluetooth_and_a_console_give_the_line_back(tree, model, debian):
    tree.board(model, debian)
    report = tree.report("--apply")
    assert report["changed"]
    assert report["needs_restart"]
    assert [each["why"] for each in report["needed"]] == ["uart", "console", "source"]
    assert tree.read(CONFIG) == STOCK + FREE
    assert tree.read(CMDLINE) == STOCK_CMDLINE.replace("console=serial0,115200 ", "")
    assert tree.config == f'source = "{HEADER}"\n'


@pytest.mark.parametrize("debian", ["12", "13"])
def test_a_5_gets_its_header_and_keeps_its_console_on_the_debug_connector(tree, debian):
    tree.board("5", debian)
    assert tree.report("--apply")["changed"]
    mark = FREE.splitlines()[1]
    assert tree.read(CONFIG) == f"{mark}\ndtparam=uart0=on\n{STOCK}"
    assert tree.read(CMDLINE) == STOCK_CMDLINE


def test_a_2_has_the_good_uart_as_it_is(tree):
    tree.board("2")
    assert [each["why"] for each in tree.report("--apply")["needed"]] == ["console", "source"]
    assert tree.read(CONFIG) == STOCK


@pytest.mark.parametrize("model", MODELS)
def test_a_second_time_nothing_changes(tree, model):
    tree.board(model)
    assert tree.report("--apply")["changed"]
    after = tree.everything()
    report = tree.report("--apply")
    assert (report["changed"], report["needed"], report["needs_restart"]) == (False, [], False)
    assert tree.everything() == after
    assert "All is right already." in tree.setup().output


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_nothing_is_changed_unless_it_is_asked_for(tree, options):
    before = tree.board("4").everything()
    done = tree.setup(*options)
    assert done.exit_code == 0
    assert tree.everything() == before
    if not options:
        assert "+dtoverlay=disable-bt" in done.output
        assert "-console=serial0,115200" in done.output
        assert "sudo volet edge setup --apply" in done.output


def test_it_asks_whoever_sits_at_a_terminal(tree, monkeypatch):
    before = tree.board("4").everything()
    monkeypatch.setattr("edge.commands.setup.sys", type("Sys", (), {"stdin": _Terminal}))
    arguments = ["setup", "--root", str(tree.root)]
    assert CliRunner().invoke(edge, arguments, input="n\n").exit_code == 0
    assert tree.everything() == before
    CliRunner().invoke(edge, arguments, input="y\n")
    assert tree.read(CONFIG) == STOCK + FREE


class _Terminal:
    @staticmethod
    def isatty():
        return True


def test_what_a_household_reads_is_there_in_french(tree):
    tree.board("4")
    said = plain(tree.setup(lang="fr").output)
    assert "Carte : Raspberry Pi 4 Model B Rev 1.5" in said
    assert "Rien n'a été changé" in said


def test_an_adapter_alone_is_the_line_and_no_board_is_touched(tree):
    tree.adapters(ADAPTER).put("etc/os-release", "ID=debian\n")
    report = tree.report("--apply")
    assert (report["changed"], report["needs_restart"]) == (True, False)
    assert tree.config == f'source = "/dev/serial/by-id/{ADAPTER}"\n'
    assert not tree.report("--apply")["changed"]


def test_the_other_settings_of_the_chip_stay(tree):
    text = '# ours\nrhythm = "daily"\nsource = "/dev/serial0"\n\n[panel]\nline_gpio = 17\n'
    tree.adapters(ADAPTER).put("var/lib/volet/edge.toml", text)
    tree.report("--apply")
    assert tree.config == text.replace("/dev/serial0", f"/dev/serial/by-id/{ADAPTER}")
    tree.put("var/lib/volet/edge.toml", "[panel]\nline_gpio = 17\n")
    tree.report("--apply")
    assert tree.config.startswith('source = "')
    assert tree.config.endswith("\n[panel]\nline_gpio = 17\n")


def test_between_several_lines_a_person_chooses_once(tree):
    """A stick of another kind, such as a Zigbee one, looks like an adapter."""
    tree.board("4").adapters(ADAPTER, OTHER)
    assert "name it with --line: header" in tree.refusal()
    chosen = f"/dev/serial/by-id/{ADAPTER}"
    assert tree.report("--line", chosen, "--apply")["source"] == chosen
    assert tree.read(CONFIG) == STOCK
    assert tree.report()["source"] == chosen
    tree.report("--line", "header", "--apply")
    assert tree.read(CONFIG) == STOCK + FREE
    assert tree.report()["source"] == HEADER
    assert "is not there" in tree.refusal("--line", "/dev/serial/by-id/none")


@pytest.mark.parametrize(
    "model", ["Raspberry Pi Compute Module 4 Rev 1.0", "Raspberry Pi Zero W Rev 1.1", "OrangePi 5"]
)
def test_a_board_that_is_not_known_is_named(tree, model):
    before = tree.board(model).everything()
    assert model in tree.refusal()
    assert tree.everything() == before


def test_without_anything_it_says_what_to_plug_in(tree):
    assert "neither a USB adapter" in tree.refusal()


@pytest.mark.parametrize("release", ["ID=debian\nVERSION_ID=11\n", "ID=ubuntu\nVERSION_ID=12\n"])
def test_a_system_that_is_not_known_is_left_alone(tree, release):
    tree.board("4").put("etc/os-release", release)
    assert "no Debian 12 or 13" in tree.refusal()


def test_a_config_in_another_place_is_not_looked_for(tree):
    tree.board("4")
    (tree.root / CONFIG).rename(tree.root / "boot/config.txt")
    assert "config.txt is not there" in tree.refusal()


@pytest.mark.parametrize(
    "lines",
    [
        "include more.txt\n",
        "[gpio4=1]\nenable_uart=0\n",
        "[EDID=VSC-TD2220]\n[pi4]\ndtoverlay=disable-bt\n",
        "dtoverlay=midi-uart0\n",
        "dtoverlay=uart1\n",
        "enable_uart=2\n",
        "dtparam=i2c_arm=on,uart0=on\n",
        "dtparam=uart0_console\n",
    ],
)
def test_a_line_that_cannot_be_judged_is_named_and_nothing_changes(tree, lines):
    before = tree.board("4", config=STOCK + lines).everything()
    assert f"line {len((STOCK + lines).splitlines())}" in tree.refusal()
    assert tree.everything() == before


def test_a_section_that_may_be_for_this_board_is_not_judged(tree):
    tree.board("zero2", config="[pi0w]\nenable_uart=0\n")
    assert "line 2" in tree.refusal()


@pytest.mark.parametrize(
    "lines",
    [
        "[pi5]\nenable_uart=0\ndtoverlay=uart1\n[all]\n",
        "[none]\ninclude more.txt\n[all]\n",
        "[gpio4=1]\nhdmi_force_hotplug=1\n[all]\n",
        "#enable_uart=0\n",
    ],
)
def test_what_is_not_for_this_board_or_not_about_the_line_is_passed_by(tree, lines):
    tree.board("4", config=STOCK + lines)
    tree.report("--apply")
    assert tree.read(CONFIG) == STOCK + lines + FREE


@pytest.mark.parametrize("overlay", ["disable-bt", "miniuart-bt", "pi3-miniuart-bt"])
def test_what_is_set_already_is_kept(tree, overlay):
    config = f"[pi4]\nenable_uart=1\ndtoverlay={overlay}\n"
    tree.board("4", config=config, cmdline="console=tty1 quiet\n")
    assert [each["why"] for each in tree.report()["needed"]] == ["source"]


def test_a_line_that_is_switched_off_is_switched_on(tree):
    tree.board("4", config="enable_uart=0\ndtoverlay=disable-bt\n")
    tree.report("--apply")
    mark = FREE.splitlines()[1]
    assert tree.read(CONFIG) == (
        f"#enable_uart=0\ndtoverlay=disable-bt\n[all]\n{mark}\nenable_uart=1\n"
    )
    tree.board("5", config="dtparam=uart0=off\n")
    tree.report("--apply")
    assert tree.read(CONFIG) == f"{mark}\ndtparam=uart0=on\n#dtparam=uart0=off\n"


@pytest.mark.parametrize(
    ("cmdline", "message"),
    [
        ("", "0 lines"),
        ("console=tty1\nquiet\n", "2 lines"),
        ("kgdboc=serial0,115200 quiet\n", "debugger"),
    ],
)
def test_a_command_line_that_is_not_understood_stays(tree, cmdline, message):
    before = tree.board("3", cmdline=cmdline).everything()
    assert message in tree.refusal()
    assert tree.everything() == before


def test_a_login_that_starts_on_the_line_is_taken_off(tree):
    tree.board("4")
    wants = tree.root / "etc/systemd/system/getty.target.wants"
    wants.mkdir(parents=True)
    for name in ("serial-getty@ttyAMA0.service", "getty@tty1.service"):
        (wants / name).symlink_to(f"/lib/systemd/system/{name.partition('@')[0]}@.service")
    assert "login" in [each["why"] for each in tree.report("--apply")["needed"]]
    assert [each.name for each in wants.iterdir()] == ["getty@tty1.service"]


def test_line_ends_of_another_system_stay(tree):
    tree.board("4", config=STOCK.replace("\n", "\r\n"), cmdline=STOCK_CMDLINE[:-1] + "\r\n")
    tree.report("--apply")
    assert tree.read(CONFIG) == (STOCK + FREE).replace("\n", "\r\n")
    assert tree.read(CMDLINE).endswith("quiet\r\n")


def test_nothing_is_written_through_a_link_in_the_chips_directory(tree, tmp_path):
    """It is the chip's user's, and whoever changes it here is root."""
    tree.board("4")
    elsewhere = tmp_path / "elsewhere"
    source = tree.root / "var/lib/volet/edge.toml"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text("send_window_s = 0\n")
    source.chmod(0o600)
    backup_of(source).symlink_to(elsewhere)
    assert tree.report("--apply")["changed"]
    assert not elsewhere.exists()
    assert backup_of(source).read_text() == "send_window_s = 0\n"
    assert backup_of(source).stat().st_mode == source.stat().st_mode
    assert not backup_of(source).is_symlink()


def test_what_was_before_is_kept_once_and_can_be_put_back(tree):
    before = tree.board("4").everything()
    tree.report("--apply")
    config, cmdline = tree.root / CONFIG, tree.root / CMDLINE
    assert backup_of(config).read_text() == STOCK
    assert take_back(tree.root) == ((config, cmdline), ())
    (tree.root / "var/lib/volet/edge.toml").unlink()
    assert tree.everything() == before


def test_what_somebody_changed_since_is_not_put_back(tree):
    tree.board("4").report("--apply")
    config, cmdline = tree.root / CONFIG, tree.root / CMDLINE
    config.write_text(config.read_text() + "dtparam=i2c_arm=on\n")
    assert take_back(tree.root) == ((cmdline,), (config,))
    assert "i2c_arm" in config.read_text()
    assert backup_of(config).exists()


def test_an_edge_toml_that_is_broken_is_named(tree):
    tree.adapters(ADAPTER).put("var/lib/volet/edge.toml", "source = \n")
    assert "edge.toml" in tree.refusal()


@pytest.mark.parametrize("name", ["zero2", "4", "5"])
def test_the_link_and_the_board_are_reported(tree, name):
    tree.board(name)
    (tree.root / "dev").mkdir()
    (tree.root / "dev/serial0").symlink_to("ttyS0")
    report = tree.report()
    assert report["serial0"] == "ttyS0"
    assert report["model"] == MODELS[name]
