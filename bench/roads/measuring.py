"""What every peer is measured with: resources of child processes, times of calls, points and pairs."""

import math
import os
import random
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

Place = tuple[float, float]
"""Latitude, longitude."""

METRES_PER_DEGREE = 111_195
RADIUS_M = 8_000
JITTER_M = 15
PAIRS = 1_000
ROUNDS = 5


@dataclass
class Used:
    """Resources of one or several processes that ran one after the other."""

    cpu_s: float = 0.0
    peak_mb: float = 0.0

    def add(self, other: "Used") -> "Used":
        return Used(self.cpu_s + other.cpu_s, max(self.peak_mb, other.peak_mb))

    def rounded(self) -> dict[str, float]:
        return {"cpu_s": round(self.cpu_s, 2), "peak_mb": round(self.peak_mb)}


def run(command: Sequence[str], folder: Path) -> Used:
    """Runs a program to its end and says what it used; its output goes to a file beside its data."""
    with (folder / "log.txt").open("ab") as log:
        child = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command[0]} failed, see {folder / 'log.txt'}")
    return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def folder_mb(folder: Path, ending: str = "") -> float:
    """Megabytes of the files below a folder."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name.endswith(ending))
    return round(sum(path.stat().st_size for path in files) / 1e6, 1)


def times(calls: Iterable[Callable[[], object]]) -> dict[str, float]:
    """Microseconds of each call: median and 99th percentile by the wall clock, mean by processor time."""
    walls, cpu = [], time.process_time()
    for call in calls:
        started = time.perf_counter()
        call()
        walls.append((time.perf_counter() - started) * 1e6)
    mean_cpu = (time.process_time() - cpu) / len(walls) * 1e6
    walls.sort()
    return {
        "median": round(statistics.median(walls), 1),
        "p99": round(walls[len(walls) * 99 // 100], 1),
        "cpu_mean": round(mean_cpu, 1),
    }


def best_ms(call: Callable[[], object], rounds: int = ROUNDS) -> dict[str, float]:
    """Milliseconds: the best by the wall clock, the mean of processor time."""
    walls, cpu = [], time.process_time()
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        walls.append((time.perf_counter() - started) * 1e3)
    mean_cpu = (time.process_time() - cpu) / rounds * 1e3
    return {"wall": round(min(walls), 2), "cpu": round(mean_cpu, 2)}


def around(centre: Place, radius_m: float, chance: random.Random) -> Place:
    """A point within a circle, each place of it as likely as any other."""
    distance, angle = radius_m * math.sqrt(chance.random()), chance.random() * math.tau
    north, east = distance * math.cos(angle), distance * math.sin(angle)
    degrees_east = METRES_PER_DEGREE * math.cos(math.radians(centre[0]))
    return centre[0] + north / METRES_PER_DEGREE, centre[1] + east / degrees_east


def places_beside_roads(
    centre: Place, nearest: Callable[[Place], tuple[Place, float]], seed: int
) -> Iterable[Place]:
    """Endless: places up to 15 m beside roads that cars use, within 8 km of the centre.

    `nearest` gives the place on the next road and how far that is.
    """
    chance = random.Random(seed)
    while True:
        on_road, distance = nearest(around(centre, RADIUS_M, chance))
        if distance < 300:
            lat, lon = around(on_road, JITTER_M, chance)
            yield round(lat, 6), round(lon, 6)


def read_pairs(path: Path) -> list[tuple[Place, Place]]:
    """The pairs of a fixture."""
    rows = [line.split(",") for line in path.read_text().splitlines() if line[0].isdigit() or line[0] == "-"]
    return [((float(a), float(b)), (float(c), float(d))) for a, b, c, d, *_ in rows]
