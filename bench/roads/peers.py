"""Prepares OSRM and Valhalla for one extract, writes what they answer to 1,000 pairs, and measures them.

    peers.py EXTRACT.osm.pbf LAT LON WORK_FOLDER

The work folder is emptied. It then holds `pairs.csv` (the fixture of the tests of engines/roads) and `peers.json`.
Needs Python >= 3.12 with osrm-bindings and pyvalhalla. Pin it to one core: `taskset -c 0`.
"""

import json
import shutil
import sys
from pathlib import Path

import osrm_peer
import valhalla_peer
from measuring import PAIRS, Place, places_beside_roads, read_pairs

SEED = 42
HEADER = f"""\
# Map data (c) OpenStreetMap contributors, ODbL 1.0 (https://www.openstreetmap.org/copyright).
# {osrm_peer.NAME} (CH); {valhalla_peer.NAME}; {{extract}}, seed {SEED}. Empty: no route.
lat,lon,lat,lon,osrm_s,osrm_m,valhalla_s,valhalla_m
"""


def main() -> None:
    extract, lat, lon, work = Path(sys.argv[1]).resolve(), float(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4])
    shutil.rmtree(work, ignore_errors=True)
    osrm_folder, valhalla_folder = work / "osrm", work / "valhalla"
    osrm_folder.mkdir(parents=True)
    valhalla_folder.mkdir()
    prepared = osrm_peer.prepare(extract, osrm_folder)
    prepared["Valhalla"] = valhalla_peer.prepare(extract, valhalla_folder)
    engines = {
        "CH": osrm_peer.Osrm(osrm_folder, "CH"),
        "MLD": osrm_peer.Osrm(osrm_folder, "MLD"),
        "Valhalla": valhalla_peer.Valhalla(valhalla_folder),
    }
    fixture = work / "pairs.csv"
    rows = answers((lat, lon), engines["CH"], engines["Valhalla"])
    fixture.write_text(HEADER.format(extract=extract.name) + "".join(row + "\n" for row in rows))
    pairs = read_pairs(fixture)
    report = {name: prepared[name].rounded() | engine.measure(pairs) for name, engine in engines.items()}
    (work / "peers.json").write_text(json.dumps(report, indent=2) + "\n")


def answers(centre: Place, ch: osrm_peer.Osrm, other: valhalla_peer.Valhalla) -> list[str]:
    """One row for each pair to which OSRM knows a route."""
    places = iter(places_beside_roads(centre, ch.nearest, SEED))
    rows: list[str] = []
    while len(rows) < PAIRS:
        start, end = next(places), next(places)
        seconds_and_metres = ch.route(start, end)
        if seconds_and_metres is None:
            continue
        numbers = [f"{number:.1f}" for number in seconds_and_metres]
        others = other.route(start, end)
        numbers += ["", ""] if others is None else [f"{number:.0f}" for number in others]
        rows.append(",".join([f"{degrees:.6f}" for place in (start, end) for degrees in place] + numbers))
    return rows


if __name__ == "__main__":
    main()
