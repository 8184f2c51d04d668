#!/usr/bin/env bash
# How often the search for addresses is right, on samples that its rules were not tuned on, as tables in Markdown.
#   bench/geocode/run.sh EXTRACT.osm.pbf [ADDRESSES [SEED...]]
set -euo pipefail

[ $# -ge 1 ] || { sed -n '2,3p' "$0" >&2; exit 2; }
extract=$(realpath "$1") count=${2:-1000}
seeds=("${@:3}")
[ ${#seeds[@]} -gt 0 ] || seeds=(7 2026)
cd "$(dirname "$0")/../.."
profile=${PROFILE:-release}
cargo build --quiet --profile "$profile" -p places --example measure_places
measure=${CARGO_TARGET_DIR:-target}/$profile/examples/measure_places
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for seed in "${seeds[@]}"; do
    taskset -c "${CORE:-0}" "$measure" "$extract" "$count" "$seed" >"$work/$seed.json"
done
python3 bench/geocode/table.py "${seeds[@]/#/$work/}"
