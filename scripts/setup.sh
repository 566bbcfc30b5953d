#!/usr/bin/env bash
# Installs what the gate needs besides Rust, a C compiler and make. Quick when all is there.
set -euo pipefail

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

if ! command -v capnp >/dev/null; then
    echo "installing Cap'n Proto's compiler, which checks that generated code is up to date"
    as_root apt-get update -qq
    as_root apt-get install -y -qq capnproto
fi

if command -v rustup >/dev/null; then
    rustup component list --installed | grep -q '^rustfmt' || rustup component add rustfmt
    rustup component list --installed | grep -q '^clippy' || rustup component add clippy
fi

if ! command -v cargo-deny >/dev/null; then
    echo "installing cargo-deny, which checks licences"
    cargo install --quiet --locked cargo-deny
fi
