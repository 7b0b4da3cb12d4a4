#!/usr/bin/env bash
# Package:   clap 4.6.7 (crates.io)
# Behaviour: for an unknown subcommand, the suggestions are in the order of rising similarity (Jaro), so that the best is the last,
#            and a name that shares two letters is suggested beside one that lacks one letter.
# Seen:      2026-11-30, Linux x86-64
# Output:    tip: some similar subcommands exist: 'quit', 'auth'
# soter-sim: replaces clap's suggestions by those with the smallest edit distance, the best first
#            (`simulator/src/grammar/nearest.rs`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
clap = "=4.6.7"

[workspace]
TOML
cat >"$folder/src/main.rs" <<'RUST'
use clap::Command;

fn main() {
    let command = ["auth", "quit"].map(Command::new).into_iter().fold(Command::new("sim"), Command::subcommand);
    let error = command.try_get_matches_from(["sim", "aut"]).unwrap_err().to_string();
    println!("{}", error.lines().find(|line| line.contains("tip:")).unwrap().trim());
}
RUST
output=$(cd "$folder" && cargo run --quiet)
printf '%s\n' "$output"
[ "$output" = "tip: some similar subcommands exist: 'quit', 'auth'" ]
