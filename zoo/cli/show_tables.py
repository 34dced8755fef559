"""The tables of `zoo show` for one architecture."""

from __future__ import annotations

from dataclasses import asdict

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.system.display import BAD, GOOD, LINE_CELLS, short
from bench.training.layer_summary import LayerSummary, summarise
from registry.architecture import Architecture
from registry.claims import Entry
from registry.errors import ContractError
from zoo.cli.list_tables import shape_text


def render(entry: Entry[Architecture], broken: ContractError | None) -> RenderableType:
    """Return the layers, the totals, and how the contract is `broken`, for a terminal."""
    architecture = entry.value
    summary = summarise(architecture)
    title = f"{short(entry.name)}  ({short(str(entry.origin))})"
    return Group(
        Text(title, style="bold"),
        Text(short(architecture.source, LINE_CELLS)),
        _layers(summary, architecture),
        *_totals(summary),
        _contract(architecture, broken),
    )


def as_json_value(entry: Entry[Architecture], broken: ContractError | None) -> dict[str, object]:
    """Return the same as plain values, with sizes in bytes."""
    architecture = entry.value
    return {
        "name": entry.name,
        "origin": str(entry.origin),
        "source": architecture.source,
        "contract": asdict(architecture.contract),
        "contract_verified": broken is None,
        **asdict(summarise(architecture)),
    }


def _layers(summary: LayerSummary, architecture: Architecture) -> Table:
    table = Table(box=SIMPLE_HEAD)
    for name in ("layer", "type", "output shape", "parameters", "multiply-adds"):
        table.add_column(name, justify="left" if name in ("layer", "type") else "right")
    table.add_row("(input)", "", shape_text(architecture.contract.input_shape), "", "", style="dim")
    for layer in summary.layers:
        table.add_row(
            Text(short(layer.name)),
            Text(short(layer.type)),
            shape_text(layer.output_shape),
            f"{layer.parameters:,}" if layer.parameters else "",
            f"{layer.multiply_adds:,}" if layer.multiply_adds else "",
        )
    return table


def _totals(summary: LayerSummary) -> tuple[Text, ...]:
    total = summary.input_bytes + summary.activation_bytes + summary.parameter_bytes
    return (
        Text(f"parameters     {summary.parameters:,} ({summary.trainable_parameters:,} trainable)"),
        Text(
            f"multiply-adds  {summary.multiply_adds / 1e6:,.1f} million per image "
            "(one multiply-add is two floating-point operations)"
        ),
        Text(
            f"memory         {_mib(summary.input_bytes)} input, "
            f"{_mib(summary.activation_bytes)} layer outputs, "
            f"{_mib(summary.parameter_bytes)} parameters, {_mib(total)} in all "
            "(one image, float32; 1 MB = 1,048,576 bytes)"
        ),
    )


def _contract(architecture: Architecture, broken: ContractError | None) -> Text:
    promised = architecture.contract
    text = (
        f"contract       {shape_text(promised.input_shape)} -> "
        f"{shape_text(promised.output_shape)}, {promised.parameters:,} parameters: "
    )
    if broken is not None:
        return Text(f"{text}✗ {short(str(broken), LINE_CELLS)}", style=BAD)
    return Text(f"{text}✓ kept", style=GOOD)


def _mib(size: int) -> str:
    return f"{size / 2**20:,.2f} MB"
