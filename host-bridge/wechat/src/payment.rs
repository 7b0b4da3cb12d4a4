//! `wx.requestPayment` at WeChat's servers: whether `paySign` belongs to what the mini program sends.
//!
//! Documented are the call and how `paySign` is made. Modelled is all that goes beyond it: which parameters are required,
//! MD5 where `signType` is absent, that a `paySign` in lower-case digits is refused, and that nothing is checked for a mini
//! program without a merchant. Any `prepay_id` is accepted, because no order is placed at these servers.

use soter_text::{Text, text};
use soter_wire::{PublicKey, base64, shortened};

use crate::accounts::{Accounts, App, merchant_public_key};
use crate::error::WeChatError;
use crate::payment::diagnosis::{Context, diagnose};
use crate::payment::signing_input::{SignType, SigningInput, Values};
use crate::reasons::Reason;
use crate::verdict::Verdict;

mod deviation;
mod diagnosis;
mod signing_input;
#[cfg(test)]
mod tests;

/// Characters of a parameter that a verdict quotes.
const MAX_QUOTED: usize = 80;

/// The parameters of `wx.requestPayment`, as the mini program gave them.
#[derive(Clone, Copy, Debug, Default)]
pub struct PaymentRequest<'a> {
    /// Seconds since 1970, in decimal digits.
    pub time_stamp: Option<&'a str>,
    /// A random text.
    pub nonce_str: Option<&'a str>,
    /// `prepay_id=…`.
    pub package: Option<&'a str>,
    /// How `paySign` was made: `MD5`, `HMAC-SHA256` or `RSA`.
    pub sign_type: Option<&'a str>,
    /// The merchant's signature over the other parameters and the appid.
    pub pay_sign: Option<&'a str>,
}

impl PaymentRequest<'_> {
    /// What `package` begins with.
    pub const PACKAGE_PREFIX: &'static str = "prepay_id=";

    /// The `prepay_id`; `None` if `package` does not have one.
    pub fn prepay_id(&self) -> Option<&str> {
        self.package
            .and_then(|package| package.strip_prefix(Self::PACKAGE_PREFIX))
            .filter(|id| !id.is_empty())
    }
}

/// Judges a payment's parameters. The reason is `PaySignValid`, `PaySignNotChecked`, `PaySignWrong` or `PaymentParameter`.
///
/// # Errors
/// [`WeChatError::Accounts`] if the merchant's public key cannot be read: `Accounts` has checked it.
pub(crate) fn judge(
    accounts: &Accounts,
    app: &App,
    request: &PaymentRequest<'_>,
) -> Result<Verdict, WeChatError> {
    let (values, sign_type, pay_sign) = match read(app, request) {
        Ok(read) => read,
        Err(detail) => return Ok(Verdict::new(Reason::PaymentParameter, detail)),
    };
    let merchant_key = app.merchant_key.as_ref();
    let public_key = merchant_public_key(app)?;
    if merchant_key.is_none() && public_key.is_none() {
        let detail = text!(
            "paySign was not checked: {appid} has neither `merchant_key` nor `merchant_public_key` in the configuration",
            appid = app.appid
        );
        return Ok(Verdict::new(Reason::PaySignNotChecked, detail));
    }
    let input = SigningInput::new(
        sign_type,
        values,
        merchant_key.map(crate::secret::Secret::expose),
        public_key.as_ref(),
    );
    if !input.has_key() {
        let key = if sign_type == SignType::Rsa { "merchant_public_key" } else { "merchant_key" };
        let detail = text!(
            "signType is {sign_type}, which needs `{key}`, and {appid} has only the other key in the configuration",
            sign_type = sign_type.name(),
            key = key,
            appid = app.appid
        );
        return Ok(Verdict::new(Reason::PaySignWrong, detail));
    }
    if strict_bytes(sign_type, pay_sign).is_some_and(|bytes| input.matches(&bytes)) {
        let detail = text!("paySign is right ({sign_type})", sign_type = sign_type.name());
        return Ok(Verdict::new(Reason::PaySignValid, detail));
    }
    let context = Context { app, others: &other_merchants(accounts, app)? };
    Ok(Verdict::new(Reason::PaySignWrong, diagnose(&input, pay_sign, &context)))
}

/// The parameters that are required, or which one is missing or unknown.
fn read<'a>(app: &'a App, request: &PaymentRequest<'a>) -> Result<(Values<'a>, SignType, &'a str), Text> {
    let required = |name: &str, value: Option<&'a str>| {
        value
            .filter(|value| !value.is_empty())
            .ok_or_else(|| text!("`{name}` is missing or empty", name = name))
    };
    let time_stamp = required("timeStamp", request.time_stamp)?;
    let nonce_str = required("nonceStr", request.nonce_str)?;
    let package = required("package", request.package)?;
    if request.prepay_id().is_none() {
        let (shown, prefix) = (shortened(package, MAX_QUOTED), PaymentRequest::PACKAGE_PREFIX);
        return Err(text!(
            "`package` is `{shown}`, and must be `{prefix}` with the id after it",
            shown = shown,
            prefix = prefix
        ));
    }
    let sign_type = match request.sign_type {
        None => SignType::Md5,
        Some(name) => SignType::named(name).ok_or_else(|| {
            let known = SignType::ALL.map(SignType::name).join(", ");
            text!(
                "`signType` is `{shown}`, and must be one of {known}",
                shown = shortened(name, MAX_QUOTED),
                known = known
            )
        })?,
    };
    let pay_sign = required("paySign", request.pay_sign)?;
    Ok((Values { appid: &app.appid, time_stamp, nonce_str, package }, sign_type, pay_sign))
}

/// The bytes of a `paySign` in the one right form: upper-case hex, or standard Base64 for RSA.
fn strict_bytes(sign_type: SignType, pay_sign: &str) -> Option<Vec<u8>> {
    match sign_type {
        SignType::Md5 | SignType::HmacSha256 => base16ct::upper::decode_vec(pay_sign).ok(),
        SignType::Rsa => base64::decode(pay_sign).ok(),
    }
}

/// The other mini programs of the configuration, as far as a diagnosis tries them, with their merchants' public keys.
fn other_merchants<'a>(
    accounts: &'a Accounts,
    app: &App,
) -> Result<Vec<(&'a App, Option<PublicKey>)>, WeChatError> {
    accounts
        .apps()
        .filter(|other| other.appid != app.appid)
        .take(diagnosis::MAX_OTHER_APPS)
        .map(|other| Ok((other, merchant_public_key(other)?)))
        .collect()
}
