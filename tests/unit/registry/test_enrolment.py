"""From a chip's request to its identity: what is checked on both sides, and what is refused."""

import hashlib
import json
import stat
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from cloud.registry.enrolment import check_request, enrol
from cloud.registry.key_files import load_authority
from cloud.registry.pki import issue_device, revoke
from cloud.store.providers import Provider
from cloud.store.sqlite.store import SqliteStore
from edge.contracts.enrolling import draw_keys, install, make_request, sign_contract, write_request
from edge.contracts.signed import load_contract
from edge.identity.enrolment import (
    Identity,
    ca_fingerprint,
    check_enrolment,
    load_identity,
    openssl_spelling,
)
from edge.identity.keys import load_keys
from protocol.contract import Contract, Offer, Signed, open_document, sign_document
from protocol.enrolment import Enrolment, EnrolmentRecord, EnrolmentRequest
from protocol.envelope import decode_body
from protocol.errors import ConfigError, DocumentRefused
from protocol.hpke import SealingKey
from protocol.ids import is_device_id, public_key_text
from protocol.moving import give_mandate
from tests.support.broker import COLLECTIVITY, Took, enrol_chip, make_cloud
from tests.support.tariffs import simple_tariff
from volet.main import volet

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
SERIAL = "041876123456"
START = date(2026, 3, 1)
PROVIDER_KEY = Ed25519PrivateKey.generate()
SEALING_KEY = SealingKey.generate()


@pytest.fixture(scope="module")
def offer() -> Signed:
    tariff = simple_tariff()
    public = PROVIDER_KEY.public_key().public_bytes_raw()
    offer = Offer(tariff.provider, public, SEALING_KEY.public_bytes, tariff.name, (tariff,))
    return sign_document(offer, PROVIDER_KEY)


@pytest.fixture
def cloud(tmp_path) -> Path:
    make_cloud(tmp_path / "cloud")
    return tmp_path / "cloud"


@pytest.fixture
def store(cloud):
    opened = SqliteStore.open(cloud)
    yield opened
    opened.close()


@pytest.fixture
def chip(tmp_path) -> Path:
    draw_keys(tmp_path / "chip")
    return tmp_path / "chip"


@pytest.fixture
def keys(chip):
    return load_keys(chip)


def _request(keys, **changes) -> Signed:
    made = decode_body(make_request(keys, None, None).body, EnrolmentRequest)
    made = msgspec.structs.replace(made, **changes)
    if "mandate" not in changes:
        household = SimpleNamespace(id=made.household_key, identity=keys.household.identity)
        mandate = give_mandate(household, made.signing_key, made.csr_pem, int(NOW.timestamp()))
        made = msgspec.structs.replace(made, mandate=mandate)
    return sign_document(made, keys.signing_key)


def _install(chip: Path, enrolment: Enrolment) -> EnrolmentRecord:
    answer = chip / "answer.json"
    answer.write_bytes(msgspec.json.encode(enrolment))
    return install(chip, answer)


# The whole way


def test_enrolled_chip_is_known_on_both_sides(cloud, store, chip, keys):
    enrolled = enrol(cloud, store, make_request(keys, None, None), NOW)
    _install(chip, enrolled.answer)
    identity = load_identity(chip)
    assert isinstance(identity, Identity)
    assert is_device_id(identity.device)
    assert identity.device == enrolled.device
    assert identity.collectivity == COLLECTIVITY
    (device,) = store.devices([identity.device])
    assert device.signing_key == identity.signing_key.public_key().public_bytes_raw()
    assert device.household_key == identity.household_key
    assert not enrolled.has_contract


def test_contract_reaches_store_and_chip(cloud, store, tmp_path, offer):
    identity = enrol_chip(cloud, tmp_path / "chip", Took(offer, SERIAL, START))
    (stored,) = store.contracts()
    assert stored.household_key == identity.household_key
    assert stored.provider_key == PROVIDER_KEY.public_key().public_bytes_raw()
    own_offer, own = load_contract(tmp_path / "chip")
    assert own_offer.tariffs == (simple_tariff(),)
    assert own.offer == offer.hash
    assert (own.start, own.end) == (START, None)
    contract = open_document(stored.contract, identity.signing_key.public_key(), Contract)
    assert contract == own


def _offered(name: str, key: Ed25519PrivateKey) -> Signed:
    tariff = msgspec.structs.replace(simple_tariff(), provider=name)
    public = key.public_key().public_bytes_raw()
    offer = Offer(name, public, SEALING_KEY.public_bytes, tariff.name, (tariff,))
    return sign_document(offer, key)


def _asked(keys, offer: Signed) -> Signed:
    return make_request(keys, offer, sign_contract(keys, offer, SERIAL, START))


def _register(store: SqliteStore, name: str, title: str, key: Ed25519PrivateKey) -> None:
    public = key.public_key().public_bytes_raw()
    store.providers.put_provider(Provider(name, public, title, NOW))


@pytest.mark.parametrize("name", ["EDF", "\u0415DF", "E D F", "edf"])
def test_an_offer_under_a_registered_name_is_taken_with_its_own_key_alone(cloud, store, keys, name):
    _register(store, "edf", "EDF", PROVIDER_KEY)
    forged = _offered(name, Ed25519PrivateKey.generate())
    with pytest.raises(DocumentRefused, match="somebody else made it"):
        enrol(cloud, store, _asked(keys, forged), NOW)
    assert not store.devices()
    assert not store.contracts()
    enrolled = enrol(cloud, store, _asked(keys, _offered("EDF", PROVIDER_KEY)), NOW)
    assert enrolled.has_contract
    assert enrolled.stranger is None


def test_a_registered_key_makes_offers_under_its_own_name_alone(cloud, store, keys):
    _register(store, "town", "Testville Energie", PROVIDER_KEY)
    with pytest.raises(DocumentRefused, match="registered for Testville Energie"):
        enrol(cloud, store, _asked(keys, _offered("EDF", PROVIDER_KEY)), NOW)


def test_whoever_answers_is_told_of_a_provider_that_is_not_registered(cloud, store, keys):
    asked = _asked(keys, _offered("EDF", PROVIDER_KEY))
    enrolled = enrol(cloud, store, asked, NOW)
    assert enrolled.stranger == ("EDF", PROVIDER_KEY.public_key().public_bytes_raw())
    # The name is registered since for somebody else: what was answered is answered again.
    _register(store, "edf", "EDF", Ed25519PrivateKey.generate())
    assert enrol(cloud, store, asked, NOW).device == enrolled.device


def _typed(*words) -> str:
    done = CliRunner().invoke(volet, ["cloud", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_name_under_two_keys_is_told_at_enrolment_and_again_when_one_is_registered(
    cloud, tmp_path
):
    """Neither is registered, so that either may be the forger's."""
    other, texts = Ed25519PrivateKey.generate(), []
    for number, key in enumerate((other, PROVIDER_KEY)):
        texts.append(public_key_text(key.public_key().public_bytes_raw()))
        draw_keys(tmp_path / str(number))
        asked = _asked(load_keys(tmp_path / str(number)), _offered(("edf", "EDF")[number], key))
        (tmp_path / "request.json").write_bytes(msgspec.json.encode(asked))
        said = _typed(
            *("enrol", "--dir", cloud, tmp_path / "request.json"),
            *("--out", tmp_path / "answer.json", "--json"),
        )
        assert ("1 contract already named edf with another key" in said) == (number == 1)
        told = msgspec.json.decode(said)
        assert told["unregistered"]["title"] == ("edf", "EDF")[number]
    shown = _typed("provider", "list", "--dir", cloud)
    for text, name in zip(texts, ("edf", "EDF"), strict=True):
        assert f"Not registered: {text}  {name}  (1 contract)" in shown
    add = ("provider", "add", "--dir", cloud, "edf", "--title", "EDF", "--key", texts[1])
    said = _typed(*add)
    assert f"1 contract from before named edf with another key, {texts[0]}" in said
    shown = _typed("provider", "list", "--dir", cloud)
    assert f"edf  {texts[1]}  EDF" in shown
    assert f"Not registered: {texts[0]}" in shown
    assert f"Not registered: {texts[1]}" not in shown


def test_serial_of_the_meter_leaves_the_chip_salted_and_hashed(keys, offer):
    contract = sign_contract(keys, offer, SERIAL, START)
    body = decode_body(contract.body, Contract)
    assert body.meter == hashlib.sha256(keys.meter_salt + SERIAL.encode()).digest()
    assert SERIAL.encode() not in make_request(keys, offer, contract).body


def test_request_carries_no_secret(keys):
    body = make_request(keys, None, None).body
    private = keys.tls_key.private_numbers().private_value.to_bytes(32, "big")
    signing, root = keys.signing_key.private_bytes_raw(), keys.household._root
    for secret in (private, signing, root, keys.meter_salt):
        assert secret not in body
    request = decode_body(body, EnrolmentRequest)
    csr = x509.load_pem_x509_csr(request.csr_pem)
    assert csr.is_signature_valid
    assert private not in csr.public_bytes(Encoding.DER)


def test_same_chip_again_keeps_its_id_and_gets_a_new_certificate(cloud, store, keys):
    first = enrol(cloud, store, make_request(keys, None, None), NOW)
    second = enrol(cloud, store, make_request(keys, None, None), NOW)
    assert first.device == second.device
    assert first.answer.certificate_pem != second.answer.certificate_pem


def test_chip_whose_enrolment_the_store_lost_keeps_the_id_it_has_signed_under(
    cloud, store, keys, tmp_path
):
    first = enrol(cloud, store, make_request(keys, None, None), NOW)
    (tmp_path / "empty").mkdir()
    empty = SqliteStore.open(tmp_path / "empty")
    again = enrol(cloud, empty, make_request(keys, None, None), NOW)
    empty.close()
    assert again.device == first.device


def test_revoked_chip_does_not_come_back_by_a_store_that_lost_it(cloud, store, keys, tmp_path):
    first = enrol(cloud, store, make_request(keys, None, None), NOW)
    revoke(cloud, first.device, NOW)
    (tmp_path / "empty").mkdir()
    empty = SqliteStore.open(tmp_path / "empty")
    with pytest.raises(DocumentRefused, match="revoked"):
        enrol(cloud, empty, make_request(keys, None, None), NOW)
    empty.close()


def test_two_chips_get_different_ids(cloud, tmp_path):
    assert enrol_chip(cloud, tmp_path / "a").device != enrol_chip(cloud, tmp_path / "b").device


# What the collectivity refuses


def test_name_in_the_signing_request_is_not_looked_at(cloud, store, keys):
    for name in ("worker", "+", "a" * 26):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        csr = x509.CertificateSigningRequestBuilder().subject_name(subject)
        csr = csr.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        pem = csr.sign(keys.tls_key, SHA256()).public_bytes(Encoding.PEM)
        enrolled = enrol(cloud, store, _request(keys, csr_pem=pem), NOW)
        certificate = x509.load_pem_x509_certificate(enrolled.answer.certificate_pem)
        assert certificate.subject.rfc4514_string() == f"CN={enrolled.device}"
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        assert not constraints.value.ca


def test_signing_request_with_a_foreign_signature_is_refused(keys):
    csr = x509.load_pem_x509_csr(decode_body(_request(keys).body, EnrolmentRequest).csr_pem)
    der = bytearray(csr.public_bytes(Encoding.DER))
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    ours = keys.tls_key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    theirs = other.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    swapped = x509.load_der_x509_csr(bytes(der).replace(ours, theirs))
    with pytest.raises(DocumentRefused, match="does not fit"):
        check_request(_request(keys, csr_pem=swapped.public_bytes(Encoding.PEM)))


@pytest.mark.parametrize(
    "key",
    [
        lambda: ec.generate_private_key(ec.SECP384R1()),
        lambda: rsa.generate_private_key(65537, 2048),
    ],
)
def test_key_that_is_not_on_p256_is_refused(keys, key):
    csr = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    pem = csr.sign(key(), SHA256()).public_bytes(Encoding.PEM)
    with pytest.raises(DocumentRefused, match="P-256"):
        check_request(_request(keys, csr_pem=pem))


def test_rubbish_in_place_of_a_signing_request_is_refused(keys):
    with pytest.raises(DocumentRefused, match="cannot be read"):
        check_request(_request(keys, csr_pem=b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA"))


def test_any_changed_byte_of_a_request_is_refused(keys, offer):
    contract = sign_contract(keys, offer, SERIAL, START)
    signed = make_request(keys, offer, contract)
    for place in range(0, len(signed.body), 17):
        body = bytearray(signed.body)
        body[place] ^= 1
        with pytest.raises(DocumentRefused):
            check_request(Signed(signed.kind, bytes(body), signed.signature))
    for place in range(64):
        signature = bytearray(signed.signature)
        signature[place] ^= 1
        with pytest.raises(DocumentRefused):
            check_request(Signed(signed.kind, signed.body, bytes(signature)))


def test_request_signed_by_another_key_than_it_names_is_refused(keys):
    request = decode_body(_request(keys).body, EnrolmentRequest)
    with pytest.raises(DocumentRefused, match="signature"):
        check_request(sign_document(request, Ed25519PrivateKey.generate()))


def test_contract_without_offer_is_refused(keys, offer):
    contract = sign_contract(keys, offer, SERIAL, START)
    with pytest.raises(DocumentRefused, match="together"):
        check_request(_request(keys, contract=contract))
    with pytest.raises(DocumentRefused, match="together"):
        check_request(_request(keys, offer=offer))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"offer": bytes(32)}, "another offer"),
        ({"household_key": bytes(16)}, "another household"),
        ({"end": START}, "ends before"),
    ],
)
def test_contract_that_does_not_fit_is_refused(keys, offer, change, reason):
    made = decode_body(sign_contract(keys, offer, SERIAL, START).body, Contract)
    contract = sign_document(msgspec.structs.replace(made, **change), keys.signing_key)
    with pytest.raises(DocumentRefused, match=reason):
        check_request(_request(keys, offer=offer, contract=contract))


def test_contract_signed_by_another_chip_is_refused(keys, offer):
    made = decode_body(sign_contract(keys, offer, SERIAL, START).body, Contract)
    contract = sign_document(made, Ed25519PrivateKey.generate())
    with pytest.raises(DocumentRefused, match="signature of this contract"):
        check_request(_request(keys, offer=offer, contract=contract))


def test_offer_that_nobody_signed_is_refused(keys, offer):
    forged = Signed(offer.kind, offer.body, bytes(64))
    contract = sign_contract(keys, offer, SERIAL, START)
    with pytest.raises(DocumentRefused, match="signature of this offer"):
        check_request(_request(keys, offer=forged, contract=contract))


def test_household_of_another_chip_cannot_be_claimed(cloud, store, keys, tmp_path):
    first = enrol(cloud, store, make_request(keys, None, None), NOW)
    draw_keys(tmp_path / "thief")
    thief = load_keys(tmp_path / "thief")
    claim = _request(thief, household_key=keys.household.id)
    with pytest.raises(DocumentRefused, match="registered with another"):
        enrol(cloud, store, claim, NOW)
    store.revoke(first.device)
    with pytest.raises(DocumentRefused, match="registered with another"):
        enrol(cloud, store, claim, NOW)


def test_revoked_chip_is_not_enrolled_again(cloud, store, keys):
    store.revoke(enrol(cloud, store, make_request(keys, None, None), NOW).device)
    with pytest.raises(DocumentRefused, match="was revoked"):
        enrol(cloud, store, make_request(keys, None, None), NOW)


def test_refused_request_leaves_nothing_behind(cloud, store, keys):
    with pytest.raises(DocumentRefused):
        enrol(cloud, store, _request(keys, csr_pem=b""), NOW)
    assert store.devices() == ()
    assert list((cloud / "pki" / "issued").iterdir()) == []


# What the chip refuses


@pytest.fixture
def answer(cloud, store, keys) -> Enrolment:
    return enrol(cloud, store, make_request(keys, None, None), NOW).answer


def sign_answer(cloud, answer: Enrolment) -> Enrolment:
    """Sign an answer as the authority does."""
    key = load_authority(cloud).key
    of_record = key.sign(answer.record, ec.ECDSA(SHA256()))
    of_all = key.sign(answer.signed_bytes, ec.ECDSA(SHA256()))
    return msgspec.structs.replace(answer, record_signature=of_record, signature=of_all)


@pytest.mark.parametrize(
    "change",
    [
        {"platform_key": bytes(32)},
        {"broker_host": "evil.example"},
        {"broker_port": 1},
        {"api_port": 1},
    ],
)
def test_platform_and_broker_are_vouched_for_by_the_authority(answer, chip, keys, change):
    with pytest.raises(DocumentRefused, match="not signed by the authority"):
        check_enrolment(msgspec.structs.replace(answer, **change), keys)
    unsigned = msgspec.structs.replace(answer, signature=b"", **change)
    with pytest.raises(DocumentRefused, match="does not vouch for broker"):
        _install(chip, unsigned)


def test_an_enrolment_of_before_answers_were_signed_whole_still_holds(answer, chip):
    _install(chip, answer)
    old = msgspec.structs.replace(answer, signature=b"")
    (chip / "enrolment.json").write_bytes(msgspec.json.encode(old))
    assert load_identity(chip).broker_host == answer.broker_host


def test_answer_for_another_chip_is_refused(answer, tmp_path):
    draw_keys(tmp_path / "other")
    with pytest.raises(DocumentRefused, match="not for this chip's TLS key"):
        check_enrolment(answer, load_keys(tmp_path / "other"))


@pytest.mark.parametrize(
    ("field", "reason"),
    [("signing_key", "signing key"), ("household_key", "household's keys"), ("device", "another")],
)
def test_record_that_does_not_fit_is_refused(answer, keys, cloud, field, reason):
    values = {"signing_key": bytes(32), "household_key": bytes(16), "device": "a" * 26}
    record = decode_body(answer.record, EnrolmentRecord)
    changed = msgspec.msgpack.encode(msgspec.structs.replace(record, **{field: values[field]}))
    forged = sign_answer(cloud, msgspec.structs.replace(answer, record=changed))
    with pytest.raises(DocumentRefused, match=reason):
        check_enrolment(forged, keys)


def test_any_changed_byte_of_the_record_is_refused(answer, keys):
    for place in range(len(answer.record)):
        record = bytearray(answer.record)
        record[place] ^= 1
        with pytest.raises(DocumentRefused):
            check_enrolment(msgspec.structs.replace(answer, record=bytes(record)), keys)


def test_certificate_of_another_authority_is_refused(answer, keys, tmp_path):
    make_cloud(tmp_path / "elsewhere")
    ca = (tmp_path / "elsewhere" / "pki" / "ca.pem").read_bytes()
    with pytest.raises(DocumentRefused, match="not signed by the authority"):
        check_enrolment(msgspec.structs.replace(answer, ca_pem=ca), keys)


def test_certificate_that_the_authority_did_not_sign_is_refused(answer, keys, tmp_path):
    make_cloud(tmp_path / "elsewhere")
    device = decode_body(answer.record, EnrolmentRecord).device
    forged = issue_device(tmp_path / "elsewhere", device, keys.tls_key.public_key(), NOW)
    with pytest.raises(DocumentRefused, match="not signed by the authority"):
        check_enrolment(msgspec.structs.replace(answer, certificate_pem=forged), keys)


def _stranger() -> tuple[bytes, ec.EllipticCurvePrivateKey]:
    """Return an authority of somebody's own as PEM, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(key.public_key()).serial_number(1)
    builder = builder.not_valid_before(NOW).not_valid_after(NOW + timedelta(days=9))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM), key


def test_the_authority_of_another_collectivity_does_not_hide_behind_the_compared_one(
    answer, chip, keys, tmp_path
):
    """The fingerprint is the genuine root's; what would be trusted is the stranger's."""
    make_cloud(tmp_path / "elsewhere", COLLECTIVITY)
    store = SqliteStore.open(tmp_path / "elsewhere")
    forged = enrol(tmp_path / "elsewhere", store, make_request(keys, None, None), NOW).answer
    store.close()
    forged = msgspec.structs.replace(forged, ca_pem=answer.ca_pem + forged.ca_pem)
    with pytest.raises(DocumentRefused, match="more than one authority"):
        _install(chip, forged)
    assert not (chip / "ca.pem").exists()


@pytest.mark.parametrize("spelled", ["{}", "{} ", "upper", "openssl"])
def test_only_the_authority_that_was_published_is_installed(answer, chip, spelled):
    (chip / "answer.json").write_bytes(msgspec.json.encode(answer))
    published = ca_fingerprint(answer.ca_pem)
    other = ca_fingerprint(_stranger()[0])
    for wrong in (other, published[:-1], "", f"0{published}"):
        with pytest.raises(DocumentRefused, match="Nothing was installed"):
            install(chip, chip / "answer.json", wrong)
        assert not (chip / "enrolment.json").exists()
    spellings = {"upper": published.upper(), "openssl": openssl_spelling(published)}
    install(chip, chip / "answer.json", spellings.get(spelled, spelled.format(published)))
    assert (chip / "ca.pem").read_bytes() == answer.ca_pem


def test_no_further_authority_is_trusted_than_the_compared_one(answer, chip):
    """Nobody signs the roots in an answer: who hands it on could add one of his own."""
    pem, _ = _stranger()
    added = msgspec.structs.replace(answer, ca_pem=answer.ca_pem + pem)
    with pytest.raises(DocumentRefused, match="more than one authority"):
        _install(chip, added)
    # OpenSSL trusts what is written so, and cryptography does not see it.
    hidden = pem.replace(b" CERTIFICATE", b" TRUSTED CERTIFICATE")
    _install(chip, msgspec.structs.replace(answer, ca_pem=hidden + answer.ca_pem + hidden))
    assert (chip / "ca.pem").read_bytes() == answer.ca_pem
    trusted = load_identity(chip).tls_context().get_ca_certs()
    assert [dict(part[0] for part in each["subject"])["commonName"] for each in trusted] != []
    assert "stranger" not in str(trusted)


def test_answer_is_signed_by_the_issuer_of_its_certificate(answer, keys):
    """Not by whoever stands where an issuer would."""
    own, issuer = x509.load_pem_x509_certificates(answer.certificate_pem)
    pem, key = _stranger()
    forged = msgspec.structs.replace(
        answer,
        broker_host="evil.example",
        certificate_pem=own.public_bytes(Encoding.PEM) + pem,
        ca_pem=answer.ca_pem + issuer.public_bytes(Encoding.PEM),
        record_signature=key.sign(answer.record, ec.ECDSA(SHA256())),
    )
    signature = key.sign(forged.signed_bytes, ec.ECDSA(SHA256()))
    with pytest.raises(DocumentRefused, match="not signed by the authority"):
        check_enrolment(msgspec.structs.replace(forged, signature=signature), keys)


def test_rubbish_in_place_of_certificates_is_refused(answer, keys):
    for field in ("ca_pem", "certificate_pem"):
        with pytest.raises(DocumentRefused, match="cannot be read"):
            check_enrolment(msgspec.structs.replace(answer, **{field: b"rubbish"}), keys)


def test_refused_answer_leaves_the_identity_as_it_was(answer, chip, keys, tmp_path):
    _install(chip, answer)
    before = {p: p.read_bytes() for p in chip.rglob("*") if p.is_file() and p.name != "answer.json"}
    make_cloud(tmp_path / "elsewhere")
    store = SqliteStore.open(tmp_path / "elsewhere")
    other = enrol(tmp_path / "elsewhere", store, make_request(keys, None, None), NOW).answer
    store.close()
    with pytest.raises(DocumentRefused, match="another authority"):
        _install(chip, other)
    assert {p: p.read_bytes() for p in before} == before


# Keys and files of the chip


def test_keys_are_closed_and_never_drawn_twice(chip):
    before = {p: p.read_bytes() for p in (chip / "keys").iterdir()}
    assert {p.name for p in before} == {"tls.key", "signing.key", "household.key", "meter.salt"}
    for path in before:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((chip / "keys").stat().st_mode) == 0o700
    assert not draw_keys(chip)
    assert {p: p.read_bytes() for p in (chip / "keys").iterdir()} == before


def test_settings_of_the_chip_are_not_overwritten(chip):
    (chip / "edge.toml").write_text("# mine\n")
    draw_keys(chip)
    assert (chip / "edge.toml").read_text() == "# mine\n"


def test_interrupted_drawing_is_completed(chip):
    kept = (chip / "keys" / "tls.key").read_bytes()
    (chip / "keys" / "signing.key").unlink()
    assert draw_keys(chip)
    assert (chip / "keys" / "tls.key").read_bytes() == kept


def test_lost_key_of_an_enrolled_chip_is_not_drawn_again(chip, answer):
    _install(chip, answer)
    (chip / "keys" / "household.key").unlink()
    with pytest.raises(ConfigError, match=r"household.key is gone.*from a copy"):
        draw_keys(chip)


def test_chip_that_is_not_enrolled_says_what_next(chip):
    with pytest.raises(ConfigError, match=r"enrolment\.json is missing; enrol this chip first"):
        load_identity(chip)


def test_chip_without_keys_says_what_next(tmp_path):
    with pytest.raises(ConfigError, match="volet edge init"):
        load_keys(tmp_path)


@pytest.mark.parametrize("name", ["tls.key", "signing.key", "household.key", "meter.salt"])
def test_key_open_to_others_stops_the_chip(chip, answer, name):
    _install(chip, answer)
    (chip / "keys" / name).chmod(0o644)
    with pytest.raises(ConfigError, match="open to other users"):
        load_identity(chip)


@pytest.mark.parametrize("name", ["tls.key", "signing.key", "household.key"])
def test_damaged_key_is_named(chip, answer, name):
    _install(chip, answer)
    path = chip / "keys" / name
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ConfigError, match=name):
        load_identity(chip)


def test_keys_in_the_wrong_place_are_named(chip):
    tls, signing = chip / "keys" / "tls.key", chip / "keys" / "signing.key"
    swapped = tls.read_bytes(), signing.read_bytes()
    signing.write_bytes(swapped[0])
    with pytest.raises(ConfigError, match="no Ed25519 key"):
        load_keys(chip)
    tls.write_bytes(swapped[1])
    with pytest.raises(ConfigError, match="no elliptic-curve key"):
        load_keys(chip)


@pytest.mark.parametrize("content", [b"", b"{}", b"[" * 10_000, b"\xff\xfe", b'{"record": 5}'])
def test_damaged_enrolment_is_a_sentence(chip, answer, content):
    _install(chip, answer)
    (chip / "enrolment.json").write_bytes(content)
    with pytest.raises(ConfigError, match="is no enrolment"):
        load_identity(chip)


def test_keys_come_from_systemd_credentials_if_they_are_there(chip, answer, tmp_path, monkeypatch):
    _install(chip, answer)
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    for path in (chip / "keys").iterdir():
        path.rename(credentials / path.name)
        (credentials / path.name).chmod(0o440)  # systemd keeps others away by other means
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    identity = load_identity(chip)
    assert identity.tls_key_path == credentials / "tls.key"
    identity.tls_context()


def test_enrolment_is_plain_json_that_people_can_look_at(chip, answer):
    _install(chip, answer)
    fields = json.loads((chip / "enrolment.json").read_bytes())
    assert fields["broker_host"] == "127.0.0.1"


def test_offer_without_a_tariff_on_the_first_day_is_not_taken(keys, offer):
    with pytest.raises(DocumentRefused, match="no tariff on 1999"):
        sign_contract(keys, offer, SERIAL, date(1999, 1, 1))


def test_contract_of_a_request_that_was_not_answered_is_not_yet_the_chips(
    cloud, store, chip, keys, offer
):
    request = make_request(keys, offer, sign_contract(keys, offer, SERIAL, START))
    write_request(chip, chip / "request.json", request)
    assert load_contract(chip) is None
    _install(chip, enrol(cloud, store, request, NOW).answer)
    assert load_contract(chip) is not None
