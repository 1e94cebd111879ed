"""The licence that a data set's card names, as the Hugging Face Hub reads it."""

from __future__ import annotations

from collections.abc import Iterable

#: The identifiers of licences that the Hub knows: SPDX's in small letters, and some of its own.
LICENCES = frozenset(
    (
        "apache-2.0 mit cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 "
        "cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 "
        "cc-by-nd-4.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 pddl odc-by odbl openrail openrail++ "
        "gpl gpl-2.0 gpl-3.0 agpl-3.0 lgpl lgpl-2.1 lgpl-3.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear "
        "bsl-1.0 mpl-2.0 ms-pl eupl-1.1 eupl-1.2 epl-1.0 epl-2.0 afl-3.0 artistic-2.0 isc ncsa ofl-1.1 osl-3.0 "
        "postgresql unlicense wtfpl zlib unknown other"
    ).split()
)


def licence_metadata(licences: Iterable[str]) -> dict[str, str]:
    """The card's metadata on the licences of its rows. The Hub has one licence for a data set, by an identifier of its
    own: that of the rows where they all have the same one, else the card's text tells."""
    names = {name.lower() for name in licences}
    if len(names) == 1 and names <= LICENCES:
        return {"license": names.pop()}
    return {"license": "other", "license_name": "by-source", "license_link": "#what-the-rows-are"}
