import re

from edge.tic.frame import Mode
from edge.tic.labels import LABELS, Horodate, LabelKind, Unit


def names(mode: Mode) -> set[str]:
    return {name for name, label in LABELS.items() if label.mode is mode}


def test_the_table_holds_the_labels_of_both_modes():
    standard = {
        "ADSC",
        "DATE",
        "EASF10",
        "EASD04",
        "EAIT",
        "ERQ4",
        "SMAXSN3-1",
        "CCAIN-1",
        "PPOINTE",
    }
    historique = {"ADCO", "BASE", "BBRHPJR", "PEJP", "ADPS", "ADIR3", "PMAX", "PPOT", "IINST"}
    assert standard <= names(Mode.STANDARD)
    assert historique <= names(Mode.HISTORIQUE)


def test_only_the_labels_enedis_names_carry_a_horodate():
    dated = {name for name, label in LABELS.items() if label.horodate is not Horodate.NO}
    shape = r"DATE|SMAX[SI]N.*|CCA[SI]N.*|UMOY\d|[DF]PM\d"
    assert dated == {name for name in LABELS if re.fullmatch(shape, name)}


def test_powers_have_the_unit_enedis_gives_them():
    assert {LABELS[name].unit for name in ("PAPP", "SINSTS", "SINSTI", "SMAXSN1-1")} == {Unit.VA}
    assert {LABELS[name].unit for name in ("PREF", "PCOUP")} == {Unit.KVA}


def test_lengths_and_patterns_say_the_same():
    for label in LABELS.values():
        samples = {
            LabelKind.DIGITS: "0" * label.length,
            LabelKind.SERIAL: "0" * label.length,
            LabelKind.HEX: "A" * label.length,
            LabelKind.TEXT: " " * label.length,
        }
        sample = samples.get(label.kind)
        if sample is None or label.name == "NTARF":
            continue
        assert label.pattern.fullmatch(sample), label.name
        assert not label.pattern.fullmatch(sample + sample[0]), label.name
        may_be_shorter = label.kind is LabelKind.SERIAL
        assert bool(label.pattern.fullmatch(sample[1:])) is may_be_shorter, label.name


def test_registers_are_the_counters():
    shape = r"BASE|HCH[CP]|EJPH(N|PM)|BBRH.*|EAST|EAS[FD]\d\d|EAIT|ERQ\d"
    registers = {name for name, label in LABELS.items() if label.is_register}
    assert registers == {name for name in LABELS if re.fullmatch(shape, name)}
