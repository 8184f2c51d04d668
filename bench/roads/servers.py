"""Starts OSRM and Valhalla as servers on loopback and runs a command that finds them in its environment.

    servers.py EXTRACT.osm.pbf PAIRS.csv WORK_FOLDER COMMAND...

Both are the programs of the packages: `osrm-routed` on contraction hierarchies with `car.lua`, and `valhalla_service`, each as
it is set when nobody changes anything, but that Valhalla may say where its tiles are. Data that is in the work folder already is used
again. The servers end with the command.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import valhalla

import osrm_peer
import valhalla_peer

START_S = 60


def main() -> int:
    extract, pairs, work = (Path(argument).resolve() for argument in sys.argv[1:4])
    command = sys.argv[4:]
    osrm_folder, valhalla_folder = work / "osrm", work / "valhalla"
    prepare(extract, osrm_folder, osrm_peer)
    prepare(extract, valhalla_folder, valhalla_peer)
    osrm_port, valhalla_port = free_port(), free_port()
    servers = [start_osrm(osrm_folder, osrm_port), start_valhalla(valhalla_folder, valhalla_port)]
    try:
        wait_for(f"http://127.0.0.1:{osrm_port}/", servers[0], osrm_folder)
        wait_for(f"http://127.0.0.1:{valhalla_port}/status", servers[1], valhalla_folder)
        found = {
            "DROPMATE_OSRM_URL": f"http://127.0.0.1:{osrm_port}",
            "DROPMATE_VALHALLA_URL": f"http://127.0.0.1:{valhalla_port}",
            "DROPMATE_ROUTING_EXTRACT": str(extract),
            "DROPMATE_ROUTING_PAIRS": str(pairs),
        }
        return subprocess.run(command, env=os.environ | found, check=False).returncode
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(START_S)


def prepare(extract: Path, folder: Path, peer: object) -> None:
    done = folder / "done"
    if done.exists() and done.read_text() == extract.name:
        return
    if folder.exists():
        raise SystemExit(f"{folder} holds something else: remove it, or name another work folder")
    folder.mkdir(parents=True)
    peer.prepare(extract, folder)
    done.write_text(extract.name)


def start_osrm(folder: Path, port: int) -> subprocess.Popen:
    program = osrm_peer.HOME / "bin/osrm-routed"
    return start([str(program), "-i", "127.0.0.1", "-p", str(port), "map.osrm"], folder / "CH", folder)


def start_valhalla(folder: Path, port: int) -> subprocess.Popen:
    config = valhalla.get_config(tile_dir=folder / "tiles", tile_extract="")
    config["service_limits"]["status"]["allow_verbose"] = True
    # The path of a socket may have a hundred characters, and the folder more.
    config["httpd"]["service"].update(
        listen=f"tcp://127.0.0.1:{port}", loopback="ipc://loopback", interrupt="ipc://interrupt"
    )
    (folder / "server.json").write_text(json.dumps(config))
    program = valhalla_peer.BUILD.parent / "valhalla_service"
    return start([str(program), "server.json", str(os.cpu_count())], folder, folder)


def start(command: list[str], where: Path, folder: Path) -> subprocess.Popen:
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(command, cwd=where, stdout=log, stderr=log)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(url: str, server: subprocess.Popen, folder: Path) -> None:
    """Until it answers anything, be it a refusal."""
    end = time.monotonic() + START_S
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{server.args[0]} does not answer, see {folder / 'server.log'}")


if __name__ == "__main__":
    sys.exit(main())
