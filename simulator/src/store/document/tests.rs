use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    name: String,
    fingers: u8,
}

fn settings() -> Settings {
    Settings { name: "pixel".to_owned(), fingers: 3 }
}

fn encoded() -> Vec<u8> {
    PHONE.encode(&settings()).unwrap()
}

/// A file with a valid header for this body.
fn with_header(body: &str) -> Vec<u8> {
    format!("{}\n{body}", PHONE.header(1, body.as_bytes())).into_bytes()
}

#[test]
fn a_document_is_a_header_line_and_indented_json() {
    let text = String::from_utf8(encoded()).unwrap();
    assert_eq!(
        text,
        "soter-sim-phone 1 ab3c86b04a275ec44d2f44bd9a6e477b093aee4dcd8e51f60fb1e7d59c4f5bb1\n\
         {\n  \"name\": \"pixel\",\n  \"fingers\": 3\n}\n"
    );
}

#[test]
fn what_was_encoded_is_decoded() {
    assert_eq!(PHONE.decode::<Settings>(&encoded()).unwrap(), settings());
}

#[test]
fn no_changed_byte_goes_unnoticed() {
    let bytes = encoded();
    for index in 0..bytes.len() {
        for change in 1..=u8::MAX {
            let mut changed = bytes.clone();
            changed[index] ^= change;
            assert!(PHONE.decode::<Settings>(&changed).is_err(), "byte {index} ^ {change}");
        }
    }
}

#[test]
fn no_truncation_and_no_added_byte_goes_unnoticed() {
    let bytes = encoded();
    for length in 0..bytes.len() {
        assert!(PHONE.decode::<Settings>(&bytes[..length]).is_err(), "{length} bytes");
    }
    for added in 0..=u8::MAX {
        assert_eq!(PHONE.decode::<Settings>(&[&bytes[..], &[added]].concat()), Err(DocumentDefect::Digest));
    }
}

#[test]
fn converted_line_ends_are_damage() {
    let text = String::from_utf8(encoded()).unwrap();
    let body_converted = text.replace('\n', "\r\n").replacen("\r\n", "\n", 1);
    assert_eq!(PHONE.decode::<Settings>(body_converted.as_bytes()), Err(DocumentDefect::Digest));
    assert_eq!(PHONE.decode::<Settings>(text.replace('\n', "\r\n").as_bytes()), Err(DocumentDefect::Digest));
}

#[test]
fn another_version_is_reported_before_anything_else_is_checked() {
    assert_eq!(
        PHONE.decode::<Settings>(b"soter-sim-phone 2 some other digest\nand no JSON"),
        Err(DocumentDefect::Version { found: 2, version: 1 })
    );
}

#[test]
fn an_earlier_version_is_read_with_its_own_digest() {
    let body = b"{\"name\": \"pixel\", \"fingers\": 3}\n";
    let of_version = |version| [DESK.header(version, body).as_bytes(), b"\n", body].concat();
    assert_eq!(DESK.decode::<Settings>(&of_version(1)).unwrap(), settings());
    assert_eq!(DESK.decode::<Settings>(&of_version(2)).unwrap(), settings());
    for unknown in [0, 3] {
        let version = DocumentDefect::Version { found: unknown, version: 2 };
        assert_eq!(DESK.decode::<Settings>(&of_version(unknown)), Err(version));
    }
}

#[test]
fn bytes_without_a_valid_header_are_not_a_document() {
    for bytes in [
        &b""[..],
        b"\n",
        b"{}",
        b"{}\n",
        b"soter-sim-phone\n{}",
        b"soter-sim-phone 1\n{}",
        b"soter-sim-phone one 00\n{}",
        b"soter-sim-phone 99999999999999999999 00\n{}",
        b"\xFF\xFE 1 00\n{}",
    ] {
        assert_eq!(
            PHONE.decode::<Settings>(bytes),
            Err(DocumentDefect::Header { name: "soter-sim-phone", version: 1 }),
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn the_error_for_an_intact_document_of_another_shape_names_the_line() {
    let unknown = with_header("{\n  \"name\": \"pixel\",\n  \"nose\": 3\n}\n");
    assert!(matches!(PHONE.decode::<Settings>(&unknown), Err(DocumentDefect::Json { line: 4, .. })));

    let trailing = with_header("{\"name\": \"pixel\", \"fingers\": 3}\n{}");
    assert!(matches!(PHONE.decode::<Settings>(&trailing), Err(DocumentDefect::Json { line: 3, .. })));

    let nested = with_header(&"[".repeat(100_000));
    assert!(matches!(PHONE.decode::<serde_json::Value>(&nested), Err(DocumentDefect::Json { .. })));
}

#[test]
fn no_defect_shows_the_documents_contents() {
    let private = with_header("{\"name\": \"pixel\", \"fingers\": \"private\"}");
    let defect = PHONE.decode::<Settings>(&private).unwrap_err();
    assert!(!format!("{defect} {defect:?}").contains("private"));
}

#[test]
fn a_value_that_is_not_json_is_not_encoded() {
    PHONE.encode(&BTreeMap::from([(vec![1], "a list is not a key")])).unwrap_err();
}

#[test]
fn a_document_longer_than_the_limit_is_not_encoded() {
    let length = u64::try_from(encoded().len()).unwrap();

    let format = |max_bytes| Format { max_bytes, ..PHONE };
    format(length).encode(&settings()).unwrap();
    let error = format(length - 1).encode(&settings()).unwrap_err();

    assert_eq!(
        error.to_string(),
        format!("it is {length} bytes long, and at most {} are allowed", length - 1)
    );
}
