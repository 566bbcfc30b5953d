#!/usr/bin/env bash
# Everything that must hold before a change lands. Stops at the first step that fails and names it.
set -uo pipefail
cd "$(dirname "$0")/.."

step() {
    local name=$1 begun=$SECONDS
    shift
    echo "== $name"
    if ! "$@"; then
        echo "== failed: $name"
        exit 1
    fi
    echo "== passed: $name, $((SECONDS - begun)) s"
}

export RUSTDOCFLAGS="-D warnings"
step "format" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets --locked --quiet -- -D warnings
step "generated code" cargo run --quiet --locked -p xtask -- generate --check
step "documentation" cargo doc --workspace --no-deps --locked --quiet
# Advisories need a database that is fetched from the network, so they are not part of the gate.
step "licences and bans" cargo deny --log-level error check licenses bans sources
step "tests" cargo test --workspace --locked
echo "== the gate is passed, $SECONDS s"
