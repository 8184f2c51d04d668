"""OSRM with its car profile, in process: contraction hierarchies (CH) and multi-level Dijkstra (MLD)."""

import shutil
from importlib.metadata import version
from pathlib import Path

import osrm

from measuring import Place, Used, best_ms, folder_mb, run, times

NAME = f"OSRM {version('osrm-bindings')} car.lua"
HOME = Path(osrm.__file__).parent
MATRICES = (50, 200, 500, 1_000)


def prepare(extract: Path, folder: Path) -> dict[str, Used]:
    """Extracts once, then prepares both algorithms in folders of their own, on one thread."""
    shutil.copyfile(extract, folder / "map.osm.pbf")
    profile = HOME / "share/profiles/car.lua"
    extracted = _tool("extract", ["-p", str(profile), "map.osm.pbf"], folder)
    used = {}
    for algorithm, tools in {"CH": ["contract"], "MLD": ["partition", "customize"]}.items():
        own = folder / algorithm
        own.mkdir()
        for part in folder.glob("map.osrm*"):
            shutil.copyfile(part, own / part.name)
        used[algorithm] = extracted
        for tool in tools:
            used[algorithm] = used[algorithm].add(_tool(tool, ["map.osrm"], own))
    return used


def _tool(name: str, arguments: list[str], folder: Path) -> Used:
    return run([str(HOME / f"bin/osrm-{name}"), "-t", "1", *arguments], folder)


class Osrm:
    """One algorithm on prepared data."""

    def __init__(self, folder: Path, algorithm: str):
        self.folder = folder / algorithm
        self.engine = osrm.OSRM(
            storage_config=str(self.folder / "map.osrm"), use_shared_memory=False, algorithm=algorithm
        )

    def nearest(self, place: Place) -> tuple[Place, float]:
        found = self.engine.Nearest(osrm.NearestParameters(coordinates=[_turned(place)]))["waypoints"][0]
        lon, lat = list(found["location"])
        return (lat, lon), found["distance"]

    def route(self, start: Place, end: Place) -> tuple[float, float] | None:
        """Seconds and metres."""
        try:
            route = self.engine.Route(_route(start, end, "false"))["routes"][0]
        except RuntimeError:
            return None
        return route["duration"], route["distance"]

    def measure(self, pairs: list[tuple[Place, Place]]) -> dict:
        plain = [_route(start, end, "false") for start, end in pairs]
        drawn = [_route(start, end, "full") for start, end in pairs]
        points = [place for pair in pairs for place in pair]
        report = {
            "disk_mb": folder_mb(self.folder),
            "route_plain_us": times(lambda question=question: self.engine.Route(question) for question in plain),
            "route_us": times(lambda question=question: self.engine.Route(question) for question in drawn),
        }
        for size in MATRICES:
            question = osrm.TableParameters(
                coordinates=[_turned(place) for place in points[:size]], annotations=["duration"]
            )
            report[f"matrix_{size}_ms"] = best_ms(lambda question=question: self.engine.Table(question))
        return report


def _turned(place: Place) -> Place:
    """Longitude first."""
    return place[1], place[0]


def _route(start: Place, end: Place, overview: str) -> osrm.RouteParameters:
    return osrm.RouteParameters(coordinates=[_turned(start), _turned(end)], overview=overview)
