#!/usr/bin/env bash
# The adapters for OSRM and Valhalla, and `dropmate doctor`, in front of real servers: the proof `routing servers`.
#   bench/roads/servers.sh EXTRACT.osm.pbf [PAIRS.csv] [WORK_FOLDER]
# PAIRS.csv is what the engines answer in process (`pairs.csv` of peers.py); without it, the fixture of engines/roads.
# PYTHON: an interpreter >= 3.12 with osrm-bindings and pyvalhalla (see README.md). DROPMATE_PROOF_SIZE=full for all pairs.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,5p' "$0" >&2; exit 2; }
extract=$(realpath "$1")
city=$(basename "$extract" .osm.pbf)
cd "$(dirname "$0")/../.."
pairs=$(realpath "${2:-engines/roads/tests/fixtures/${city%%-*}.csv}")
work=${3:-target/bench-roads/$city/servers}
python=${PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1

"$python" -c 'import osrm, valhalla' || { echo "osrm-bindings and pyvalhalla are needed: see bench/roads/README.md" >&2; exit 1; }
"$python" bench/roads/servers.py "$extract" "$pairs" "$work" \
    cargo test --profile up -p runtime --lib -- proof_routing_servers --nocapture --test-threads 1
