//! Makes the values that are computed before a step.

use aws_lc_rs::{digest, hmac};
use md5::{Digest, Md5};
use soter_wechat::random_text;
use soter_wire::base64;
use soter_wire::json::escaped_text;

use super::description::{BytesEncoding, Computed, Hash, Signing};
use super::template::{Encoding, TooLarge, Values, fill_template};

/// The length of `{{nonce}}`, in characters.
const NONCE_CHARS: usize = 24;

/// Adds the values that are new in every step, `{{timestamp}}`, `{{timestampMs}}` and `{{nonce}}`, and the computed ones
/// that are not made of the request. `now` is the application's time in milliseconds since 1970.
///
/// # Errors
/// [`TooLarge`] if a text would be too long.
pub(super) fn add_new_values(computed: &[Computed], now: u64, values: &mut Values) -> Result<(), TooLarge> {
    values.insert("timestamp".to_owned(), (now / 1000).to_string());
    values.insert("timestampMs".to_owned(), now.to_string());
    values.insert("nonce".to_owned(), random_text(NONCE_CHARS));
    add_computed(computed.iter().filter(|one| !one.is_of_request()), values)
}

/// Adds the computed values that are made of the request: of its method, its path with the query, and its body.
///
/// # Errors
/// [`TooLarge`] if a text would be too long.
pub(super) fn add_values_of_request(
    computed: &[Computed],
    parts: [String; 3],
    values: &mut Values,
) -> Result<(), TooLarge> {
    values.extend(Computed::REQUEST_PARTS.map(str::to_owned).into_iter().zip(parts));
    add_computed(computed.iter().filter(|one| one.is_of_request()), values)
}

fn add_computed<'a>(
    computed: impl Iterator<Item = &'a Computed>,
    values: &mut Values,
) -> Result<(), TooLarge> {
    for one in computed {
        let value = compute(one, values)?;
        values.insert(one.name.clone(), value);
    }
    Ok(())
}

fn compute(computed: &Computed, values: &Values) -> Result<String, TooLarge> {
    let mut values = values.clone();
    values.insert(Computed::SORTED.to_owned(), sorted(computed, &values)?);
    let text = fill_template(&computed.text, &values, Encoding::Plain)?;
    let bytes = match &computed.signing {
        None => text.into_bytes(),
        Some(Signing::Hash(hash)) => digest_of(*hash, text.as_bytes()),
        Some(Signing::Hmac(algorithm, key)) => {
            let key = fill_template(key.expose(), &values, Encoding::Plain)?;
            let key = hmac::Key::new(*algorithm, key.as_bytes());
            hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
        }
    };
    Ok(match computed.encoding {
        BytesEncoding::Base64 => base64::encode(&bytes),
        BytesEncoding::Hex => base16ct::lower::encode_string(&bytes),
        BytesEncoding::Json => escaped_text(&String::from_utf8_lossy(&bytes)),
        BytesEncoding::Plain => String::from_utf8_lossy(&bytes).into_owned(),
        BytesEncoding::UpperHex => base16ct::upper::encode_string(&bytes),
    })
}

/// The parameters as `a=1&b=2`, sorted by name, without those whose value is empty.
fn sorted(computed: &Computed, values: &Values) -> Result<String, TooLarge> {
    let mut pairs = Vec::new();
    for (name, template) in &computed.parameters {
        let value = fill_template(template, values, Encoding::Plain)?;
        if !value.is_empty() {
            pairs.push(format!("{name}={value}"));
        }
    }
    Ok(pairs.join("&"))
}

fn digest_of(hash: Hash, bytes: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Md5 => return Md5::digest(bytes).to_vec(),
        Hash::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &digest::SHA256,
        Hash::Sha512 => &digest::SHA512,
    };
    digest::digest(algorithm, bytes).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn computed(toml: &str) -> Result<String, String> {
        let computed: Computed = soter_bridge::toml_file::parse(&format!("name = 'sign'\n{toml}"))
            .map_err(|error| error.to_string())?;
        let values =
            Values::from([("order".to_owned(), "7".to_owned()), ("text".to_owned(), "abc".to_owned())]);
        Ok(compute(&computed, &values).unwrap())
    }

    /// Expected values: the OpenSSL command line.
    #[test]
    fn a_signature_over_sorted_parameters_is_that_of_other_programs() {
        for (toml, expected) in [
            ("text = '{{text}}'\nhash = 'md5'", "900150983cd24fb0d6963f7d28e17f72"),
            ("text = '{{text}}'\nhash = 'md5'\nencoding = 'upper-hex'", "900150983CD24FB0D6963F7D28E17F72"),
            ("text = '{{text}}'\nhash = 'sha1'\nencoding = 'base64'", "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="),
            (
                "text = '{{sorted}}&key=k'\nhash = 'sha256'\nkey = 'k'\nparameters = { b = '{{order}}', a = '1', c = '{{none}}' }",
                "18a7bc6ea4e95e09d648dad3fc5b9065faeb1bc79d9b60d4bb380cd65a2e8950",
            ),
            ("text = '{{text}}'\nencoding = 'base64'", "YWJj"),
            (
                r#"text = '{"a":"b"}'
encoding = 'json'"#,
                r#"{\"a\":\"b\"}"#,
            ),
            ("text = '{{sorted}}'\nparameters = { b = '{{order}}', a = '1' }", "a=1&b=7"),
        ] {
            assert_eq!(computed(toml).unwrap(), expected, "{toml}");
        }
    }

    #[test]
    fn a_value_is_made_of_the_request_and_of_a_key_from_an_answer() {
        let text = "name = 'sign'\ntext = '{{requestMethod}} {{requestPath}} {{requestBody}}'\nhash = 'sha256'\nkey = '{{key}}'";
        let computed = [soter_bridge::toml_file::parse::<Computed>(text).unwrap()];
        let mut values = Values::from([("key".to_owned(), "k".to_owned())]);
        add_new_values(&computed, 0, &mut values).unwrap();
        assert!(!values.contains_key("sign"));
        let parts = ["POST", "/pay?a=1", "{}"].map(str::to_owned);
        add_values_of_request(&computed, parts, &mut values).unwrap();
        // printf 'POST /pay?a=1 {}' | openssl dgst -sha256 -hmac k
        assert_eq!(values["sign"], "0fa2d981abbcca5f6d26381ca78dfa7be29bf6816254368cbd432e3b26d8c928");
    }

    #[test]
    fn a_key_needs_a_hash_with_which_an_hmac_is_made() {
        for toml in ["text = 'x'\nkey = 'k'", "text = 'x'\nkey = 'k'\nhash = 'md5'"] {
            assert!(computed(toml).unwrap_err().contains("HMAC"), "{toml}");
        }
    }
}
