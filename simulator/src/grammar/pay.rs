//! `pay`: a mini program's call for a payment.

use clap::Args;
use soter_bridge::protocol::{TouchScript, wx};
use soter_wechat::PaymentRequest;

use super::auth::parse_touch_script;
use super::prepared_call::PreparedCall;

/// `pay PREPAY_ID [--pay-sign SIGNATURE] [--sign-type TYPE] [--time-stamp SECONDS] [--nonce-str TEXT] [--touch SCRIPT]`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Pay {
    /// The order's id at WeChat Pay; any is accepted
    #[arg(value_name = "PREPAY_ID")]
    prepay_id: String,
    /// What the merchant's server has signed; checked if the servers' --config has the merchant's key
    #[arg(long = "pay-sign", value_name = "SIGNATURE", default_value = "0", allow_hyphen_values = true)]
    signature: String,
    /// MD5, HMAC-SHA256 or RSA; left out: MD5
    #[arg(long, value_name = "TYPE")]
    sign_type: Option<String>,
    /// The time that was signed, in seconds since 1970
    #[arg(long, value_name = "SECONDS", default_value = "0")]
    time_stamp: String,
    /// The random text that was signed
    #[arg(long, value_name = "TEXT", default_value = "0", allow_hyphen_values = true)]
    nonce_str: String,
    /// The mini program that calls; left out: the first one of WeChat's servers
    #[arg(long, value_name = "APPID")]
    app: Option<String>,
    /// Touches instead of a person: finger numbers, `wrong`, `cancel`, comma-separated
    #[arg(long, value_name = "SCRIPT", value_parser = parse_touch_script)]
    touch: Option<TouchScript>,
}

impl Pay {
    /// The protocol call for this command.
    pub(super) fn prepared_call(self) -> PreparedCall {
        let prefix = PaymentRequest::PACKAGE_PREFIX;
        let id = self.prepay_id.strip_prefix(prefix).unwrap_or(&self.prepay_id);
        PreparedCall::new(wx::RequestPayment {
            time_stamp: Some(self.time_stamp),
            nonce_str: Some(self.nonce_str),
            package: Some(format!("{prefix}{id}")),
            sign_type: self.sign_type,
            pay_sign: Some(self.signature),
            appid: self.app,
            touch: self.touch,
        })
    }
}
