"""An installation's bill of materials, as CycloneDX 1.6 in JSON: what was installed, from which file, by which licence.

    python config/sbom.py ENVIRONMENT REPORT OUT

REPORT is what `pip install --report` wrote as it installed `requirements.lock` into the virtual environment. The same
installation gives the same octets: it has no chance and no clock, only SOURCE_DATE_EPOCH where that is set. A package
without a licence that SPDX knows, or without the SHA-256 of its file, is an error and not a gap.
"""

import json
import os
import sys
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from itertools import chain
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.contrib.this.builders import this_component
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

LICENCES = {
    "dkimpy": "Zlib",
    "jinja2": "BSD-3-Clause",
    "ldap3": "LGPL-3.0-or-later",
    "markdown-it-py": "MIT",
    "mdurl": "MIT",
    "peewee": "MIT",
    "pyasn1-modules": "BSD-2-Clause",
    "pyopenssl": "Apache-2.0",
    "pypdfium2": "Apache-2.0 AND BSD-3-Clause",
    "pyrage": "MIT",
    "python-dateutil": "BSD-3-Clause",
    "s3transfer": "Apache-2.0",
    "schedule": "MIT",
    "segno": "BSD-3-Clause",
    "shellingham": "ISC",
    "uvloop": "MIT OR Apache-2.0",
    "webencodings": "BSD-3-Clause",
    "wtforms": "BSD-3-Clause",
}
"""What the licence files of those packages say whose metadata have no name that SPDX knows."""


class Incomplete(ValueError):
    """Something that has to be said of a package is not known; the text names both."""


def bill(site: Path, report: dict) -> str:
    """The bill of materials of what pip's report says was installed into `site`. Raises Incomplete."""
    hashes = dict(_files(report))
    found = {canonicalize_name(one.name): one for one in distributions(path=[str(site)])}
    if missing := hashes.keys() - found.keys():
        raise Incomplete(f"not in {site}: {', '.join(sorted(missing))}")
    bom = Bom(components=[_component(name, found[name], hashes[name]) for name in sorted(hashes)])
    _describe(bom)
    _depend(bom, found)
    bom.serial_number = uuid5(NAMESPACE_URL, json.dumps(sorted(hashes.items())))
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    bom.metadata.timestamp = datetime.fromtimestamp(int(epoch), UTC) if epoch else None
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _files(report: dict) -> Iterator[tuple[str, str]]:
    """Each package that was installed, and the SHA-256 of the file that it came in."""
    for item in report["install"]:
        name = canonicalize_name(item["metadata"]["name"])
        digest = item["download_info"].get("archive_info", {}).get("hashes", {}).get("sha256")
        if not digest:
            raise Incomplete(f"{name}: no SHA-256 of its file")
        yield name, digest


def _component(name: str, installed: Distribution, digest: str) -> Component:
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=installed.version,
        description=installed.metadata.get("Summary"),
        purl=PackageURL("pypi", None, name, installed.version),
        bom_ref=name,
        licenses=[_licence(name, installed)],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )


def _licence(name: str, installed: Distribution) -> License:
    own = installed.metadata.get("License-Expression") or installed.metadata.get("License")
    text = LICENCES.get(name) or own
    factory = LicenseFactory()
    licence = factory.make_from_string(text, license_acknowledgement=LicenseAcknowledgement.DECLARED) if text else None
    if licence is None or (isinstance(licence, DisjunctiveLicense) and not licence.id):
        raise Incomplete(f"{name}: SPDX has no licence {text!r}; read its licence file, and put it into LICENCES")
    return licence


def _describe(bom: Bom) -> None:
    """What the bill is of, and who wrote it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    bom.metadata.component = Component(
        type=ComponentType.APPLICATION,
        name=project["name"],
        version=project["version"],
        description=project["description"],
        bom_ref=project["name"],
        licenses=[LicenseFactory().make_from_string(project["license"])],
    )
    bom.metadata.tools.components.add(this_component())


def _depend(bom: Bom, found: dict[str, Distribution]) -> None:
    """Who needs whom: the gateway what pyproject.toml names, and of extras what is there; packages what they say."""
    components = {component.name: component for component in bom.components}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    own = [*project["dependencies"], *chain.from_iterable(project["optional-dependencies"].values())]
    needs = {name: found[name].requires or [] for name in components}
    for component, requirements in [
        (bom.metadata.component, own),
        *((components[name], needs[name]) for name in components),
    ]:
        names = {canonicalize_name(one.name) for one in map(Requirement, requirements) if _applies(one)}
        bom.register_dependency(component, [components[name] for name in sorted(names & components.keys())])


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


if __name__ == "__main__":
    environment, report, out = map(Path, sys.argv[1:])
    [site] = environment.glob("lib/python3*/site-packages")
    try:
        out.write_text(bill(site, json.loads(report.read_text("utf-8"))), "utf-8")
    except Incomplete as gap:
        sys.exit(str(gap))
