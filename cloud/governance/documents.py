"""Drafts, signs, checks and adds the collectivity's documents.

A document's file is the JSON of its `CosignedDocument`. Several people may sign copies of it in
parallel, and all copies are given to `add_document` together.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from cloud.governance.current import MEASURES_KIND, TRUSTEES_KIND
from cloud.store.area import AreaStore
from protocol.area_cipher import SHAPES, Shape
from protocol.calendar import day_number, day_of_number
from protocol.errors import DocumentRefused
from protocol.governance import (
    NOTICE_DAYS,
    CosignedDocument,
    Trustee,
    TrusteeSet,
    check_signed_by_trustees,
    open_first_set,
    open_next_set,
    read_cosigned,
)
from protocol.json_text import read_json
from protocol.key_list import Successors, alone
from protocol.measures import Measures, check_measures
from protocol.transform import read_transform
from system.files import read_document

T = TypeVar("T")


class DocumentSummary(msgspec.Struct, frozen=True):
    """A document in a list; its days are from `effective` until before `end`, if it has one."""

    kind: str
    version: int
    hash: str
    effective: date
    end: date | None
    signers: tuple[str, ...]


def parse_shape(text: str) -> Shape:
    """Read "3-of-4". Raises DocumentRefused for a shape that is not offered."""
    for shape in SHAPES:
        if text == f"{shape.threshold}-of-{shape.trustees}":
            return shape
    offered = ", ".join(f"{shape.threshold}-of-{shape.trustees}" for shape in SHAPES)
    raise DocumentRefused(f"{text} trustees are not offered; take one of {offered}.")


def read_trustee(path: Path) -> Trustee:
    """Read a trustee's description of itself. Raises DocumentRefused if it is not one."""
    return _read(path, Trustee, "the description of a trustee", "ask the trustee for its file.")


def read_cosigned_file(path: Path) -> CosignedDocument:
    """Read a document with its signatures. Raises DocumentRefused if the file holds none."""
    return _read(path, CosignedDocument, "a document", "ask who drew it up.")


def cosigned_file(cosigned: CosignedDocument) -> bytes:
    """Return the contents of a document's file."""
    return msgspec.json.encode(cosigned)


def trustee_chain(area: AreaStore) -> list[tuple[CosignedDocument, TrusteeSet]]:
    """Return all sets of trustees, oldest first."""
    chain = [
        (cosigned, read_cosigned(cosigned, TrusteeSet))
        for cosigned in area.cosigned_documents(TRUSTEES_KIND)
    ]
    return sorted(chain, key=lambda link: link[1].version)


def next_set(
    area: AreaStore, collectivity: str, shape: Shape, trustees: Sequence[Trustee], effective: int
) -> TrusteeSet:
    """Draft the set that follows the stored ones; the caller adds the keys.

    Raises:
        DocumentRefused: the shape needs another number of trustees.
    """
    if len(trustees) != shape.trustees:
        raise DocumentRefused(
            f"{shape.threshold}-of-{shape.trustees} takes {shape.trustees} trustees, "
            f"{len(trustees)} are named."
        )
    chain = trustee_chain(area)
    previous, version = (chain[-1][0].hash, chain[-1][1].version) if chain else (None, 0)
    return TrusteeSet(
        collectivity,
        version + 1,
        previous,
        effective,
        shape,
        tuple(trustees),
        bytes(32),
        bytes(32),
    )


def add_document(
    area: AreaStore,
    copies: Sequence[CosignedDocument],
    collectivity: str,
    today: date,
    successors: Successors = alone,
) -> CosignedDocument:
    """Check a document and store it; `copies` are copies of it, each with some signatures.

    `successors` are those of the keys that sets of trustees name.

    The first of its kind may take effect at once; all others need notice.

    Raises:
        DocumentRefused: names what is wrong; nothing was stored.
    """
    cosigned = joined(copies)
    stored = area.cosigned(cosigned.hash)
    if stored is not None:
        cosigned = joined((stored, *copies))
    if cosigned.kind == TRUSTEES_KIND:
        _check_set(area, cosigned, collectivity, today, successors, is_known=stored is not None)
    elif cosigned.kind == MEASURES_KIND:
        _check_measures(
            area, cosigned, collectivity, today, successors, is_known=stored is not None
        )
    else:
        raise DocumentRefused(f"A {cosigned.kind} is no document of the area lane.")
    area.put_cosigned(cosigned)
    return cosigned


def joined(copies: Sequence[CosignedDocument]) -> CosignedDocument:
    """Join the signatures of copies of one document. Raises DocumentRefused if they differ."""
    first = copies[0]
    if any((copy.kind, copy.body) != (first.kind, first.body) for copy in copies):
        raise DocumentRefused("These files are not copies of one document; add one at a time.")
    signatures = dict.fromkeys(signature for copy in copies for signature in copy.signatures)
    return CosignedDocument(first.kind, first.body, tuple(signatures))


def listed(area: AreaStore) -> tuple[DocumentSummary, ...]:
    """Return the stored sets of trustees, then measures, by version."""
    sets = [(cosigned, trustees) for cosigned, trustees in trustee_chain(area)]
    summaries = [
        *(_listed(cosigned, trustees) for cosigned, trustees in sets),
        *(_listed(cosigned, measures) for cosigned, measures in _measures_chain(area)),
    ]
    return tuple(summaries)


def _listed(cosigned: CosignedDocument, document: TrusteeSet | Measures) -> DocumentSummary:
    return DocumentSummary(
        cosigned.kind,
        document.version,
        cosigned.hash.hex(),
        day_of_number(document.effective),
        day_of_number(document.end) if isinstance(document, Measures) else None,
        tuple(signature.signer for signature in cosigned.signatures),
    )


def _measures_chain(area: AreaStore) -> list[tuple[CosignedDocument, Measures]]:
    chain = [
        (cosigned, read_cosigned(cosigned, Measures))
        for cosigned in area.cosigned_documents(MEASURES_KIND)
    ]
    return sorted(chain, key=lambda link: link[1].version)


def _check_set(
    area: AreaStore,
    cosigned: CosignedDocument,
    collectivity: str,
    today: date,
    successors: Successors,
    *,
    is_known: bool,
) -> None:
    chain = trustee_chain(area)
    if is_known:
        place = [predecessor.hash for predecessor, _ in chain].index(cosigned.hash)
        chain = chain[:place]
    previous = chain[-1][0] if chain else None
    trustees = (
        open_next_set(cosigned, previous, successors) if previous else open_first_set(cosigned)
    )
    if trustees.collectivity != collectivity:
        raise DocumentRefused(f"This set of trustees is {trustees.collectivity}'s.")
    if chain and not is_known:
        _check_notice(cosigned.kind, trustees.effective, today)


def _check_measures(
    area: AreaStore,
    cosigned: CosignedDocument,
    collectivity: str,
    today: date,
    successors: Successors,
    *,
    is_known: bool,
) -> None:
    measures = read_cosigned(cosigned, Measures)
    sets = {document.hash: trustees for document, trustees in trustee_chain(area)}
    trustees = sets.get(measures.trustees)
    if trustees is None:
        raise DocumentRefused(
            "These measures stand under a set of trustees that is not here; add that set first."
        )
    check_signed_by_trustees(cosigned, trustees, successors)
    check_measures(measures)
    if measures.collectivity != collectivity:
        raise DocumentRefused(f"These measures are {measures.collectivity}'s.")
    if measures.effective < trustees.effective:
        raise DocumentRefused("These measures would take effect before their trustees.")
    _check_transforms(area, measures)
    if is_known:
        return
    chain = _measures_chain(area)
    if chain and measures.version != chain[-1][1].version + 1:
        raise DocumentRefused(
            f"These measures are version {measures.version}; "
            f"the next one is {chain[-1][1].version + 1}."
        )
    if measures.previous != (chain[-1][0].hash if chain else None):
        raise DocumentRefused(
            "These measures do not name those that they follow: draw them up with "
            "`volet cloud measures draw-up --follows FILE`."
        )
    if chain and measures.effective < chain[-1][1].effective:
        raise DocumentRefused("These measures would take effect before those they follow.")
    if chain:
        _check_notice(cosigned.kind, measures.effective, today)


def _check_transforms(area: AreaStore, measures: Measures) -> None:
    for measure in measures.measures:
        for group in measure.groups:
            if group.transform is None:
                continue
            data = area.blob(group.transform)
            if data is None:
                raise DocumentRefused(
                    f"{measure.name}, {group.code}: its transform is not here; give the file to "
                    "`volet cloud documents add --blob FILE`."
                )
            if read_transform(data).rows != group.slots:
                raise DocumentRefused(
                    f"{measure.name}, {group.code}: its transform has another number of slots."
                )


def _check_notice(kind: str, effective: int, today: date) -> None:
    first = day_number(today) + NOTICE_DAYS
    if effective < first:
        raise DocumentRefused(
            f"This {kind} would take effect on {day_of_number(effective)}; chips and trustees need "
            f"{NOTICE_DAYS} days, so {day_of_number(first)} is the first day: draw it up anew."
        )


def _read(path: Path, document_type: type[T], what: str, next_step: str) -> T:
    data = read_document(path, next_step)
    try:
        return read_json(data, document_type)
    except msgspec.MsgspecError as exc:
        raise DocumentRefused(f"{path} is not {what}: {exc}.") from exc
