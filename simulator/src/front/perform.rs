//! Carries out commands without showing a dialog.

use std::sync::Arc;

use soter_bridge::protocol::{CommandError, Request, Service, verify, wx};
use soter_text::text;
use soter_wechat::{codes, verification};
use soter_wire::Mode;

use super::answer::Answer;
use crate::files::{Input, read_input, write_file};
use crate::grammar::{PreparedCall, Verify};

/// Carries out a call. If it opens a dialog, another front end has to touch.
///
/// # Errors
/// Those of [`Service::call`]. `Environment` if the exported bytes cannot be written, `Internal` if they do not decode.
pub(crate) async fn perform<S: Service>(
    service: &Arc<S>,
    prepared_call: PreparedCall,
) -> Result<Answer, CommandError> {
    let response = service.call(prepared_call.call).await?;
    if let (Some(path), Some(reply)) = (&prepared_call.raw, response.trusted_app_reply())
        && let Some(exported) = &reply.export_data
    {
        let bytes = soter_wire::base64::decode(exported).map_err(|error| {
            CommandError::internal(text!("the exported bytes do not decode: {error}", error = error.text()))
        })?;
        write_file(path, &bytes)?;
    }
    Ok(if prepared_call.verbatim { Answer::Verbatim(response) } else { Answer::Response(response) })
}

/// Sets the mode of an `auth` without modes: `fingerPrint`, or the phone's first mode if it does not support that one.
///
/// # Errors
/// Those of [`Service::call`].
pub(crate) async fn with_default_mode<S: Service>(
    service: &Arc<S>,
    mut prepared_call: PreparedCall,
) -> Result<PreparedCall, CommandError> {
    if let Request::StartSoterAuthentication(request) = &mut prepared_call.call.request
        && prepared_call.use_default_mode
    {
        let support_request = wx::CheckIsSupportSoterAuthentication {};
        let supported_modes =
            service.request(prepared_call.call.device.as_deref(), support_request).await?.support_mode;
        let default_mode = match supported_modes.first() {
            Some(first) if !supported_modes.contains(&Mode::FingerPrint) => *first,
            _ => Mode::FingerPrint,
        };
        request.request_auth_modes = Some(vec![default_mode.name().to_owned()]);
    }
    Ok(prepared_call)
}

/// Verifies a signature in files. `-` is standard input, at most once.
///
/// # Errors
/// `InvalidParams` if standard input is named twice, `Environment` if a file cannot be read.
pub(crate) fn verify_files(files: &Verify) -> Result<verify::Verdict, CommandError> {
    let inputs = [&files.key, &files.json, &files.signature].map(|path| Input::from_path(path));
    if inputs.iter().filter(|input| **input == Input::Standard).count() > 1 {
        return Err(CommandError::invalid_params(
            text!("standard input is named more than once"),
            text!("`-` can stand for one of the three files"),
        ));
    }
    let [key, json, signature] = inputs.map(read_input);
    Ok(verification::verify(&key?, &json?, &signature?, files.salt).into())
}

/// The meaning of a code in each place that uses it; all codes if none is given.
///
/// # Errors
/// `InvalidParams` if nothing uses the code.
pub(crate) fn explain(code: Option<i32>) -> Result<Answer, CommandError> {
    let entries: Vec<_> = match code {
        None => codes::CODES.iter().collect(),
        Some(code) => codes::explain(code).collect(),
    };
    match code {
        Some(code) if entries.is_empty() => Err(CommandError::invalid_params(
            text!("no code {code} is known", code = code),
            text!("`explain` without a code lists those that are"),
        )),
        _ => Ok(Answer::Codes(entries)),
    }
}
