//! The usual mistakes in what a merchant's server signs for a payment.

use soter_text::{Text, text};
use soter_wire::PublicKey;

use super::signing_input::{Form, KeyPart, SignType, SigningInput};
use crate::accounts::App;
use crate::secret::Secret;

/// The difference, in seconds, that is tried between the time that was sent and the time that was signed.
const MAX_SECONDS_APART: u64 = 5;

/// One mistake.
#[derive(Clone)]
pub(super) enum Deviation<'a> {
    /// A parameter has another name.
    Named(&'static str, &'static str),
    /// All names are in lower case.
    LowerCaseNames,
    /// A parameter has another value; in words.
    Valued { name: &'static str, value: String, what: Text },
    /// A parameter is left out.
    LeftOut(&'static str),
    /// `prepay_id` is a parameter, and not part of `package`.
    PrepayIdAlone,
    /// Another mini program's appid.
    OtherAppid(&'a App),
    /// The key is left out, or its value.
    Key(KeyPart),
    /// Another text is the merchant's key; in words.
    OtherKey(&'a Secret, Text),
    /// Another merchant has signed; the mini program's appid.
    OtherPublicKey(&'a PublicKey, &'a str),
    /// The parameters are in another order.
    Ordered(Vec<&'static str>),
    /// The values are encoded as in an address.
    UrlEncoded,
    /// The text of APIv3 has another form; in words.
    Formed(Form, Text),
}

impl Deviation<'_> {
    /// What the merchant's server has signed.
    pub(super) fn text(&self) -> Text {
        match self {
            Self::Named(right, wrong) => text!("`{right}` is named `{wrong}`", right = right, wrong = wrong),
            Self::LowerCaseNames => text!("the names are in lower case"),
            Self::LeftOut(name) => text!("`{name}` is left out", name = name),
            Self::PrepayIdAlone => text!("`prepay_id` is a parameter of its own instead of `package`"),
            Self::OtherAppid(app) => text!("`appId` is that of {appid}", appid = app.appid),
            Self::Key(KeyPart::Empty) => text!("`key` is empty"),
            Self::Key(KeyPart::Missing | KeyPart::Key) => text!("`&key=` is missing at the end"),
            Self::OtherPublicKey(_, appid) => {
                text!("the key is that of the merchant of {appid}", appid = appid)
            }
            Self::Ordered(names) => text!("the order is {names}", names = names.join(", ")),
            Self::UrlEncoded => text!("the values are URL-encoded"),
            Self::Valued { what, .. } | Self::OtherKey(_, what) | Self::Formed(_, what) => what.clone(),
        }
    }
}

impl<'a> Deviation<'a> {
    /// Makes the mistake.
    pub(super) fn apply(&self, input: &mut SigningInput<'a>) {
        match self {
            Self::Named(right, wrong) => input.rename(right, wrong),
            Self::LowerCaseNames => {
                for (name, lower) in [
                    ("appId", "appid"),
                    ("nonceStr", "noncestr"),
                    ("signType", "signtype"),
                    ("timeStamp", "timestamp"),
                ] {
                    input.rename(name, lower);
                }
            }
            Self::Valued { name, value, .. } => input.set(name, value.as_str()),
            Self::LeftOut(name) => input.parameters.retain(|(other, _)| other != name),
            Self::PrepayIdAlone => {
                let id = prepay_id(input).to_owned();
                input.set("package", id);
                input.rename("package", "prepay_id");
            }
            Self::OtherAppid(app) => input.set("appId", app.appid.as_str()),
            Self::Key(part) => input.key_part = *part,
            Self::OtherKey(key, _) => input.merchant_key = Some(key.expose()),
            Self::OtherPublicKey(key, _) => input.public_key = Some(key),
            Self::Ordered(names) => input.order(names),
            Self::UrlEncoded => {
                for (_, value) in &mut input.parameters {
                    *value = form_urlencoded::byte_serialize(value.as_bytes()).collect();
                }
            }
            Self::Formed(form, _) => input.form = *form,
        }
    }
}

fn prepay_id<'i>(input: &'i SigningInput<'_>) -> &'i str {
    let package = input.value("package");
    package.split_once('=').map_or(package, |(_, id)| id)
}

/// The mistakes that can be made with this input alone, the usual ones first.
pub(super) fn in_text(input: &SigningInput<'_>) -> Vec<Deviation<'static>> {
    let valued = |name, value: &str, what| Deviation::Valued { name, value: value.to_owned(), what };
    let mut deviations = vec![
        Deviation::Named("appId", "appid"),
        Deviation::Named("timeStamp", "timestamp"),
        Deviation::LowerCaseNames,
        valued("package", prepay_id(input), text!("`package` is the id without `prepay_id=`")),
        Deviation::PrepayIdAlone,
        valued("package", "Sign=WXPay", text!("`package` is `Sign=WXPay`, as in apps")),
        Deviation::LeftOut("signType"),
        Deviation::Key(KeyPart::Missing),
        Deviation::Key(KeyPart::Empty),
        Deviation::UrlEncoded,
    ];
    for sign_type in SignType::ALL {
        if sign_type != input.sign_type {
            deviations.push(valued(
                "signType",
                sign_type.name(),
                text!(
                    "`signType` is `{sign_type}` in the text that was signed",
                    sign_type = sign_type.name()
                ),
            ));
        }
    }
    let nonce = input.value("nonceStr");
    deviations.push(valued("nonceStr", &nonce.to_ascii_uppercase(), text!("`nonceStr` is in upper case")));
    deviations.push(valued("nonceStr", &nonce.to_ascii_lowercase(), text!("`nonceStr` is in lower case")));
    deviations.extend(of_time(input.value("timeStamp")));
    if input.sign_type == SignType::Rsa {
        let lines = |end, ends_last| Form::Lines { end, ends_last };
        deviations.extend([
            Deviation::Formed(lines("\n", false), text!("the line feed after the last line is missing")),
            Deviation::Formed(lines("\r\n", true), text!("the lines end in CR LF")),
            Deviation::Formed(lines("\\n", true), text!("the lines end in a backslash and the letter n")),
            Deviation::Formed(lines("", true), text!("the line feeds are missing")),
            Deviation::Formed(
                Form::Query,
                text!("the text is that of MD5 and HMAC-SHA256, with names and `&`"),
            ),
        ]);
    }
    deviations
}

/// Mistakes with the time: another unit, or a second time that is read for the signature.
fn of_time(sent: &str) -> Vec<Deviation<'static>> {
    let signed = |value: String, what: Text| Deviation::Valued { name: "timeStamp", value, what };
    let mut deviations = vec![signed(format!("{sent}000"), text!("`timeStamp` is in milliseconds"))];
    if let Some((seconds, _)) = sent.split_once('.') {
        deviations
            .push(signed(seconds.to_owned(), text!("`timeStamp` is without the fraction that was sent")));
    }
    let Ok(time) = sent.parse::<u64>() else { return deviations };
    if sent.len() >= 13 {
        deviations.push(signed(
            (time / 1000).to_string(),
            text!("`timeStamp` is in seconds, and was sent in milliseconds"),
        ));
    }
    for seconds in 1..=MAX_SECONDS_APART {
        for other in [time.checked_sub(seconds), time.checked_add(seconds)].into_iter().flatten() {
            let what = text!(
                "`timeStamp` is {other}, and {time} was sent: the time was read twice",
                other = other,
                time = time
            );
            deviations.push(signed(other.to_string(), what));
        }
    }
    deviations
}

/// Every other order of the parameters.
pub(super) fn orders(input: &SigningInput<'_>) -> Vec<Deviation<'static>> {
    let names: Vec<_> = input.parameters.iter().map(|(name, _)| *name).collect();
    let mut orders = vec![Vec::new()];
    for count in 0..names.len() {
        orders = orders
            .iter()
            .flat_map(|order: &Vec<&'static str>| {
                names.iter().filter(|name| !order.contains(name)).map(move |name| {
                    let mut longer = Vec::with_capacity(count + 1);
                    longer.extend_from_slice(order);
                    longer.push(*name);
                    longer
                })
            })
            .collect();
    }
    orders.into_iter().filter(|order| *order != names).map(Deviation::Ordered).collect()
}
