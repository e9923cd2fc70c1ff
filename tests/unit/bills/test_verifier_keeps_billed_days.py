"""The verifier over a real vault: a correct statement bills its days, also over a restart."""

from datetime import date, timedelta

import msgspec
import numpy as np
import pytest

from edge.bills.judgement import Finding, Judgement, Verdict
from edge.bills.verifier import StatementVerifier
from edge.contracts.listed import Contracts
from edge.identity.enrolment import signer_of
from edge.vault.rows import BlockRow, BlockState, DayRow, Metered
from edge.vault.vault import Vault
from tests.support.chip_bench import make_identity
from tests.support.household import METER_SALT, Household
from tests.support.tariffs import simple_tariff
from tests.support.victim import Victim

START, MIDDLE, END = date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1)


class Ledger:
    """A made-up household's days over the billed statements of a real vault."""

    def __init__(self, home: Household, vault: Vault) -> None:
        self._home = home
        self._vault = vault
        self.epoch = home.epoch
        self.curve = home.books.curve_of
        self.billed = vault.billed
        self.keep_billed = vault.keep_billed

    def day_rows(self, start: date, end: date) -> list[DayRow]:
        return [
            DayRow(row, is_encrypted=True, blocks=())
            for row in self._home.days
            if start <= row.day < end
        ]

    def metered(self) -> Metered:
        return Metered(tuple((day, 0) for day in self._home.days))

    def blocks_between(self, start: date, end: date) -> list[BlockRow]:
        return [
            BlockRow(s.incarnation, s.sequence, s.day, s.j0, s.j1, BlockState.STORED)
            for s in self._home.spans
            if start <= s.day < end
        ]


@pytest.fixture(scope="module")
def home():
    return Household((simple_tariff(),), START, END, np.random.default_rng(21))


def verdict(verifier, statement):
    return msgspec.json.decode(verifier.judge(statement), type=Judgement)


def test_billed_days_outlive_the_process_and_the_same_statement_keeps_its_verdict(home, tmp_path):
    signer = signer_of(make_identity())
    colluders = Victim(home)
    deal = colluders.sign(simple_tariff())
    contracts = Contracts({deal.agreement.contract_hash: deal.agreement}, METER_SALT)
    left_out = [START + timedelta(days=n) for n in (3, 4, 5)]
    first = colluders.statement(deal, colluders.request(deal, START, MIDDLE, without=left_out))
    other = colluders.statement(deal, colluders.request(deal, START, MIDDLE))
    late = colluders.statement(deal, colluders.request(deal, MIDDLE, END, late=left_out))

    vault = Vault.open(tmp_path, signer)
    verifier = StatementVerifier(Ledger(home, vault), home.secret, home.keyring, contracts)
    before = verdict(verifier, first)
    assert (before.verdict, before.findings) == (
        Verdict.CORRECT,
        (Finding.LEFT_OUT_THOUGH_STORED,),
    )
    vault.close()

    vault = Vault.open(tmp_path, signer)
    verifier = StatementVerifier(Ledger(home, vault), home.secret, home.keyring, contracts)
    assert verdict(verifier, first) == before
    assert verdict(verifier, other).findings == (Finding.ALREADY_BILLED,)
    billed = verdict(verifier, late)
    assert (billed.verdict, billed.late, billed.owed) == (Verdict.CORRECT, tuple(left_out), ())
    assert verdict(verifier, late) == billed
    assert [row.statement for row in vault.billed()] == [first.id, late.id]
    vault.close()
