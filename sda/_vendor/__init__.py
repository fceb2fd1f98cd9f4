"""Where vendored networks are found: beside this file in an installed wheel, in `vendor/` at the top of a checkout."""

from pathlib import Path

_checkout = Path(__file__).parents[2] / "vendor"
if _checkout.is_dir():
    __path__.append(str(_checkout))
