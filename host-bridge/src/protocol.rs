//! The command protocol: every command of the phone once, with one name, its parameters and its answer.
//!
//! REPL, command line, servers and tests all use it. [`commands!`](self) below is the list. To add a command, add an
//! entry there and a struct in the module of its noun. The entry has everything about the command, and the compiler
//! reports what is missing, there and at the desk.

use std::any::Any;
use std::future::Future;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use soter_text::{Text, message_text, text};
use soter_wechat::Verdict;
use soter_wire::shortened;
use tokio::sync::broadcast;

/// A command without parameters: an empty JSON object.
macro_rules! no_parameters {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {}
    };
}
pub mod attack;
pub mod biometric;
pub mod danger;
pub mod desk;
pub mod device;
mod error;
pub mod event;
pub mod fleet;
pub mod keys;
mod method;
mod mode_name;
mod patch;
mod secret_text;
pub mod sensor;
pub mod servers;
pub mod soter;
mod touch;
pub mod verify;
pub mod wx;

pub use error::{CommandError, ErrorKind};
pub use event::Event;
pub use method::{Caller, ChangeKind, Changes, Method, Recording};
pub use patch::Patch;
pub use secret_text::{PrivateKeyText, SeedText};
pub use touch::{Touch, TouchScript, TouchScriptError};

/// A service that answers commands: the simulator's desk of phones in one process, or a connection to one.
pub trait Service: Send + Sync + 'static {
    /// Carries out one command. Dropping the future cancels what only waits, such as an open dialog.
    ///
    /// # Errors
    /// [`CommandError`] if the command was not carried out; its [`ErrorKind`] says whose fault that is. A wx call
    /// that fails as on a phone, or a TEE command with a result code, is not an error but a response.
    fn call(&self, call: Call) -> impl Future<Output = Result<Response, CommandError>> + Send;

    /// Subscribes to events from now on. A subscriber that does not read loses the oldest events.
    fn events(&self) -> broadcast::Receiver<Event>;

    /// [`call`](Self::call) with the answer in the command's own type.
    ///
    /// # Errors
    /// Those of [`call`](Self::call) and of [`Command::response`].
    fn request<C: Command>(
        &self,
        device: Option<&str>,
        command: C,
    ) -> impl Future<Output = Result<C::Response, CommandError>> + Send {
        let call = Call { device: device.map(str::to_owned), request: command.into() };
        async move { C::response(self.call(call).await?) }
    }
}

/// A command and the device it is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The device's name; `None` for the selected one.
    pub device: Option<String>,
    /// The command.
    pub request: Request,
}

impl Call {
    /// Parses a method's name and its parameters as JSON-RPC has them: an object, or `null`. The member `device`,
    /// which every method takes, names the device.
    ///
    /// # Errors
    /// `UnknownMethod` if there is no such method, `InvalidParams` if the parameters do not fit it.
    pub fn parse(method: &str, params: Value) -> Result<Self, CommandError> {
        let mut members = match params {
            Value::Null => serde_json::Map::new(),
            Value::Object(members) => members,
            _ => {
                return Err(CommandError::invalid_params(
                    text!("the parameters of `{method}` are not an object", method = method),
                    text!("send an object with named parameters, such as {{}}"),
                ));
            }
        };
        let device = match members.shift_remove("device") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(name),
            Some(_) => {
                return Err(CommandError::invalid_params(
                    text!("`device` in the parameters of `{method}` is not a string", method = method),
                    text!("give a device's name, or leave it out for the selected one"),
                ));
            }
        };
        Ok(Self { device, request: Request::parse(method, Value::Object(members))? })
    }
}

/// One command: its parameters are the implementing type, its answer is [`Response`](Self::Response).
pub trait Command: Serialize + DeserializeOwned + JsonSchema + Into<Request> + Send {
    /// The method's name, for example `wx.startSoterAuthentication`.
    const METHOD: &'static str;
    /// The command's answer.
    type Response: Serialize + DeserializeOwned + JsonSchema + Send;

    /// Extracts the command's answer from the general [`Response`].
    ///
    /// # Errors
    /// `Internal` if the response is that of another command: a defect of the service.
    fn response(response: Response) -> Result<Self::Response, CommandError>;
}

impl Response {
    /// Why the call ended so, for the journal, if the caller is not told.
    pub fn verdict(&self) -> Option<&Verdict> {
        match self {
            Self::RequestPayment(payment) => payment.verdict.as_ref(),
            _ => None,
        }
    }
}

impl Method {
    /// The method of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name == name)
    }
}

/// Whether a name is that of an attacker's method: servers offer those only when they were started for attackers. If
/// no method has the name, its noun decides.
pub fn is_attacker_method(name: &str) -> bool {
    let by_noun = || {
        let (noun, _) = name.split_once('.')?;
        METHODS.iter().find(|method| method.noun() == noun)
    };
    Method::named(name).or_else(by_noun).is_some_and(Method::is_attacker_only)
}

/// An [`ErrorKind::UnknownMethod`] that names the methods of the same noun.
fn unknown_method(name: &str) -> CommandError {
    let noun = name.split('.').next().unwrap_or_default();
    let similar_methods: Vec<_> = METHODS
        .iter()
        .filter(|known| known.noun() == noun || known.name.eq_ignore_ascii_case(name))
        .map(|known| known.name)
        .collect();
    let shown = shortened(name, 80);
    let next = if similar_methods.is_empty() {
        method_prefixes()
    } else {
        text!("methods of `{noun}`: {methods}", noun = noun, methods = similar_methods.join(", "))
    };
    CommandError::new(ErrorKind::UnknownMethod, text!("no method `{shown}`", shown = shown), next)
}

/// What methods start with: `wx., desk. or attack.`.
fn method_prefixes() -> Text {
    let mut nouns: Vec<_> = METHODS.iter().map(Method::noun).collect();
    // Methods of one noun are adjacent.
    nouns.dedup();
    // First `wx`, then `desk`, then all others as in the table.
    nouns.sort_by_key(|noun| match *noun {
        "wx" => 0,
        "desk" => 1,
        _ => 2,
    });
    let mut method_prefixes: Vec<_> = nouns.iter().map(|noun| format!("{noun}.")).collect();
    let last = method_prefixes.pop().unwrap_or_default();
    text!("methods start with {prefixes} or {last}", prefixes = method_prefixes.join(", "), last = last)
}

macro_rules! commands {
    ($(
        $method:literal => $variant:ident($request:path) -> $response:ty,
            [$caller:ident, $recording:ident, changes $changes:ident $(($phone:ident))?] $summary:literal;
    )+) => {
        /// Any command with its parameters.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each variant is documented by the type it holds")]
        pub enum Request {
            $($variant($request),)+
            /// A wx call with parameters of wrong types. A phone answers it.
            MistypedWxCall(wx::MistypedCall),
        }

        /// Any command's answer. Serialised, it is the answer alone, without a tag.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        #[expect(missing_docs, reason = "each variant is documented by the type it holds")]
        pub enum Response {
            $($variant($response),)+
            /// The answer to [`Request::MistypedWxCall`].
            WxRefusal(wx::Refusal),
        }

        /// Every method, in the order in which help lists them.
        pub const METHODS: &[Method] = &[$(Method {
            name: $method,
            summary: $summary,
            caller: Caller::$caller,
            recording: Recording::$recording,
            changes: ChangeKind::$changes,
            schemas: |generator| {
                (<$request>::json_schema(generator), generator.subschema_for::<$response>())
            },
        },)+];

        impl Request {
            /// The method's name.
            pub fn method(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $method,)+
                    Self::MistypedWxCall(call) => call.method,
                }
            }

            /// What the command changes in what front ends show, if it is carried out.
            pub fn changes(&self) -> Changes {
                match self {
                    $(Self::$variant($request { $($phone,)? .. }) => Changes::$changes $(($phone.clone()))?,)+
                    Self::MistypedWxCall(_) => Changes::Nothing,
                }
            }

            /// Parses the answer to this command as a server sent it.
            ///
            /// # Errors
            /// `Environment` if the answer has another shape: the server is of another version.
            pub fn read_response(&self, answer: Value) -> Result<Response, CommandError> {
                let read = match self {
                    $(Self::$variant(_) => serde_json::from_value::<$response>(answer).map(Response::$variant),)+
                    Self::MistypedWxCall(_) => serde_json::from_value(answer).map(Response::WxRefusal),
                };
                read.map_err(|error| CommandError::environment(
                    text!("the answer to `{method}` cannot be read: {error}", method = self.method(), error = error.to_string()),
                    text!("use the same version of soter-sim on both ends"),
                ))
            }

            /// The parameters as JSON-RPC has them: an object.
            ///
            /// # Errors
            /// `Internal` if they cannot be written as an object: a defect of the program.
            pub fn params(&self) -> Result<serde_json::Map<String, Value>, CommandError> {
                let value = match self {
                    $(Self::$variant(request) => serde_json::to_value(request),)+
                    Self::MistypedWxCall(call) => return Ok(call.params.clone()),
                };
                match value {
                    Ok(Value::Object(params)) => Ok(params),
                    _ => Err(CommandError::internal(text!("the parameters of `{method}` are not an object", method = self.method()))),
                }
            }

            /// Parses a method's name and its parameters. A wx call with parameters of wrong types is a
            /// [`MistypedWxCall`](Self::MistypedWxCall).
            ///
            /// # Errors
            /// `UnknownMethod` if there is no such method, `InvalidParams` if the parameters do not fit it.
            pub fn parse(method: &str, params: Value) -> Result<Self, CommandError> {
                if let Some(call) = wx::MistypedCall::find(method, &params) {
                    return Ok(Self::MistypedWxCall(call));
                }
                match method {
                    $($method => serde_json::from_value::<$request>(params)
                        .map(Self::$variant)
                        .map_err(|error| CommandError::invalid_params(
                            text!("the parameters of `{method}` do not fit: {error}", method = method, error = message_text(&error.to_string())),
                            text!("see the method's parameters in the documentation of the command protocol"),
                        )),)+
                    _ => Err(unknown_method(method)),
                }
            }
        }

        impl Response {
            /// The trusted app's reply, if this is the answer to one of its commands: only those answer with a
            /// [`soter::Reply`].
            pub fn trusted_app_reply(&self) -> Option<&soter::Reply> {
                let answer: &dyn Any = match self {
                    $(Self::$variant(answer) => answer,)+
                    Self::WxRefusal(answer) => answer,
                };
                answer.downcast_ref()
            }
        }

        $(
            impl From<$request> for Request {
                fn from(request: $request) -> Self { Self::$variant(request) }
            }

            impl Command for $request {
                const METHOD: &'static str = $method;
                type Response = $response;

                fn response(response: Response) -> Result<Self::Response, CommandError> {
                    match response {
                        Response::$variant(answer) => Ok(answer),
                        _ => Err(CommandError::internal(text!("the service answered another command"))),
                    }
                }
            }
        )+
    };
}

// Each entry: the method's name, its variant of `Request` and `Response` with the types of its parameters and of its
// answer; in brackets who may call it (`Caller`), whether its calls are recorded (`Recording`), and what it changes
// in what front ends show (`Changes`, with the parameter that names a phone); one line for people.
commands! {
    "wx.startSoterAuthentication" => StartSoterAuthentication(wx::StartSoterAuthentication) -> wx::SoterAuthentication,
        [Anyone, Recorded, changes Nothing]
        "Ask for a touch and get a signed result.";
    "wx.checkIsSupportSoterAuthentication" => CheckIsSupportSoterAuthentication(wx::CheckIsSupportSoterAuthentication) -> wx::SoterSupport,
        [Anyone, Recorded, changes Nothing]
        "Which modes the phone supports.";
    "wx.checkIsSoterEnrolledInDevice" => CheckIsSoterEnrolledInDevice(wx::CheckIsSoterEnrolledInDevice) -> wx::SoterEnrolment,
        [Anyone, Recorded, changes Nothing]
        "Whether a finger or face is enrolled.";
    "wx.login" => Login(wx::Login) -> wx::LoggedIn,
        [Anyone, Recorded, changes Nothing]
        "Get a login code for the mini program's own server.";
    "wx.checkSession" => CheckSession(wx::CheckSession) -> wx::SessionChecked,
        [Anyone, Recorded, changes Nothing]
        "Whether the login session is alive.";
    "wx.getUserInfo" => GetUserInfo(wx::GetUserInfo) -> wx::UserInfo,
        [Anyone, Recorded, changes Nothing]
        "The user's data, signed and encrypted with the session key.";
    "wx.getUserProfile" => GetUserProfile(wx::GetUserProfile) -> wx::UserInfo,
        [Anyone, Recorded, changes Nothing]
        "The same, without the openid in what is encrypted.";
    "wx.getPhoneNumber" => GetPhoneNumber(wx::GetPhoneNumber) -> wx::PhoneNumberCode,
        [Anyone, Recorded, changes Nothing]
        "Get a code for the user's phone number.";
    "wx.cloud.callFunction" => CallFunction(wx::CallFunction) -> wx::FunctionCalled,
        [Anyone, Recorded, changes Nothing]
        "Run the cloud function that `exec --cloud-function` serves.";
    "wx.requestPayment" => RequestPayment(wx::RequestPayment) -> wx::PaymentResult,
        [Anyone, Recorded, changes Nothing]
        "Check paySign, and ask for a touch on the payment sheet.";
    "device.create" => DeviceCreate(device::Create) -> device::Summary,
        [Anyone, Recorded, changes PhoneNamed(name)]
        "Put another phone on the desk.";
    "device.list" => DeviceList(device::List) -> device::Devices,
        [Anyone, Unrecorded, changes Nothing]
        "The phones on the desk.";
    "device.profiles" => DeviceProfiles(device::Profiles) -> device::Families,
        [Anyone, Unrecorded, changes Nothing]
        "The families of phones that can be put on the desk.";
    "device.select" => DeviceSelect(device::Select) -> device::Summary,
        [Anyone, Recorded, changes ItsPhone]
        "Make a phone the one that commands go to.";
    "device.show" => DeviceShow(device::Show) -> device::Device,
        [Anyone, Unrecorded, changes Nothing]
        "All about one phone.";
    "device.set" => DeviceSet(device::Set) -> device::Device,
        [Anyone, Recorded, changes ItsPhone]
        "Switch a phone's troubles on and off.";
    "device.remove" => DeviceRemove(device::Remove) -> device::Removed,
        [Anyone, Recorded, changes PhoneNamed(name)]
        "Take a phone off the desk, with its keys.";
    "device.resetNormalWorld" => DeviceResetNormalWorld(device::ResetNormalWorld) -> device::Device,
        [Anyone, Recorded, changes ItsPhone]
        "Factory-reset a phone: apps, keys and fingers go; cpu_id, ATTK and counter stay.";
    "desk.reset" => DeskReset(desk::Reset) -> desk::WasReset,
        [Anyone, Recorded, changes ItsPhone]
        "Start over: new phones, and WeChat's servers without keys, counters and sessions.";
    "desk.clock" => DeskClock(desk::Clock) -> servers::Clock,
        [Anyone, Recorded, changes ItsPhone]
        "Move the clock of WeChat's servers, or show it.";
    "desk.journal" => DeskJournal(desk::Journal) -> desk::JournalPage,
        [Anyone, Unrecorded, changes Nothing]
        "Calls of mini programs and backends, with the reasons for their answers.";
    "servers.show" => ServersShow(servers::Show) -> servers::Switches,
        [Anyone, Unrecorded, changes Nothing]
        "What is switched on at WeChat's servers.";
    "servers.set" => ServersSet(servers::Set) -> servers::Switches,
        [Anyone, Recorded, changes ItsPhone]
        "Switch failures of WeChat's servers on and off.";
    "servers.expire" => ServersExpire(servers::Expire) -> servers::Ended,
        [Anyone, Recorded, changes ItsPhone]
        "End a session, codes or access tokens before their time.";
    "fleet.next" => FleetNext(fleet::Next) -> fleet::Names,
        [Anyone, Recorded, changes Nothing]
        "Get phones of the fleet that nobody uses.";
    "fleet.release" => FleetRelease(fleet::Release) -> fleet::Names,
        [Anyone, Recorded, changes Nothing]
        "Give phones of the fleet back.";
    "fleet.results" => FleetResults(fleet::Results) -> fleet::Signed,
        [Anyone, Recorded, changes Nothing]
        "Get signed results in bulk, from phones of the fleet that nobody uses.";
    "sensor.setMode" => SensorSetMode(sensor::SetMode) -> sensor::Sensor,
        [Anyone, Recorded, changes ItsPhone]
        "Who touches the sensor: a person, everyone's finger at once, or a script.";
    "sensor.touch" => SensorTouch(sensor::TouchSensor) -> sensor::Judged,
        [Anyone, Recorded, changes Nothing]
        "Touch the sensor.";
    "sensor.cancel" => SensorCancel(sensor::Cancel) -> sensor::Cancelled,
        [Anyone, Recorded, changes Nothing]
        "Press the dialog's cancel button.";
    "biometric.enroll" => BiometricEnroll(biometric::Enroll) -> biometric::Enrolment,
        [Anyone, Recorded, changes ItsPhone]
        "Enrol a finger or a face; existing AuthKeys become invalid.";
    "biometric.remove" => BiometricRemove(biometric::Remove) -> biometric::Enrolments,
        [Anyone, Recorded, changes ItsPhone]
        "Remove an enrolled finger or face.";
    "biometric.list" => BiometricList(biometric::List) -> biometric::Enrolments,
        [Anyone, Unrecorded, changes Nothing]
        "What is enrolled, and what is locked.";
    "biometric.unlock" => BiometricUnlock(biometric::Unlock) -> biometric::Enrolments,
        [Anyone, Recorded, changes ItsPhone]
        "Enter the PIN: end every lockout.";
    "soter.generateAppSecureKey" => GenerateAppSecureKey(soter::GenerateAppSecureKey) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "Make an app's ASK.";
    "soter.getAppSecureKey" => GetAppSecureKey(soter::GetAppSecureKey) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "Export an app's ASK.";
    "soter.hasAskAlready" => HasAskAlready(soter::HasAskAlready) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "Whether an app has an ASK.";
    "soter.generateAuthKey" => GenerateAuthKey(soter::GenerateAuthKey) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "Make a named AuthKey.";
    "soter.getAuthKey" => GetAuthKey(soter::GetAuthKey) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "Export a named AuthKey.";
    "soter.hasAuthKey" => HasAuthKey(soter::HasAuthKey) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "Whether a named AuthKey exists.";
    "soter.removeAuthKey" => RemoveAuthKey(soter::RemoveAuthKey) -> soter::Reply,
        [Anyone, Recorded, changes ItsPhone]
        "Remove a named AuthKey.";
    "soter.removeAllAuthKey" => RemoveAllAuthKey(soter::RemoveAllAuthKey) -> soter::Reply,
        [Anyone, Recorded, changes ItsPhone]
        "Remove an app's AuthKeys and its ASK.";
    "soter.initSigh" => InitSigh(soter::InitSigh) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "Open a signing session (spelled so in ISoterService).";
    "soter.finishSign" => FinishSign(soter::FinishSign) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "Sign, after a matching touch.";
    "soter.getDeviceId" => GetDeviceId(soter::GetDeviceId) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "The cpu_id.";
    "soter.getVersion" => GetVersion(soter::GetVersion) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "The SOTER version.";
    "soter.getExtraParam" => GetExtraParam(soter::GetExtraParam) -> soter::Reply,
        [Anyone, Recorded, changes Nothing]
        "A hardware parameter, such as fingerprint_type.";
    "keys.list" => KeysList(keys::List) -> keys::Keys,
        [Anyone, Unrecorded, changes Nothing]
        "Every key's public half.";
    "verify.signature" => VerifySignature(verify::VerifySignature) -> verify::Verdict,
        [Anyone, Recorded, changes Nothing]
        "Check a signature against a public key.";
    "danger.snapshot" => DangerSnapshot(danger::Snapshot) -> danger::Copied,
        [Attacker, Recorded, changes Nothing]
        "Copy a phone's flash and RPMB, as an attacker would.";
    "danger.restore" => DangerRestore(danger::Restore) -> danger::Copied,
        [Attacker, Recorded, changes ItsPhone]
        "Put a copy back, counter included.";
    "danger.clone" => DangerClone(danger::Duplicate) -> device::Summary,
        [Attacker, Recorded, changes PhoneNamed(name)]
        "Put a duplicate of a phone on the desk.";
    "danger.setClock" => DangerSetClock(danger::SetClock) -> device::Device,
        [Attacker, Recorded, changes ItsPhone]
        "Force a phone's clock.";
    "danger.sign" => DangerSign(danger::Sign) -> danger::Signature,
        [Attacker, Recorded, changes Nothing]
        "Sign with a key in software, in any form, right or wrong.";
    "attack.list" => AttackList(attack::List) -> attack::Attacks,
        [Attacker, Recorded, changes Nothing]
        "Every attack of the catalogue.";
    "attack.show" => AttackShow(attack::Show) -> attack::Attack,
        [Attacker, Recorded, changes Nothing]
        "All about one attack.";
    "attack.forge" => AttackForge(attack::Forge) -> attack::Forged,
        [Attacker, Recorded, changes Nothing]
        "Craft an attack's input, and tell how it differs from an honest one.";
    "attack.run" => AttackRun(attack::Run) -> attack::Ran,
        [Attacker, Recorded, changes Nothing]
        "Play an attack against WeChat's servers on this desk.";
}

#[cfg(test)]
mod tests;
