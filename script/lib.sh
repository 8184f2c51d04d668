# Shared by the scripts beside it; sourced, never run.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
root_dir=$PWD
export HOME="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}"

# Rust installed by rustup in this very run is not on the PATH of the calling shell yet.
cargo_bin="${CARGO_HOME:-$HOME/.cargo}/bin"
case ":$PATH:" in
    *":$cargo_bin:"*) ;;
    *) export PATH="$PATH:$cargo_bin" ;;
esac

# The one build profile, and where its binary lands.
profile=up
binary="${CARGO_TARGET_DIR:-$root_dir/target}/$profile/dropmate"
export binary profile

# Pinned tools that `script/setup --test` puts below .tools; tests find them by these names.
export DROPMATE_SCHEMATHESIS="$root_dir/.tools/venv/bin/schemathesis"
export DROPMATE_NATS_SERVER="$root_dir/.tools/venv/bin/nats-server"

say() { printf '%s\n' "$*"; }
die() {
    printf '%s\n' "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command with a private, migrated scratch database named by DROPMATE_SQLX_DATABASE_URL.
with_scratch_database() {
    "$root_dir/script/testkit-postgres" exec "$@"
}
