//! What a mini program's backend sends.

/// The user of every phone of a bench.
pub(crate) const OPENID: &str = "oEmulatedUser000000000000001";

/// A request for `verify_signature` with this body.
pub(crate) fn verify_request(address: &str, token: &str, body: &str) -> Vec<u8> {
    let head =
        format!("POST /cgi-bin/soter/verify_signature?access_token={token} HTTP/1.1\r\nHost: {address}");
    format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
