"""`sda-engine doctor`: what may keep the instrument from working here, and what to do about it."""

from __future__ import annotations

import dataclasses

import click

from sda.cli import output

SIGNS = {"fine": ("ok", "green"), "note": ("note", "yellow"), "wrong": ("WRONG", "red")}


@click.command()
@click.option("--osc", default="127.0.0.1:16180", show_default=True, metavar="HOST:PORT", help="Where OSC would be received.")
@click.option("--json", "as_json", is_flag=True, help="For programs, and to go with a bug report.")
def doctor(osc: str, as_json: bool) -> int:
    """Look at packages, library, weights, ports, sound devices and GPU, and say what to do where something is not right.

    Exit code 0 where nothing is wrong, 1 where something is.
    """
    from sda.adapters.osc import parse_host_port
    from sda.live.doctor import WRONG, examine

    findings = []
    for finding in examine(parse_host_port(osc)):
        findings.append(finding)
        if not as_json:
            word, colour = SIGNS[finding.level]
            text = f"{finding.subject:<9} {output.printable(finding.text)}"
            click.echo(click.style(f"{word:<6}", fg=colour) + text)
            if finding.remedy:
                click.echo(f"{'':<16} {output.printable(finding.remedy)}")
    wrong = any(finding.level == WRONG for finding in findings)
    if as_json:
        output.print_json({"wrong": wrong, "findings": [dataclasses.asdict(finding) for finding in findings]})
    return int(wrong)
