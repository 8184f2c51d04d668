#!/usr/bin/env bash
# Ours, OSRM and Valhalla on one extract, one after the other on one core, as one table.
#   bench/roads/run.sh EXTRACT.osm.pbf LAT LON [WORK_FOLDER]
# PYTHON: an interpreter >= 3.12 with osrm-bindings and pyvalhalla (see README.md).
set -euo pipefail

[ $# -ge 3 ] || { sed -n '2,4p' "$0" >&2; exit 2; }
extract=$(realpath "$1") lat=$2 lon=$3
cd "$(dirname "$0")/../.."
work=${4:-target/bench-roads/$(basename "$extract" .osm.pbf)}
python=${PYTHON:-python3}
core=${CORE:-0}
export PYTHONDONTWRITEBYTECODE=1

mkdir -p "$work"
"$python" -c 'import osrm, valhalla' || { echo "osrm-bindings and pyvalhalla are needed: see bench/roads/README.md" >&2; exit 1; }
cargo build --quiet --release -p roads --example measure
measure=${CARGO_TARGET_DIR:-target}/release/examples/measure

taskset -c "$core" "$python" bench/roads/peers.py "$extract" "$lat" "$lon" "$work/peers"
taskset -c "$core" "$measure" --extract "$extract" --between "$work/peers/pairs.csv" >"$work/ours.json" 2>"$work/ours.log"
"$python" bench/roads/table.py "$(basename "$extract" .osm.pbf)" "$work/ours.json" "$work/peers/peers.json" | tee "$work/table.md"
