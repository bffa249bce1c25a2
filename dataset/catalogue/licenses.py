"""What a track's licence allows, as far as its name tells.

Names are understood one by one: a name that is not among them allows nothing. This sorts tracks,
and is no advice on the law.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable

from common.errors import InputError

_CREATIVE_COMMONS = ("CC-BY", "CC-BY-SA", "CC-BY-ND", "CC-BY-NC", "CC-BY-NC-SA", "CC-BY-NC-ND")
_SHOWN = 5  # licences in an error
# Families of licences under which unmodified copies may be passed on.
FAMILIES = (*_CREATIVE_COMMONS, "CC0", "PUBLIC-DOMAIN", "FREE-ART")
PRESETS = {
    "redistributable": frozenset(FAMILIES),
    "commercial": frozenset(name for name in FAMILIES if "NC" not in name.split("-")),
}

# How the elements of Creative Commons licences have been spelt, in lower case.
_ELEMENTS = {
    "NC": r"nc|non-?commercial",
    "SA": r"sa|share[- ]?alike",
    "ND": r"nd|no ?deriv(?:ative)?s?(?: works)?",
}
# Where Creative Commons has had licences for, and what is for everywhere.
_PLACES = (
    "international|unported|generic|igo|argentina|armenia|australia|austria|azerbaijan|belgium|"
    "brazil|bulgaria|canada|chile|china mainland|colombia|costa rica|croatia|czech republic|"
    "denmark|ecuador|egypt|estonia|finland|france|georgia|germany|greece|guatemala|hong kong|"
    "hungary|india|ireland|israel|italy|japan|korea|south korea|luxembourg|macedonia|malaysia|"
    "malta|mexico|netherlands|new zealand|norway|peru|philippines|poland|portugal|puerto rico|"
    "romania|serbia|singapore|slovenia|south africa|spain|sweden|switzerland|taiwan|thailand|"
    "uganda|uk: england|uk: england (?:&|and) wales|uk: scotland|ukraine|united states|venezuela|"
    "vietnam"
)
_VERSION = rf"(?:[- ][1-4]\.[0-9])?(?: (?:{_PLACES}))?(?: licen[sc]e)?"
_CC = re.compile(
    r"(?:creative commons )?(?:cc[- ]by|attribution)"
    rf"((?:[- ](?:{'|'.join(_ELEMENTS.values())}))*)"
    rf"(?: \(aka music sharing\))?{_VERSION}"
)
_OTHERS = {
    "CC0": r"(?:creative commons )?cc0(?:[- ]1\.0)?(?: universal)?(?: public domain dedication)?",
    "PUBLIC-DOMAIN": r"(?:creative commons )?public domain(?: mark)?(?: 1\.0)?",
    "FREE-ART": r"(?:the )?free art licen[sc]e(?: 1\.[0-3])?|licence art libre(?: 1\.[0-3])?",
}


def allows(license_text: str, allowed: tuple[str, ...]) -> bool:
    """Returns whether a list of what is allowed has a licence.

    Args:
        license_text: as the archive writes it.
        allowed: each a preset, a family by its short name such as `CC-BY-NC-SA`, in all of its
            versions, or a licence as the archive writes it. Case does not matter. `redistributable`
            are the licences under which unmodified copies may be passed on, `commercial` those of
            them that are not for non-commercial use alone. An empty list allows everything.
    """
    return not allowed or any(_is_in(license_text, entry) for entry in allowed)


def require_present(allowed: Iterable[str], license_texts: Iterable[str]) -> None:
    """Makes sure that every entry of a list of what is allowed is the licence of some track.

    Raises:
        InputError: naming the entry, and the licences that most tracks have.
    """
    there = Counter(license_texts)
    for entry in allowed:
        if not any(_is_in(text, entry) for text in there):
            shown = ", ".join(f"{text!r} ({n})" for text, n in there.most_common(_SHOWN))
            more = f" and {len(there) - _SHOWN} more" if len(there) > _SHOWN else ""
            raise InputError(f"no track has the license {entry!r}; there are {shown}{more}")


def family(license_text: str) -> str:
    """Returns the short name of the family of a licence, empty where it is none of `FAMILIES`."""
    text = _folded(license_text)
    if match := _CC.fullmatch(text):
        found = [name for name, spelt in _ELEMENTS.items() for _ in re.findall(spelt, match[1])]
        # Sorted, since version 1.0 has NoDerivs before NonCommercial.
        name = "-".join(["CC", "BY", *sorted(found)])
        return name if name in _CREATIVE_COMMONS else ""
    return next((name for name, spelt in _OTHERS.items() if re.fullmatch(spelt, text)), "")


@functools.lru_cache(maxsize=10_000)
def _is_in(license_text: str, entry: str) -> bool:
    """Returns whether a licence is what an entry of the list says."""
    wanted = _folded(entry)
    if wanted in PRESETS:
        return family(license_text) in PRESETS[wanted]
    if license_text.strip() and _folded(license_text) == wanted:
        return True
    name = re.sub("[ _]", "-", wanted).upper()
    return name in FAMILIES and family(license_text) == name


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
