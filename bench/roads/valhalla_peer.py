"""Valhalla with its costing `auto`, in process."""

import json
from importlib.metadata import version
from pathlib import Path

import valhalla

from measuring import Place, Used, best_ms, folder_mb, run, times

NAME = f"Valhalla {version('pyvalhalla')} auto"
BUILD = Path(valhalla.__file__).parent / "bin/valhalla_build_tiles"
# It searches live costs, so a larger matrix takes minutes.
MATRICES = (50, 200)


def prepare(extract: Path, folder: Path) -> Used:
    """Builds the tiles on one thread; no names of countries, time zones or heights."""
    tiles = folder.resolve() / "tiles"
    tiles.mkdir()
    config = valhalla.get_config(tile_dir=tiles, tile_extract="")
    config["mjolnir"]["concurrency"] = 1
    config["service_limits"]["auto"].update(max_matrix_location_pairs=1_000_000, max_matrix_distance=1e9)
    (folder / "config.json").write_text(json.dumps(config))
    return run([str(BUILD), "-c", "config.json", "-j", "1", str(extract)], folder)


class Valhalla:
    """Routes and matrices on tiles that were built."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.actor = valhalla.Actor(folder / "config.json")

    def route(self, start: Place, end: Place) -> tuple[float, float] | None:
        """Seconds and metres."""
        try:
            summary = json.loads(self.actor.route(_route(start, end, "none")))["trip"]["summary"]
        except RuntimeError:
            return None
        return summary["time"], summary["length"] * 1_000

    def measure(self, pairs: list[tuple[Place, Place]]) -> dict:
        plain = [_route(start, end, "none") for start, end in pairs]
        drawn = [_route(start, end, "maneuvers") for start, end in pairs]
        points = [place for pair in pairs for place in pair]
        report = {
            "disk_mb": folder_mb(self.folder / "tiles"),
            "route_plain_us": times(lambda question=question: self._asked(question) for question in plain),
            "route_us": times(lambda question=question: self._asked(question) for question in drawn),
        }
        for size in MATRICES:
            places = [_place(place) for place in points[:size]]
            question = json.dumps({"sources": places, "targets": places, "costing": "auto"})
            report[f"matrix_{size}_ms"] = best_ms(lambda question=question: self.actor.matrix(question), rounds=1)
        return report

    def _asked(self, question: str) -> None:
        try:
            self.actor.route(question)
        except RuntimeError:
            # A pair without a route took its time as well.
            return


def _place(place: Place) -> dict[str, float]:
    return {"lat": place[0], "lon": place[1]}


def _route(start: Place, end: Place, directions: str) -> str:
    question = {"locations": [_place(start), _place(end)], "costing": "auto", "directions_type": directions}
    return json.dumps(question)
