//! What a request to WeChat's servers is about, by its path. Cloud calls have paths of their own.

/// Whether it asks for the verdict on a result. Case does not matter.
pub(super) fn asks_verdict(path: &str) -> bool {
    ends_with_one_of(path, &["verify_signature", "verifysignature"])
}

/// Whether it asks for an access token.
pub(super) fn asks_token(path: &str) -> bool {
    ends_with_one_of(path, &["/token", "/stable_token"])
}

/// Whether it gives a login code for a session.
pub(super) fn asks_session(path: &str) -> bool {
    ends_with_one_of(path, &["/jscode2session"])
}

fn ends_with_one_of(path: &str, ends: &[&str]) -> bool {
    let path = path.to_ascii_lowercase();
    ends.iter().any(|end| path.ends_with(end))
}
