//! Randomness for tokens, codes and keys.

use aws_lc_rs::rand;
use soter_wire::base64;

/// Random bytes. Panics if the generator has none, because nothing can be kept secret then.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "INVARIANT: aws-lc's generator is seeded when the process starts"
    )]
    rand::fill(&mut bytes).expect("the random generator is seeded");
    bytes
}

/// A random text of this many characters that need no escaping anywhere, 6 random bits each.
pub fn random_text(characters: usize) -> String {
    let mut text = String::with_capacity(characters + 64);
    while text.len() < characters {
        text.push_str(&base64::encode(&random_bytes::<48>()).replace('+', "-").replace('/', "_"));
    }
    text.truncate(characters);
    text
}
