"""Which vocoder sounds a model, and why. Light: no network is imported for the choice."""

from __future__ import annotations

from dataclasses import dataclass

from sda import universal
from sda.errors import ModelError, WeightsError
from sda.formats.distill import ModelDocument

WISHES = ("auto", "bigvgan", "hifigan")
FETCH = "fetch it with: sda-engine vocoder download"


@dataclass(frozen=True, slots=True)
class Choice:
    """The vocoder that sounds, and why it does. It is a wish in its turn, for this same vocoder."""

    name: str  # "hifigan", "bigvgan" or "draft"
    why: str


def choose(document: ModelDocument, wish: str) -> Choice:
    """What a wish means for this model. Raises `ModelError` where it cannot be had.

    BigVGAN that is wished for is promised even where its weights are not here: whoever loads it says so, or fetches them.
    """
    own = document.vocoder is not None
    match wish:
        case "hifigan" if not own:
            train = f"train one with: sda-engine train-vocoder {document.name}"
            raise ModelError(f"{document.name} has no vocoder of its own; {train}, or take --vocoder bigvgan")
        case "hifigan":
            return Choice("hifigan", "the model's own vocoder, as asked")
        case "bigvgan":
            return Choice("bigvgan", f"the universal vocoder, as asked{_unverified()}")
        case "draft":
            return Choice("draft", "the shipped base vocoder, a draft, as asked")
        case "auto" if own:
            return Choice("hifigan", "the model's own vocoder")
        case "auto":
            return for_all()
    raise ModelError(f"vocoder {wish!r}: expected one of {', '.join(WISHES)}")


def for_all() -> Choice:
    """BigVGAN where it can be loaded, else the draft; and why."""
    missing = "the model has none of its own, and BigVGAN"
    place = universal.store()
    if place.state().status != "present":
        return Choice("draft", f"the shipped base vocoder, a draft: {missing} is not here; {FETCH}")
    try:
        place.usable()
    except WeightsError as error:
        return Choice("draft", f"the shipped base vocoder, a draft: {missing} cannot be used: {error}")
    return Choice("bigvgan", f"the universal vocoder: the model has none of its own{_unverified()}")


def _unverified() -> str:
    return ", with UNVERIFIED weights" if universal.store().state().verdict == "unverified" else ""
