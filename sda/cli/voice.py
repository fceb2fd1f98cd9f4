"""The options of every command that sounds a model: which vocoder, on which device, and whether its weights may be fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sda.choice import Choice
    from sda.model import Model

vocoder_option = click.option(
    "--vocoder",
    type=click.Choice(["auto", "bigvgan", "hifigan"]),
    default="auto",
    show_default=True,
    help="auto: the model's own HiFi-GAN, else BigVGAN if it is here, else the shipped draft. bigvgan is fetched if need be.",
)
device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="Where the vocoder runs. auto: BigVGAN on the fastest there is, a HiFi-GAN on the CPU, where it is fast already.",
)
offline_option = click.option("--offline", is_flag=True, help="Fetch nothing over the network.")


def chosen(model: Model, wish: str, *, offline: bool) -> Choice:
    """The vocoder that a wish means for a model; BigVGAN's weights are fetched where it was asked for and they are not here.

    Raises `SdaError` where it cannot be had.
    """
    choice = model.choice(wish)
    if choice.name != "bigvgan":
        return choice
    fetch(offline=offline)
    from sda import universal

    if advice := universal.advice(model.device):
        click.echo(advice, err=True)
    return choice


def fetch(*, offline: bool) -> None:
    """Have BigVGAN's weights here and checked. Raises `WeightsError`."""
    from sda import universal

    store = universal.store()
    if not store.state().usable:
        from sda.cli.transfer import follow

        follow(store, offline)
