#!/usr/bin/env bash
# Runs every example of Cargo.toml, optimised, at its default size. Stops at the first one that fails and names it.
set -euo pipefail
cd "$(dirname "$0")/.."

examples() {
    awk '/^\[/ { is_example = $0 == "[[example]]" } is_example && $1 == "name" { gsub(/"/, "", $3); print $3 }' Cargo.toml
}

cargo build --profile examples --locked -p hollowcast --examples
for name in $(examples); do
    begun=$SECONDS
    echo
    echo "== $name"
    if ! cargo run --profile examples --locked --quiet -p hollowcast --example "$name"; then
        echo "== failed: $name"
        exit 1
    fi
    echo "== $name took $((SECONDS - begun)) s"
done
