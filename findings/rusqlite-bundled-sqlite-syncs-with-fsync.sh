#!/usr/bin/env bash
# Package:   rusqlite 0.43.0, libsqlite3-sys 0.40.0 with the feature `bundled` (crates.io); builds for about a minute, twice
# Behaviour: each commit calls fsync, although the system has fdatasync, which is enough, as a comment in SQLite's source says.
#            SQLite calls fsync unless HAVE_FDATASYNC is defined. Its own `configure` looks for the function; the crate's build
#            script neither runs that nor defines it. The variable LIBSQLITE3_FLAGS does, at build time.
# Seen:      2026-11-30, Linux x86-64
# Output:    as it comes: 100 commits, 100 fsync, 0 fdatasync
#            -DHAVE_FDATASYNC=1: 100 commits, 0 fsync, 100 fdatasync
# soter-sim: is built with the flag (`.cargo/config.toml`). A build of the published crates does not read that file.
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
libsqlite3-sys = "=0.40.0"
rusqlite = { version = "=0.43.0", default-features = false, features = ["bundled"] }

[workspace]
TOML
cat >"$folder/src/main.rs" <<'RUST'
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

static FSYNC: AtomicU32 = AtomicU32::new(0);
static FDATASYNC: AtomicU32 = AtomicU32::new(0);

/// Counts instead of the system's function: the linker takes this one.
#[unsafe(no_mangle)]
extern "C" fn fsync(_file: i32) -> i32 {
    FSYNC.fetch_add(1, Relaxed);
    0
}

/// As above.
#[unsafe(no_mangle)]
extern "C" fn fdatasync(_file: i32) -> i32 {
    FDATASYNC.fetch_add(1, Relaxed);
    0
}

fn main() -> rusqlite::Result<()> {
    let path = std::env::args().nth(1).unwrap();
    let connection = rusqlite::Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;
         CREATE TABLE t (number INTEGER); INSERT INTO t VALUES (0);",
    )?;
    let before = (FSYNC.load(Relaxed), FDATASYNC.load(Relaxed));
    for number in 1..=100 {
        connection.execute("UPDATE t SET number = ?1", [number])?;
    }
    let (fsync, fdatasync) = (FSYNC.load(Relaxed) - before.0, FDATASYNC.load(Relaxed) - before.1);
    println!("100 commits, {fsync} fsync, {fdatasync} fdatasync");
    Ok(())
}
RUST
cd "$folder"
output="as it comes: $(env -u LIBSQLITE3_FLAGS cargo run --quiet -- one.db)
-DHAVE_FDATASYNC=1: $(LIBSQLITE3_FLAGS=-DHAVE_FDATASYNC=1 cargo run --quiet -- two.db)"
printf '%s\n' "$output"
expected='as it comes: 100 commits, 100 fsync, 0 fdatasync
-DHAVE_FDATASYNC=1: 100 commits, 0 fsync, 100 fdatasync'
[ "$output" = "$expected" ]
