//! What each path takes. A list is all that a handler can read, and all that the OpenAPI document describes: what is not
//! in the list does not compile, and what nobody reads is a warning of the compiler.

use soter_text::text;

use super::{Call, Failed};
use crate::accounts::{DEFAULT_APPID, DEFAULT_OPENID, DEFAULT_SECRET};
use crate::answer::Errcode;
use crate::json::Json;
use crate::parameter::{Described, Flag, Judged, Only, Optional, Parameter, Reading, Required};
use crate::paths::{PathMethod, WeChatPath};
use crate::pipeline::BACKEND_NAMES;
use crate::sessions::BadToken;

/// An authentication's result, as examples show it.
pub(crate) const EXAMPLE_RESULT: [&str; 2] = [
    r#"{"raw":"order-42","fid":"2831589","counter":5,"tee_n":"t-base-Mediatek-Armv8-Android-302A-V012-emulated","tee_v":"10010","fp_n":"FPC","fp_v":"6516","cpu_id":"1e134a25dd30fd2bb761c30dfe9309e4381747b4","uid":"10102"}"#,
    "mKztScAQjNa3io/U/xpZkSrw0Q16qNWoKLftgt0kgKgaU/XsdEIgIv5shYQwwAK51HIkyZwh0UW3Wd827EfsinR3g8j6YYjukH3OZCPazZrpodohI0kQrbW/odGV5phMP9qu/UBlZsUP/gEf9SdW1VFas7xMQwjUwwVGlGvKap8jCu1Z0yyXdIP6VZO6ju84NRh9uR8fulhIDRHC1CCmlKPeUjlBwP8L7mqXh42w00Wxsbn28MU7NheHdSuAG213cxy9DhVSTXOZ3tVOenIDdkCIi9ErRELia3qxXkV/08VYEFgQMlyAZ4TD4EwW+eVUBWWqlvRaoGipg8KuPjHp1A==",
];

/// What a path takes.
#[derive(Debug)]
pub(crate) struct PathParameters {
    /// Whether it takes an access token in the query.
    pub(crate) needs_token: bool,
    pub(crate) list: Vec<Described>,
}

/// What a path takes. `None` if it has its own format.
pub(crate) fn parameters_of(path: WeChatPath) -> Option<PathParameters> {
    Some(match path {
        WeChatPath::CallbackIps | WeChatPath::ApiIps => OnlyToken::described(),
        WeChatPath::CheckSession | WeChatPath::ResetSessionKey => SignedSession::described(),
        WeChatPath::ClearQuota => QuotaOfApp::described(),
        WeChatPath::ClearQuotaBySecret => QuotaBySecret::described(),
        WeChatPath::CodeToSession => LoginCode::described(),
        WeChatPath::IsSupport => DeviceModel::described(),
        WeChatPath::PhoneNumber => PhoneCode::described(),
        WeChatPath::StableToken => StableToken::described(),
        WeChatPath::Token => PlainToken::described(),
        WeChatPath::VerifyAsk => SignedAsk::described(),
        WeChatPath::VerifySignature => SignedResult::described(),
        WeChatPath::CloudCalls | WeChatPath::Devices => return None,
    })
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident $(($app:ident))? {
        $($field:ident: $reading:ty = $parameter:ident;)*
    })+) => {$(
        $(#[$doc])*
        pub(super) struct $name<'c> {
            $(
                /// The mini program of the access token.
                #[allow(dead_code, reason = "some paths answer all mini programs alike")]
                pub(super) $app: &'c str,
            )?
            $(pub(super) $field: <$reading as Reading>::Value<'c>,)*
        }

        impl<'c> Parameters<'c> for $name<'c> {
            fn read(call: &'c Call<'_>) -> Result<Self, Failed> {
                $(let $app = call.authorized_app()?;)?
                call.check_body()?;
                Ok(Self { $($app,)? $($field: call.read(&$parameter),)* })
            }
        }

        impl $name<'_> {
            fn described() -> PathParameters {
                let apps: &[&str] = &[$(stringify!($app))?];
                PathParameters { needs_token: !apps.is_empty(), list: vec![$($parameter.described()),*] }
            }
        }
    )+};
}

/// The parameters of a path, as its handler reads them.
pub(super) trait Parameters<'c>: Sized {
    /// Reads them. A path that takes an access token refuses a request without a good one first.
    fn read(call: &'c Call<'_>) -> Result<Self, Failed>;
}

parameters! {
    /// A plain access token.
    PlainToken {
        grant_type: Only = CLIENT_CREDENTIAL;
        appid: Required = APPID;
        secret: Required = SECRET;
    }

    /// A stable access token.
    StableToken {
        grant_type: Only = CLIENT_CREDENTIAL;
        appid: Required = APPID;
        secret: Required = SECRET;
        force_refresh: Flag = FORCE_REFRESH;
    }

    /// The code of a login.
    LoginCode {
        appid: Required = APPID;
        secret: Required = SECRET;
        grant_type: Only = AUTHORIZATION_CODE;
        js_code: Required = LOGIN_CODE;
    }

    /// A session whose key has signed the request.
    SignedSession (app) {
        openid: Required = OPENID;
        signature: Required = SESSION_SIGNATURE;
        sig_method: Only = HMAC_SHA256;
    }

    /// The code of `wx.getPhoneNumber`.
    PhoneCode (app) {
        code: Required = PHONE_CODE;
        openid: Optional = OPENID_OF_CODE;
    }

    /// A phone's result and its signature.
    SignedResult (app) {
        openid: Required = OPENID;
        json_string: Judged = JSON_STRING;
        json_signature: Judged = JSON_SIGNATURE;
    }

    /// The description of a phone.
    DeviceModel (app) {
        model_key: Required = MODEL_KEY;
    }

    /// An ASK and its signature.
    SignedAsk (app) {
        ask_json: Required = ASK_JSON;
        ask_json_signature: Judged = ASK_JSON_SIGNATURE;
    }

    /// The mini program whose quota ends.
    QuotaOfApp (app) {
        appid: Required = APPID;
    }

    /// The mini program whose quota ends, with its secret.
    QuotaBySecret {
        appid: Required = APPID;
        appsecret: Required = APPSECRET;
    }

    /// Nothing but an access token.
    OnlyToken (app) {}
}

static CLIENT_CREDENTIAL: Parameter<Only> = Parameter {
    name: "grant_type",
    description: "What is given.",
    example: "",
    refused: &[],
    reading: Only("client_credential", Errcode::GRANT_TYPE),
};

static AUTHORIZATION_CODE: Parameter<Only> =
    Parameter { reading: Only("authorization_code", Errcode::GRANT_TYPE), ..CLIENT_CREDENTIAL };

static APPID: Parameter<Required> = Parameter {
    name: "appid",
    description: "The mini program.",
    example: DEFAULT_APPID,
    refused: &[Errcode::INVALID_APPID],
    reading: Required(Errcode::APPID_MISSING),
};

static SECRET: Parameter<Required> = Parameter {
    name: "secret",
    description: "The mini program's secret.",
    example: DEFAULT_SECRET,
    refused: &[Errcode::INVALID_SECRET],
    reading: Required(Errcode::SECRET_MISSING),
};

static APPSECRET: Parameter<Required> =
    Parameter { name: "appsecret", reading: Required(Errcode::SECRET_MISSING), ..SECRET };

static FORCE_REFRESH: Parameter<Flag> = Parameter {
    name: "force_refresh",
    description: "Whether another token is made and the one before it ends at once.",
    example: "",
    refused: &[],
    reading: Flag,
};

static LOGIN_CODE: Parameter<Required> = Parameter {
    name: "js_code",
    description: "The code that `wx.login` gave. It is good once, for five minutes.",
    example: "emulatedVpbKxhIzC0deOfWxLogin42a",
    refused: &[Errcode::INVALID_CODE, Errcode::CODE_USED],
    reading: Required(Errcode::CODE_MISSING),
};

static PHONE_CODE: Parameter<Required> = Parameter {
    name: "code",
    description: "The code that `wx.getPhoneNumber` gave. It is good once, for five minutes.",
    example: "emulatedVpbKxhIzC0deOfPhoneNum42",
    refused: &[Errcode::INVALID_CODE],
    reading: Required(Errcode::CODE_MISSING),
};

static OPENID: Parameter<Required> = Parameter {
    name: "openid",
    description: "The user in this mini program, as `jscode2session` gave it.",
    example: DEFAULT_OPENID,
    refused: &[Errcode::INVALID_OPENID],
    reading: Required(Errcode::INVALID_OPENID),
};

static OPENID_OF_CODE: Parameter<Optional> = Parameter {
    name: "openid",
    description: "The user who must have got the code; left out or empty, any user of the mini program.",
    example: DEFAULT_OPENID,
    refused: &[Errcode::INVALID_OPENID],
    reading: Optional,
};

static SESSION_SIGNATURE: Parameter<Required> = Parameter {
    name: "signature",
    description: "HMAC-SHA256 over the empty text, in lower-case hexadecimal digits. The key is the Base64 text of `session_key` as it is.",
    example: "6cbf2cca4a8a4b9bb2fcbb3c1c2e9b5b3a7d39dd1b6ec2f7b2e9bfcd2a1bb042",
    refused: &[Errcode::INVALID_SIGNATURE],
    reading: Required(Errcode::INVALID_SIGNATURE),
};

static HMAC_SHA256: Parameter<Only> = Parameter {
    name: "sig_method",
    description: "How `signature` was made.",
    example: "",
    refused: &[],
    reading: Only("hmac_sha256", Errcode::INVALID_SIGNATURE_METHOD),
};

static JSON_STRING: Parameter<Judged> = Parameter {
    name: BACKEND_NAMES[0],
    description: "`resultJSON` of `wx.startSoterAuthentication`, byte for byte as the phone gave it.",
    example: EXAMPLE_RESULT[0],
    refused: &[],
    reading: Judged,
};

static JSON_SIGNATURE: Parameter<Judged> = Parameter {
    name: BACKEND_NAMES[1],
    description: "`resultJSONSignature` of `wx.startSoterAuthentication`: Base64.",
    example: EXAMPLE_RESULT[1],
    refused: &[],
    reading: Judged,
};

static MODEL_KEY: Parameter<Required> = Parameter {
    name: "model_key",
    description: "The phone's description as XML: each element inside the one before it.",
    example: r#"<deviceinfo><MANUFACTURER name="HUAWEI"><MODEL name="HUAWEI MT7"><VERSION_RELEASE name="6.0"><VERSION_INCREMENTAL name="C00"><DISPLAY name="MT7"></DISPLAY></VERSION_INCREMENTAL></VERSION_RELEASE></MODEL></MANUFACTURER></deviceinfo>"#,
    refused: &[Errcode::NOT_XML, Errcode::ILLEGAL_NODE],
    reading: Required(Errcode::NOT_JSON),
};

static ASK_JSON: Parameter<Required> = Parameter {
    name: "ask_json",
    description: "The JSON of an exported ASK, byte for byte as the phone gave it.",
    example: r#"{"pub_key":"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA77XbLXkkj4ZBRtcdhVDY\nx1OYTUd518IrDGKeITomg8Srw0PBsSRK5ZU\/zEc5eVYdxyg+I11GhSUjp1c0GznE\nJ36mstfFdqPwKx02MP+ecttSwfFy91fuOGuXinfnIKfVM+1ZzpWX2UF95JIROy7a\ntbQRoEKlkHV2NgGzbaZJu0XnlSx0ziFnWjvXDwnVTnxPfckkfn3J3z6VmiDV\/+\/T\nzjD12AzTwDlzPUcNBZTPrzzCJtdgOlZLbGprDZZ+9QEe3jL0I+uV2hXIdk0UYMwU\nUdfCATwrbIlGJnU3p1XpqCzXSRLKv1w99g66NKW8JJTlzYUPQWRR1CoeYwHdn6UV\nuwIDAQAB\n-----END PUBLIC KEY-----","cpu_id":"1e134a25dd30fd2bb761c30dfe9309e4381747b4","counter":6,"uid":"10102"}"#,
    refused: &[],
    reading: Required(Errcode::NOT_JSON),
};

static ASK_JSON_SIGNATURE: Parameter<Judged> = Parameter {
    name: "ask_json_signature",
    description: "The ATTK's signature over `ask_json`: Base64.",
    example: "lyJJ9nSuqw3/WIgZ0ElpUVe93SekR9sj3s6/nQpHldMi2vLDZhDczQGb3ueU8v/G8HtjKbA8jZLQA0hpRTLPS6zLEGT+hfZkTWpdgZeLZ2XlADICRPmaNjMGF/g4NI3in5wLm2KIMfPjnSzCy373r9vVsZTq6K/WaDp/h5qBkzz6JuSihxTTnZVn3773QNOMmF5Q60xPTsBB4FwUU5Cq88tIqoQHm/J2y4KBSaoJgoJdzUzCnKnzCZn84ONSCNiYVYOihDcZHSCDBG0qBsFi1yfU1CSbyrOVd5Hl0SPhoHMX2u6+v4cwdJ1rdwDEe5c6uXztUYVknhUOiB5pUgnEHg==",
    refused: &[],
    reading: Judged,
};

impl Call<'_> {
    /// What the request sends for its path.
    pub(super) fn parameters<'c, P: Parameters<'c>>(&'c self) -> Result<P, Failed> {
        P::read(self)
    }

    /// A path that takes all from a JSON body needs one.
    fn check_body(&self) -> Result<(), Errcode> {
        if self.takes == PathMethod::Post { self.body_object().map(drop) } else { Ok(()) }
    }

    /// A parameter of the query or, if its name is not there, of the body. A path that takes all from a JSON body looks
    /// there alone, and an empty text is a text there.
    fn read<R: Reading>(&self, parameter: &Parameter<R>) -> R::Value<'_> {
        let of_body = || self.body.as_ref().ok()?.get(parameter.name);
        parameter.reading.read(if self.takes == PathMethod::Post {
            of_body()
        } else {
            let of_query = self.query_parameter(parameter.name).map(Json::Text);
            of_query.or_else(|| of_body().filter(|sent| sent.as_text() != Some("")))
        })
    }

    /// The app of the request's access token.
    fn authorized_app(&self) -> Result<&str, Failed> {
        match &self.app {
            None => Err(Errcode::TOKEN_MISSING.into()),
            Some(Ok(appid)) => Ok(appid),
            Some(Err(BadToken::Unknown)) => Err(Errcode::INVALID_TOKEN.into()),
            Some(Err(BadToken::Expired)) => Err(Errcode::TOKEN_EXPIRED.into()),
            Some(Err(BadToken::Replaced)) => Err(Failed::because(
                Errcode::INVALID_TOKEN,
                text!("a newer access token has replaced this one"),
            )),
        }
    }
}
