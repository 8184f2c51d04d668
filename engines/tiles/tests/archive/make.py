#!/usr/bin/env python3
"""Makes town.pmtiles and town.tiles, with which tests/tiles/archive.rs reads what the reference writer of PMTiles has written.

    pip install pmtiles==3.8.1 blake3
    script/up --demo                                        # beside it, in another terminal
    python3 engines/tiles/tests/archive/make.py http://127.0.0.1:8080            # the fixture
    python3 engines/tiles/tests/archive/make.py http://127.0.0.1:8080 FOLDER     # a whole one, with all tiles of the demo

The tiles are those of a running installation (zooms 0 to 14); the fixture leaves out large ones. Besides, most tiles of zoom 7 are
filled with tiny made-up ones, so that there are more entries than a root directory holds and the writer makes leaves.
town.tiles has one line for each zoom: the zoom, how many tiles it has, and a BLAKE3 sum over them, computed with the reference
reader. The map data in it is (c) OpenStreetMap contributors, ODbL 1.0.
"""

import gzip
import json
import math
import random
import struct
import sys
import urllib.request
from pathlib import Path

from blake3 import blake3
from pmtiles.reader import MmapSource, all_tiles
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

DEEPEST = 14
# Larger tiles are left out of the fixture, bytes.
MOST = 5_000
FILLED_ZOOM = 7
KINDS = 256


def get(url):
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request) as answer:
        body = answer.read()
        return body, answer.status, answer.headers.get("Content-Encoding")


def column_row(lon, lat, zoom):
    side = 1 << zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return int((lon + 180) / 360 * side), int(row * side)


def window(bounds, zoom):
    """Columns and rows of the area."""
    west, south, east, north = bounds
    (left, top), (right, bottom) = column_row(west, north, zoom), column_row(east, south, zoom)
    return [(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]


def drawn(base, bounds, most):
    """Tiles of the installation, packed as it serves them."""
    tiles = {}
    for zoom in range(DEEPEST + 1):
        for x, y in window(bounds, zoom):
            body, status, packed = get(f"{base}/api/v1/map/tiles/{zoom}/{x}/{y}")
            if status == 200 and len(body) <= most:
                tiles[zoom, x, y] = body if packed == "gzip" else gzip.compress(body, mtime=0)
    return tiles


def field(number, body):
    return bytes([number << 3 | 2, len(body)]) + body


def made_up(kind):
    """A vector tile with one point, as small as they get."""
    geometry = bytes([9, *varint(2 * (kind * 16)), *varint(2 * 2048)])
    feature = bytes([0x08, *varint(kind), 0x18, 1]) + field(4, geometry)
    layer = field(1, b"pois") + field(2, feature) + bytes([0x28, *varint(4096), 0x78, 2])
    return gzip.compress(field(3, layer), mtime=0)


def varint(value):
    out = []
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return [*out, value]


def filled():
    chance = random.Random(20261128)
    kinds = [made_up(kind) for kind in range(KINDS)]
    side = 1 << FILLED_ZOOM
    places = [(FILLED_ZOOM, x, y) for x in range(side) for y in range(side)]
    return {place: chance.choice(kinds) for place in places if chance.random() < 0.85}


def write(path, tiles, document):
    west, south, east, north = (round(degrees * 10_000_000) for degrees in document["bounds"])
    lon, lat, zoom = document["center"]
    header = {
        "tile_type": TileType.MVT, "tile_compression": Compression.GZIP,
        "min_zoom": 0, "max_zoom": DEEPEST,
        "min_lon_e7": west, "min_lat_e7": south, "max_lon_e7": east, "max_lat_e7": north,
        "center_lon_e7": round(lon * 10_000_000), "center_lat_e7": round(lat * 10_000_000), "center_zoom": round(zoom),
    }
    link = '<a href="https://www.openstreetmap.org/copyright" target="_blank">&copy; OpenStreetMap contributors</a>'
    metadata = {"name": "Town", "attribution": link, "vector_layers": document["vector_layers"]}
    with open(path, "wb") as out:
        writer = Writer(out)
        for place in sorted(tiles, key=lambda place: zxy_to_tileid(*place)):
            writer.write_tile(zxy_to_tileid(*place), tiles[place])
        writer.finalize(header, metadata)


def sums(path):
    """Of each zoom, as the reference reader reads the archive: in the order of columns, then rows."""
    with open(path, "rb") as file:
        tiles = dict(all_tiles(MmapSource(file)))
    lines = []
    for zoom in range(DEEPEST + 1):
        places = sorted(place for place in tiles if place[0] == zoom)
        total = blake3()
        for place in places:
            total.update(struct.pack("<BIII", *place, len(tiles[place])) + tiles[place])
        lines.append(f"{zoom} {len(places)} {total.hexdigest()}\n")
    return tiles, "".join(lines)


def main():
    base, whole = sys.argv[1].rstrip("/"), len(sys.argv) > 2
    folder = Path(sys.argv[2]) if whole else Path(__file__).parent
    document = json.loads(urllib.request.urlopen(f"{base}/api/v1/map").read())
    tiles = filled() | drawn(base, document["bounds"], math.inf if whole else MOST)
    path = folder / "town.pmtiles"
    write(path, tiles, document)
    read, text = sums(path)
    assert read == tiles, "the reference reader does not read what was written"
    (folder / "town.tiles").write_text(text)
    leaves = struct.unpack("<Q", path.read_bytes()[48:56])[0]
    assert leaves > 0, "there are no leaves"
    print(f"{path}: {path.stat().st_size} bytes, {len(tiles)} tiles, {leaves} bytes of leaves")


main()
