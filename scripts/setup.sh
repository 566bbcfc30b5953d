#!/usr/bin/env bash
# Installs what the gate needs besides Rust, a C compiler and make. Quick when all is there.
set -euo pipefail

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

if ! command -v capnp >/dev/null; then
    if ! command -v apt-get >/dev/null; then
        echo "capnp is missing, Cap'n Proto's compiler, and there is no apt-get to install it with: install it otherwise" >&2
        echo "(brew install capnp, dnf install capnproto, https://capnproto.org/install.html) and run this again" >&2
        exit 1
    fi
    echo "installing Cap'n Proto's compiler, which checks that generated code is up to date"
    as_root apt-get update -qq
    as_root apt-get install -y -qq capnproto
fi

if command -v rustup >/dev/null; then
    rustup component list --installed | grep -q '^rustfmt' || rustup component add rustfmt
    rustup component list --installed | grep -q '^clippy' || rustup component add clippy
fi

for tool in rustfmt cargo-clippy; do
    if ! command -v "$tool" >/dev/null; then
        echo "$tool is missing, and there is no rustup to install it with: install it otherwise and run this again" >&2
        exit 1
    fi
done

if ! command -v cargo-deny >/dev/null; then
    echo "installing cargo-deny, which checks licences"
    cargo install --quiet --locked cargo-deny
fi
