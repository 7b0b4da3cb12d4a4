//! Why a `paySign` is wrong: which of the usual mistakes, alone or two together, would give it.
//!
//! The number of attempts is bounded. A diagnosis never changes the verdict.

use soter_text::{Text, text};
use soter_wire::{PublicKey, base64, shortened};

use super::deviation::{Deviation, in_text, orders};
use super::signing_input::{SignType, SigningInput};
use crate::accounts::App;

/// Other mini programs of the configuration whose appids and keys are tried.
pub(super) const MAX_OTHER_APPS: usize = 20;
/// Bytes of the text up to which mistakes are tried: real ones have a few hundred, and each attempt reads all of it.
const MAX_DIAGNOSED_BYTES: usize = 2048;
/// Characters of the right text that are shown.
const MAX_SHOWN: usize = 400;

/// What a merchant's server may have mixed up.
pub(super) struct Context<'a> {
    /// The mini program that pays.
    pub(super) app: &'a App,
    /// Other mini programs, with their merchants' public keys.
    pub(super) others: &'a [(&'a App, Option<PublicKey>)],
}

/// One line: which part of the signature's input was wrong, or the right input if no usual mistake explains it.
pub(super) fn diagnose<'a>(right: &SigningInput<'a>, pay_sign: &str, context: &Context<'a>) -> Text {
    let declared = right.sign_type;
    if let Some(key) = &context.app.merchant_key
        && pay_sign.contains(key.expose())
    {
        return text!(
            "paySign is wrong: it has the merchant's key in it, so the text was not hashed. A mini program must never get the key"
        );
    }
    let bytes_of_text = right.printable_text().len();
    if bytes_of_text > MAX_DIAGNOSED_BYTES {
        return text!(
            "paySign is wrong, and a text of {bytes} bytes is too long to look for the mistake: keep it below {most}",
            bytes = bytes_of_text,
            most = MAX_DIAGNOSED_BYTES
        );
    }
    // First what was declared, then what may have been used instead.
    let others = SignType::ALL.into_iter().filter(|sign_type| *sign_type != declared);
    let mut written = None;
    for sign_type in [declared].into_iter().chain(others) {
        let input = right.signed_as(sign_type);
        if !input.has_key() {
            continue;
        }
        let Some((bytes, writing)) = bytes(sign_type, pay_sign) else { continue };
        let used = (sign_type != declared).then(|| {
            text!(
                "it is made with {used}, and the call's `signType` is {declared}",
                used = sign_type.name(),
                declared = declared.name()
            )
        });
        if let Some(mistakes) = mistakes(&input, &bytes, context) {
            let all = used.into_iter().chain(writing).chain(mistakes);
            let all = all.reduce(|one, next| text!("{one}, and {next}", one = one, next = next));
            return text!("paySign is wrong: {mistakes}", mistakes = all.unwrap_or_default());
        }
        if sign_type == declared {
            written = writing;
        }
    }
    let characters = pay_sign.chars().count();
    let expected = match declared {
        SignType::Md5 => 32,
        SignType::HmacSha256 => 64,
        SignType::Rsa => 344,
    };
    let written = written.or_else(|| {
        (characters != expected).then(|| {
            text!(
                "it has {characters} characters instead of {expected}",
                characters = characters,
                expected = expected
            )
        })
    });
    let (sign_type, right) = (declared.name(), right.printable_text());
    let right = shortened(&right, MAX_SHOWN);
    if let Some(written) = written {
        return text!(
            "paySign is wrong, and no usual mistake explains it, and {written}: check the key, and that {sign_type} is over exactly `{right}`",
            written = written,
            sign_type = sign_type,
            right = right
        );
    }
    text!(
        "paySign is wrong, and no usual mistake explains it: check the key, and that {sign_type} is over exactly `{right}`",
        sign_type = sign_type,
        right = right
    )
}

/// The mistakes that give these bytes; none if only their form is wrong. `None` if no usual mistakes do.
fn mistakes<'a>(input: &SigningInput<'a>, bytes: &[u8], context: &Context<'a>) -> Option<Vec<Text>> {
    if input.matches(bytes) {
        return Some(Vec::new());
    }
    let in_text = in_text(input);
    let configured = of_configuration(context);
    let orders = orders(input);
    let gives = |deviations: &[&Deviation<'a>]| {
        let mut changed = input.clone();
        for deviation in deviations {
            deviation.apply(&mut changed);
        }
        changed.matches(bytes)
    };
    if let Some(one) = in_text.iter().chain(&configured).chain(&orders).find(|one| gives(&[one])) {
        return Some(vec![one.text()]);
    }
    if input.matches_pss(bytes) {
        return Some(vec![text!("the padding is PSS instead of PKCS#1 v1.5")]);
    }
    let pairs = in_text.iter().enumerate().flat_map(|(index, first)| {
        let others = in_text.iter().skip(index + 1).chain(&configured);
        others.map(move |second| (first, second))
    });
    // A name changes after values and orders, which find their parameters by name.
    let mut pairs = pairs.flat_map(|(first, second)| [(first, second), (second, first)]);
    let (first, second) = pairs.find(|(first, second)| gives(&[first, second]))?;
    Some(vec![first.text(), second.text()])
}

/// Mistakes with what the configuration has: another mini program, another merchant, the secret instead of the key.
fn of_configuration<'a>(context: &Context<'a>) -> Vec<Deviation<'a>> {
    let app = context.app;
    let secret =
        |app: &App| text!("the key is the secret of {appid}, not the merchant's key", appid = app.appid);
    let mut deviations = vec![Deviation::OtherKey(&app.secret, secret(app))];
    for (other, public_key) in context.others {
        deviations.push(Deviation::OtherAppid(other));
        if let Some(key) = &other.merchant_key {
            let whose = text!("the key is that of the merchant of {appid}", appid = other.appid);
            deviations.push(Deviation::OtherKey(key, whose));
        }
        if let Some(key) = public_key {
            deviations.push(Deviation::OtherPublicKey(key, &other.appid));
        }
        deviations.push(Deviation::OtherKey(&other.secret, secret(other)));
    }
    deviations
}

/// The bytes of a `paySign` of this kind, and what is wrong with how it is written. `None` if it is of another kind.
fn bytes(sign_type: SignType, pay_sign: &str) -> Option<(Vec<u8>, Option<Text>)> {
    let length = match sign_type {
        SignType::Md5 => 16,
        SignType::HmacSha256 => 32,
        // Keys of 2048 bits.
        SignType::Rsa => 256,
    };
    let is_hex = sign_type != SignType::Rsa;
    let joined: String = pay_sign.split_ascii_whitespace().collect();
    let hex = |text: &str| base16ct::mixed::decode_vec(text).ok();
    let of_base64 = |text: &str| base64::decode(text).ok();
    let hex_case =
        (pay_sign != pay_sign.to_ascii_uppercase()).then(|| text!("its digits are not in upper case"));
    let readings = [
        (hex(pay_sign), if is_hex { hex_case } else { Some(text!("it is hexadecimal instead of Base64")) }),
        (of_base64(pay_sign), is_hex.then(|| text!("it is Base64 instead of hexadecimal digits"))),
        (hex(&joined).or_else(|| of_base64(&joined)), Some(text!("it has spaces or line ends inside"))),
        (of_base64(&pay_sign.replace(' ', "+")), Some(text!("spaces stand where it had `+`"))),
        (
            of_base64(&joined.replace('-', "+").replace('_', "/")),
            Some(text!("its Base64 is the URL-safe one")),
        ),
    ];
    readings.into_iter().find_map(|(bytes, writing)| {
        bytes.filter(|bytes| bytes.len() == length).map(|bytes| (bytes, writing))
    })
}
