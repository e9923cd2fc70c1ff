"""Reading a vault beside its chip."""

import pytest

from edge.vault.reader import read_vault
from protocol.errors import ConfigError


@pytest.mark.parametrize("is_there", [True, False])
def test_a_vault_that_is_not_made_yet_is_said_to_be_so(tmp_path, is_there):
    if is_there:
        (tmp_path / "vault.db").touch(0o600)
    with pytest.raises(ConfigError, match="not there yet"), read_vault(tmp_path):
        pass
