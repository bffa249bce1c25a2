"""What a licence allows, as far as its name tells."""

from __future__ import annotations

import pytest

from common.errors import InputError
from dataset.catalogue import licenses

FAMILY_OF = {
    "Attribution": "CC-BY",
    "Creative Commons Attribution": "CC-BY",
    "Attribution 3.0 Netherlands": "CC-BY",
    "Attribution 2.0 UK: England ": "CC-BY",
    "Creative Commons Attribution 4.0 International License": "CC-BY",
    "CC BY": "CC-BY",
    "CC-BY-4.0": "CC-BY",
    "Attribution-ShareAlike 3.0 International": "CC-BY-SA",
    "Attribution-Share Alike 3.0 United States": "CC-BY-SA",
    "cc by-sa 2.5": "CC-BY-SA",
    "Attribution-NonCommercial 4.0 International": "CC-BY-NC",
    "Attribution-Noncommercial 2.5 Switzerland": "CC-BY-NC",
    "Attribution-NonCommercial-ShareAlike 3.0 International": "CC-BY-NC-SA",
    "Attribution-Noncommercial-Share Alike 3.0 United States": "CC-BY-NC-SA",
    "CC BY-NC-SA 4.0": "CC-BY-NC-SA",
    "Attribution-NonCommercial-NoDerivatives (aka Music Sharing) 3.0 International": "CC-BY-NC-ND",
    "Attribution-Noncommercial-No Derivative Works 2.0 UK: England ": "CC-BY-NC-ND",
    "Attribution-NonCommercial-NoDerivs 3.0 Poland": "CC-BY-NC-ND",
    "Attribution-NoDerivs-NonCommercial 1.0 Generic": "CC-BY-NC-ND",
    "Attribution-NoDerivatives 4.0": "CC-BY-ND",
    "Attribution-No Derivative Works 2.5 Italy": "CC-BY-ND",
    "CC0 1.0 Universal": "CC0",
    "CC0": "CC0",
    "Public Domain": "PUBLIC-DOMAIN",
    "Public Domain Mark 1.0": "PUBLIC-DOMAIN",
    "Free Art License": "FREE-ART",
}
UNKNOWN = (
    "",
    "  ",
    "FMA-Limited: Download Only",
    "Orphan Work",
    "Sound Recording Common Law",
    "Public Domain / Sound Recording Common Law Protection",
    "The original license is Attribution 3.0",
    "All Rights Reserved",
    "Creative Commons",
    "Sampling 1.0",
    "Attribution required",
    "Attribution-NonCommercial-Download Only",
    "Attribution 3.0 Atlantis",
    "Attribution-ShareAlike-NoDerivatives",
    "Attribution-NonCommercial-NonCommercial",
    "NonCommercial-ShareAlike 1.0",
    "Not Attribution",
    "CC-BYE",
    "Redistributable",
    "commercial",
)


@pytest.mark.parametrize(("text", "family"), FAMILY_OF.items())
def test_a_licence_that_is_known_by_its_name(text: str, family: str) -> None:
    assert licenses.family(text) == family
    assert licenses.family(text.upper()) == family
    assert licenses.allows(text, ("redistributable",))
    assert licenses.allows(text, ("commercial",)) == ("NC" not in family)
    for name in licenses.FAMILIES:
        assert licenses.allows(text, (name.lower(),)) == (name == family)


@pytest.mark.parametrize("text", UNKNOWN)
def test_a_licence_that_is_not_known_allows_nothing(text: str) -> None:
    assert licenses.family(text) == ""
    everything = (*licenses.FAMILIES, *licenses.PRESETS, "", " ")
    assert not licenses.allows(text, everything)


@pytest.mark.parametrize("text", ["Orphan Work", "FMA-Limited: Download Only"])
def test_any_licence_may_be_given_as_the_archive_writes_it(text: str) -> None:
    assert licenses.allows(text, ("CC0", text))
    assert licenses.allows(f" {text} ", (text.lower(),))
    assert not licenses.allows(text, (text[:-1],))


def test_an_entry_that_no_track_has_is_refused_with_what_there_is() -> None:
    there = ["Attribution"] * 3 + ["CC0"] * 5 + ["Orphan Work", "", "a", "b", "c"]
    licenses.require_present(("cc-by", "CC0", "commercial", "Orphan work"), there)
    with pytest.raises(InputError, match=r"'CC-BY-SA'; there are 'CC0' \(5\), .* and 2 more$"):
        licenses.require_present(("CC0", "CC-BY-SA"), there)
