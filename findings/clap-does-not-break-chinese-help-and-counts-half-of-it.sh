#!/usr/bin/env bash
# Package:   clap 4.6.7 with the features wrap_help and unicode (crates.io); unicode-width 0.2.2 measures
# Behaviour: help is broken at ASCII spaces only, so that a Chinese text of any length stays on one line, beyond the width of the
#            terminal. Without the feature `unicode`, a Chinese character counts as one column, so that lines of short Chinese
#            words are wider than the terminal.
# Seen:      2026-11-30, Linux x86-64
# Output:    unicode off: 86 columns of 40 without spaces, 59 of 40 with a space behind each character
#            unicode on: 86 columns of 40 without spaces, 38 of 40 with a space behind each character
# soter-sim: puts a space behind each Chinese character, which together are the two columns that it takes, and removes the
#            spaces from the help that clap has written (`simulator/src/grammar/translation.rs`).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/src"
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[features]
unicode = ["clap/unicode"]

[dependencies]
clap = { version = "=4.6.7", default-features = false, features = ["help", "std", "string", "usage", "wrap_help"] }
unicode-width = "=0.2.2"

[workspace]
TOML
cat >"$folder/src/main.rs" <<'RUST'
use unicode_width::UnicodeWidthStr;

/// The columns of the widest line of help with this text, for a terminal with 40 columns.
fn widest(about: &str) -> usize {
    let mut command = clap::Command::new("pay").about(about.to_owned()).term_width(40);
    command.render_help().to_string().lines().map(|line| line.trim_end().width()).max().unwrap()
}

fn main() {
    let text = "请求用户触摸指纹传感器并返回由手机安全区域签名的结果供商户后端验证后再确认支付订单金额";
    let spread: String = text.chars().flat_map(|character| [character, ' ']).collect();
    let (whole, spread) = (widest(text), widest(&spread));
    let state = if cfg!(feature = "unicode") { "on" } else { "off" };
    println!("unicode {state}: {whole} columns of 40 without spaces, {spread} of 40 with a space behind each character");
}
RUST
output=$(cd "$folder" && cargo run --quiet && cargo run --quiet --features unicode)
printf '%s\n' "$output"
expected='unicode off: 86 columns of 40 without spaces, 59 of 40 with a space behind each character
unicode on: 86 columns of 40 without spaces, 38 of 40 with a space behind each character'
[ "$output" = "$expected" ]
