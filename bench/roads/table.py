"""One table in Markdown of ours and the peers: table.py CITY ours.json peers.json"""

import json
import sys
from pathlib import Path

PEERS = {"CH": "OSRM CH", "MLD": "OSRM MLD", "Valhalla": "Valhalla"}


def main() -> None:
    city, ours, peers = sys.argv[1], *(json.loads(Path(path).read_text()) for path in sys.argv[2:4])
    ours = ours | {"cpu_s": ours["preprocessing_cpu_s"], "disk_mb": round(ours["bytes"] / 1e6, 1)}
    engines = {"ours": ours} | peers
    print(f"| {city} | ours | " + " | ".join(PEERS.values()) + " | ours / OSRM CH |")
    print("|---" * (len(engines) + 2) + "|")
    row("preprocessing, CPU", engines, ["cpu_s"], "s")
    row("peak memory of it", engines, ["peak_mb"], "MB")
    row("on disk", engines, ["disk_mb"], "MB")
    for name, kind in {"without geometry": "route_plain_us", "with geometry": "route_us"}.items():
        row(f"point to point {name}, CPU mean", engines, [kind, "cpu_mean"], "us")
        row("the same, wall median", engines, [kind, "median"], "us")
        row("the same, wall p99", engines, [kind, "p99"], "us")
    for size in (50, 200, 500, 1_000):
        row(f"matrix {size} x {size}, CPU", engines, [f"matrix_{size}_ms", "cpu"], "ms")
        row("the same, best wall", engines, [f"matrix_{size}_ms", "wall"], "ms")


def row(name: str, engines: dict[str, dict], keys: list[str], unit: str) -> None:
    values = {engine: value_at(figures, keys) for engine, figures in engines.items()}
    cells = [shown(value, unit) for value in values.values()]
    ours, theirs = values["ours"], values["CH"]
    ratio = f"{ours / theirs:.2f}" if ours is not None and theirs else "-"
    print(f"| {name} | " + " | ".join([*cells, ratio]) + " |")


def value_at(figures: dict, keys: list[str]) -> float | None:
    value = figures
    for key in keys:
        value = value.get(key) if value else None
    return value


def shown(value: float | None, unit: str) -> str:
    """Three figures."""
    if value is None:
        return "-"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


if __name__ == "__main__":
    main()
