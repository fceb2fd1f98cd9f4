"""`sda-engine vocoder`: the universal vocoder's weights, listed, fetched, checked, brought by hand and removed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sda.cli import output

if TYPE_CHECKING:
    from sda.weights import State, Store

as_json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group(invoke_without_command=True)
@click.pass_context
def vocoder(ctx: click.Context) -> None:
    """List, fetch, verify, import and remove the vocoders that belong to no model.

    BigVGAN's weights (489 MB, NVIDIA, MIT license) are fetched once and lie in the library's cache. HF_ENDPOINT, HF_TOKEN,
    HF_HUB_OFFLINE and the usual proxy variables count.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@vocoder.command("list")
@as_json_option
def list_vocoders(as_json: bool) -> None:
    """List the vocoders: what is there, how large, where, and whether it was checked."""
    base, state = _base(), _store().state()
    if as_json:
        output.print_json([base, {"name": "bigvgan", **_facts(state)}])
        return
    shipped = "shipped" if base["status"] == "present" else "absent"
    rows = [("base (draft)", shipped, output.size(base["bytes"]), "part of the program", base["place"])]
    rows.append(("bigvgan", *_cells(state), str(state.place)))
    output.print_table(("name", "state", "size", "checked", "place"), rows, numbers=("size",))
    if state.status != "present":
        click.echo("Fetch BigVGAN with: sda-engine vocoder download")


@vocoder.command()
@click.option("--offline", is_flag=True, help="Use no network: only what another program left in the hub's cache.")
@as_json_option
def download(offline: bool, as_json: bool) -> None:
    """Fetch BigVGAN's weights, or go on where that stopped, and check them.

    HF_HUB_ETAG_TIMEOUT (4 s) and HF_HUB_DOWNLOAD_TIMEOUT (10 s) say how long to wait for the hub, and for the next byte.
    """
    from sda.cli.transfer import follow

    store = _store()
    if not store.state().usable:
        follow(store, offline)
    _say(store.state(), as_json)


@vocoder.command()
@as_json_option
def verify(as_json: bool) -> None:
    """Hash BigVGAN's weights again; wrong ones are put aside."""
    _say(_store().verify(), as_json)


@vocoder.command("import")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--unverified", is_flag=True, help="Take weights that are not the pinned ones. That is remembered and shown.")
@as_json_option
def import_weights(folder: Path, unverified: bool, as_json: bool) -> None:
    """Take BigVGAN's files, fetched by hand, from the folder DIR."""
    from sda.weights import bring

    _say(bring(_store(), folder, unverified=unverified), as_json)


@vocoder.command()
@as_json_option
def where(as_json: bool) -> None:
    """Print the folder of BigVGAN's weights, whether or not they are there."""
    state = _store().state()
    if as_json:
        output.print_json(_facts(state))
    else:
        click.echo(state.place)


@vocoder.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json_option
def remove(yes: bool, as_json: bool) -> None:
    """Delete BigVGAN's weights, begun downloads and everything made of them."""
    store = _store()
    if not yes and not click.confirm(f"Delete BigVGAN's weights ({store.base})?", err=True):
        click.echo("Nothing was deleted.", err=True)
        raise click.exceptions.Exit(1)
    freed = store.remove()
    if as_json:
        output.print_json({"place": str(store.base), "freed_bytes": freed})
    else:
        click.echo(f"{output.size(freed)} freed." if freed else "There was nothing to delete.")


def _store() -> Store:
    from sda import universal

    return universal.store()


def _base() -> dict[str, Any]:
    """The shipped vocoder, in the list for programs."""
    from importlib.resources import as_file, files

    with as_file(files("sda") / "data" / "base.safetensors") as path:
        there = path.is_file()
        facts = {"status": "present" if there else "absent", "bytes": path.stat().st_size if there else 0}
        return {"name": "base", "draft": True, **facts, "place": str(path)}


def _facts(state: State) -> dict[str, Any]:
    return {"draft": False, **state.to_json()}


def _cells(state: State) -> tuple[str, str, str]:
    """State, size and check of BigVGAN, for people."""
    file = state.generator
    if state.status == "absent":
        return "absent", f"({output.size(file.expected or 0)})", "-"
    if state.status == "partly":
        return "partly", f"{output.size(file.size)} of {output.size(file.expected or 0)}", "-"
    checked = {
        "verified": "verified: sha256 as pinned",
        "unverified": f"UNVERIFIED: sha256 {file.sha256[:12]}..., taken by import --unverified",
        "unchecked": "not yet; it is hashed before its first use",
        "wrong": "WRONG SIZE: it will not be used",
    }
    return "present", output.size(file.size), checked[file.verdict]


def _say(state: State, as_json: bool) -> None:
    """What is there now."""
    if as_json:
        output.print_json(_facts(state))
        return
    status, size, checked = _cells(state)
    click.echo(f"BigVGAN: {status}, {size}, {checked}; {state.place}")
