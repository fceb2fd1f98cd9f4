"""`sda-engine selftest`: the whole signal path and a running engine put through trials from a seed."""

from __future__ import annotations

import click

from sda.cli import output


@click.command()
@click.argument("model", required=False)
@click.option("--level", type=click.IntRange(1, 10), default=5, show_default=True, help="How much; from 5 on an engine runs.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="What; the same seed tries the same.")
def selftest(model: str | None, level: int, seed: int) -> int:
    """Put MODEL, or one with random weights, through trials, and say what was done. Nothing is heard.

    Its output goes with a bug report. Exit code 0 where every trial held, 1 where one did not.
    """
    import platform

    import sda
    from sda.live.selftest import examine
    from sda.live.stand_in import stand_in
    from sda.model import Model, load

    loaded = load(model) if model else Model(stand_in())
    click.echo(f"sda {sda.__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    click.echo(f"{output.printable(loaded.info.name)}, level {level}, seed {seed}")
    failed = 0
    for name, held, text in examine(loaded, level, seed):
        failed += not held
        click.echo(f"{'ok    ' if held else 'FAILED'} {name}: {output.printable(text)}")
    click.echo(f"{failed} failed" if failed else "all held")
    return int(failed > 0)
