"""The chip's configuration: defaults, file, environment, and errors that name the key."""

import pytest

from edge.chip.config import EdgeConfig, PanelConfig, load_config
from protocol.errors import ConfigError


def write(directory, text):
    (directory / "edge.toml").write_text(text)
    return directory


def test_without_a_file_the_defaults_hold(tmp_path):
    assert load_config(tmp_path, {}) == EdgeConfig()


def test_a_file_is_read(tmp_path):
    config = load_config(
        write(
            tmp_path, 'rhythm = "quarter_hourly"\nmode = "historique"\n[panel]\nline_gpio = 17\n'
        ),
        {},
    )
    assert (config.rhythm, config.panel) == ("quarter_hourly", PanelConfig(17))
    assert config.speeds == (1_200,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('sauce = "/dev/null"', ["edge.toml", "sauce", "known here: source"]),
        ("[panel]\nled = 1", ["led", "line_gpio"]),
        ("[panel]\nline_gpio = 99", ["edge.toml", "$.panel.line_gpio"]),
        ("[sending]\nbacklog = 1", ["backlog", "backlog_per_s"]),
        ("[metering]\ngap = 1", ["gap", "gap_s"]),
        ('rhythm = "weekly"', ["edge.toml", "weekly"]),
        ("send_window_s = -1", ["$.send_window_s"]),
        ("[sending]\nbacklog_per_s = 0", ["$.sending.backlog_per_s"]),
        ("[sending]\nbacklog_window = 0", ["$.sending.backlog_window"]),
        ("[sending]\nwhole_pause_s = 0", ["$.sending.whole_pause_s"]),
        ("[sending]\nack_timeout_s = -1", ["$.sending.ack_timeout_s"]),
        ("[metering]\ngap_s = -5", ["$.metering.gap_s"]),
        ("not toml", ["edge.toml"]),
    ],
)
def test_an_error_names_the_file_the_key_and_what_was_expected(tmp_path, text, words):
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text), {})
    assert all(word in str(caught.value) for word in words), caught.value


def test_the_environment_goes_over_the_file(tmp_path):
    write(tmp_path, 'source = "/dev/ttyAMA0"\nsend_window_s = 60')
    environment = {"VOLET_EDGE_SOURCE": "-", "VOLET_EDGE_SEND_WINDOW_S": "0"}
    config = load_config(tmp_path, environment)
    assert (config.source, config.send_window_s) == ("-", 0.0)


def test_a_variable_that_does_not_fit_is_named(tmp_path):
    with pytest.raises(ConfigError, match="VOLET_EDGE_RHYTHM"):
        load_config(tmp_path, {"VOLET_EDGE_RHYTHM": "weekly"})


@pytest.mark.parametrize(
    ("panel", "sentence"),
    [
        (PanelConfig(), "names no pin"),
        (PanelConfig(line_gpio=15), "panel.line_gpio = 15 is a pin of the meter's line"),
        (PanelConfig(button_gpio=14), "panel.button_gpio = 14 is a pin of the meter's line"),
        (PanelConfig(17, home_gpio=17), "panel.line_gpio and panel.home_gpio are both 17"),
        (PanelConfig(17, button_gpio=17), "panel.line_gpio and panel.button_gpio are both 17"),
    ],
)
def test_a_pin_that_is_not_free_is_refused_by_its_name(panel, sentence):
    with pytest.raises(ConfigError, match=sentence):
        panel.check()
    PanelConfig(17, 22, 23, 27).check()
