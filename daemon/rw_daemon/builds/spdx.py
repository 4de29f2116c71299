"""A list of packages as an SPDX 2.3 document in JSON (spdx.github.io/spdx-spec/v2.3). Pure.

The official library would bring nine packages more for a page of code; it judges this one in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from rw_daemon.builds.components import Component
from rw_shared.version import VERSION

UNKNOWN = "NOASSERTION"
ROOT = "SPDXRef-Artifact"


def document(name: str, *, reference: str, purpose: str, made_at: datetime, found: Sequence[Component]) -> dict[str, Any]:
    """Return the document: the same bytes for the same artifact.

    :param name: of what was built. ``reference``: what it is known by (an image's id). ``purpose``: ``CONTAINER`` or ``APPLICATION``.
    """
    packages = [_package(one, f"SPDXRef-{number}-{_plain(one.name)}") for number, one in enumerate(found, start=1)]
    root = {**_described(name, ROOT), "versionInfo": reference, "primaryPackagePurpose": purpose}
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"urn:uuid:{uuid5(NAMESPACE_URL, f'rw:{name}:{reference}')}",
        "creationInfo": {"created": made_at.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": [f"Tool: rw-{VERSION}"]},
        "packages": [root, *packages],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": ROOT},
            *({"spdxElementId": ROOT, "relationshipType": "CONTAINS", "relatedSpdxElement": one["SPDXID"]} for one in packages),
        ],
    }


def _package(one: Component, identity: str) -> dict[str, Any]:
    place = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": one.url}
    return {
        **_described(one.name, identity), "versionInfo": one.version, "licenseDeclared": licence_of(one.licence), "externalRefs": [place],
    }  # fmt: skip


def _described(name: str, identity: str) -> dict[str, Any]:
    return {
        "SPDXID": identity, "name": name, "downloadLocation": UNKNOWN, "filesAnalyzed": False,
        "licenseConcluded": UNKNOWN, "licenseDeclared": UNKNOWN, "copyrightText": UNKNOWN,
    }  # fmt: skip


def licence_of(said: str) -> str:
    """Return an SPDX expression, or that nobody knows: free text is no licence that a machine can tell."""
    try:
        return str(canonicalize_license_expression(said)) if said else UNKNOWN
    except InvalidLicenseExpression:
        return UNKNOWN


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-") or "package"
