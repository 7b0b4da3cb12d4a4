#!/usr/bin/env bash
# Package:   rsa 0.10.0 (crates.io), with pem 3.0.6 and pem-rfc7468 1.0.0 below it
# Behaviour: `from_public_key_pem` refuses a public key whose Base64 stands on one line, or in lines of 76 columns, and calls it invalid
#            Base64. RFC 7468 has 64 columns for writers, and lets readers take other lengths, as the crate `pem` does.
# Seen:      2026-11-30, Linux x86-64, Rust 1.95
# Output:    64 columns: from_public_key_pem reads it; pem and from_public_key_der: true
#            76 columns: from_public_key_pem refuses it: ASN.1 error: PEM error: PEM Base64 error: invalid Base64 encoding; pem and
#            from_public_key_der: true
#            392 columns: the same
# soter-sim: Huawei's phones write the key on one line. The recipes for Rust in `host-bridge/examples/verify/rust` read PEM with `pem`.
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
pem = "=3.0.6"
pem-rfc7468 = "=1.0.0"
rsa = { version = "=0.10.0", default-features = false, features = ["encoding", "std"] }
TOML
cat >"$folder/src/main.rs" <<'RUST'
use rsa::PublicKey;
use rsa::pkcs8::DecodePublicKey;

const BASE64: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8HaZnTMHfKOgBgD23Pr5jwLxCjxKVo521gLrHG2z8q3DJDbhQ0vNbNn9RI5zPyqGiqPmGsx5ZYsnTcJAUgo1FepBfUspXeEnl6025HToy5azqO6A3ltifzbLn6+/BzChBSranExSLIqJwbAxrtdlag73GbbXHtsvU6LrM3bpqTVeRCFHYbw9H4opNLZhcBG5plWZzS6JiC45RX1tH0atT/ZRN/6unta5hFcCrJbQd0ZGyh/ZTzvsICzcsntznp7obmtL04uaFycF2m11Lz3LExMqdKZAxvQFLwZ+yFCgdZgQw2BJkEIzrfkRC0OHiBLfn6OGtU+Iwtxi6om9ynhV0wIDAQAB";

fn main() {
    for columns in [64, 76, BASE64.len()] {
        let lines: Vec<_> = BASE64.as_bytes().chunks(columns).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let text = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        let strict = match PublicKey::from_public_key_pem(&text) {
            Ok(_) => "reads it".to_owned(),
            Err(error) => format!("refuses it: {error}"),
        };
        let lenient = pem::parse(&text).is_ok_and(|pem| PublicKey::from_public_key_der(pem.contents()).is_ok());
        println!("{columns} columns: from_public_key_pem {strict}; pem and from_public_key_der: {lenient}");
    }
}
RUST
output=$(cd "$folder" && cargo run --quiet)
printf '%s\n' "$output"
refusal='refuses it: ASN.1 error: PEM error: PEM Base64 error: invalid Base64 encoding'
expected="64 columns: from_public_key_pem reads it; pem and from_public_key_der: true
76 columns: from_public_key_pem $refusal; pem and from_public_key_der: true
392 columns: from_public_key_pem $refusal; pem and from_public_key_der: true"
[ "$output" = "$expected" ]
