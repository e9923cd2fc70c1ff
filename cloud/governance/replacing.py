"""Drafts the documents that put a trustee out: the next set, and the same measures under it."""

import msgspec

from cloud.governance.current import MEASURES_KIND
from cloud.governance.documents import trustee_chain
from cloud.store.area import AreaStore
from protocol.area_cipher import SHAPES, Shape
from protocol.errors import DocumentRefused
from protocol.governance import CosignedDocument, Trustee, TrusteeSet, draw_up, read_cosigned
from protocol.measures import Measures

# Measures that have fewer days left than this get a new end, so that figures go on.
LIFE_DAYS = 365


def replaced_set(area: AreaStore, name: str, by: Trustee | None, effective: int) -> TrusteeSet:
    """Draft the set that follows the last one, without a trustee.

    Another trustee takes its place. With None, the set shrinks: 3 of 4 becomes 2 of 3, and 2 of 3
    becomes 2 of 2.

    Raises:
        DocumentRefused: there is no set with this trustee, or it cannot shrink.
    """
    chain = trustee_chain(area)
    if not chain:
        raise DocumentRefused(
            "There is no set of trustees here; draw one up with `volet cloud documents trustees`."
        )
    cosigned, current = chain[-1]
    number = current.number_of(name)
    others = list(current.trustees)
    if by is None:
        del others[number]
    else:
        others[number] = by
    return msgspec.structs.replace(
        current,
        version=current.version + 1,
        previous=cosigned.hash,
        effective=max(effective, current.effective),
        shape=current.shape if by is not None else _smaller(current.shape),
        trustees=tuple(others),
    )


def measures_under(
    area: AreaStore, trustees: CosignedDocument, effective: int
) -> CosignedDocument | None:
    """Draft the last measures again under another set of trustees; None if there are none."""
    cosigned_documents = area.cosigned_documents(MEASURES_KIND)
    if not cosigned_documents:
        return None
    last = max(cosigned_documents, key=lambda cosigned: read_cosigned(cosigned, Measures).version)
    measures = read_cosigned(last, Measures)
    first = max(effective, measures.effective, read_cosigned(trustees, TrusteeSet).effective)
    return draw_up(
        msgspec.structs.replace(
            measures,
            version=measures.version + 1,
            trustees=trustees.hash,
            previous=last.hash,
            effective=first,
            end=measures.end if measures.end > first else first + LIFE_DAYS,
        )
    )


def _smaller(shape: Shape) -> Shape:
    for smaller in SHAPES:
        if smaller.trustees == shape.trustees - 1:
            return smaller
    raise DocumentRefused(
        f"{shape.threshold} of {shape.trustees} cannot do with one trustee less; name another one "
        "with --by."
    )
