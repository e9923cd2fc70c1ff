"""cloud.toml: what is wrong is named with its file and key."""

import pytest

from cloud.config import CloudConfig, config_toml, load_config, load_metrics
from protocol.errors import ConfigError
from system.metrics import MetricsConfig

GOOD = 'collectivity = "testville"\nbroker_host = "broker.example"\n'
METRICS = '[metrics]\nurl = "http://influx:8086"\norg = "city"\nbucket = "volet"\n'


def write(tmp_path, text):
    (tmp_path / "cloud.toml").write_text(text)
    return tmp_path


def test_what_is_written_at_first_reads_back(tmp_path):
    config = CloudConfig("testville", "broker.example", 1883, "127.0.0.1", ("b.example",), 1884)
    (tmp_path / "cloud.toml").write_bytes(config_toml(config))
    assert load_config(tmp_path) == config
    assert load_metrics(tmp_path) is None


def test_a_table_of_metrics_changes_nothing_of_the_collectivity(tmp_path):
    assert load_config(write(tmp_path, GOOD + METRICS)) == CloudConfig(
        "testville", "broker.example"
    )
    assert load_metrics(tmp_path) == MetricsConfig("http://influx:8086", "city", "volet")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + 'unknown_key = "x"\n', "unknown_key"),
        (GOOD + 'broker_port = "x"\n', r"int.*str.*broker_port"),
        (GOOD + "broker_port = 0\n", "broker_port"),
        ('collectivity = "x"\n', "broker_host"),
        (GOOD.replace("testville", "Test Ville"), "collectivity is 1 to 32"),
        (GOOD + "broker_port = 8884\n", "operator_port and api_port must"),
        (GOOD + "api_port = 8883\n", "api_port must differ"),
        (GOOD + "no toml", "cloud.toml"),
        (GOOD + METRICS + 'token = "x"\n', r"token.*metrics"),
        (GOOD + METRICS + "interval_s = 0.0\n", "interval_s"),
        (GOOD + METRICS.replace("http:", "ftp:"), "metrics.url"),
        (GOOD + '[metrics]\nurl = "http://x"\n', r"org.*metrics"),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(tmp_path, text, said):
    write(tmp_path, text)
    with pytest.raises(ConfigError, match=said) as caught:
        load_metrics(tmp_path)
    assert str(tmp_path / "cloud.toml") in str(caught.value)


def test_a_missing_file_names_the_next_step(tmp_path):
    with pytest.raises(ConfigError, match="volet cloud init"):
        load_config(tmp_path)
