//! A proposal for an application's description, from a recording (HAR) of one honest payment.
//!
//! ```text
//!   archive    the recorded requests ──> selection: those to the application's own server
//!                                            │
//!   callback   the one that carries the result ──> challenge: the earlier answer in which `raw` occurs
//!                                            │
//!   tracing    each text of these requests ──> the earlier answer that gives it, the clock, the phone, or the client itself
//!                                            │              └── that answer's request is a step as well, and so on
//!   success    what the answer to the result says
//!                                            v
//!   document   a TOML text: everything that was concluded is marked `guess`, what was not found `missing`
//! ```
//!
//! A description has no secrets of the recording: values from answers are named, and others are left to the person.

mod answer;
mod archive;
mod callback;
mod cookies;
mod document;
mod draft;
mod enrolment;
mod fields;
mod login;
mod names;
mod order;
mod request;
mod secrets;
mod selection;
mod success;
mod tracing;

use soter_bridge::protocol::CommandError;
use soter_text::{text, tr};

use self::answer::Answer;
use self::archive::Archive;
use self::callback::Callback;
use self::document::{write_comment, write_note};
use self::draft::Note;
use self::login::Login;
use self::order::{Payment, sections};
use self::secrets::Secrets;
pub use self::selection::LeftOut;
use self::selection::own;

/// The maximum size of a recording, in bytes.
pub const MAX_RECORDING_BYTES: usize = 32 << 20;

/// A proposed description, and how it came about.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The description, a TOML text with comments.
    pub description: String,
    /// The number of recorded requests.
    pub recorded: usize,
    /// The number of those that are steps of the description.
    pub used: usize,
    /// The others.
    pub left_out: LeftOut,
    /// How often something is marked as a guess.
    pub guesses: usize,
    /// How often something is marked as missing, so that a person has to complete the description.
    pub missing: usize,
}

/// Proposes a description from a recording, which is the text of a HAR file.
///
/// # Errors
/// `InvalidParams` if the text is not HAR, is too large, or has no request that carries a result of
/// `wx.startSoterAuthentication`.
pub fn propose(recording: &str) -> Result<Proposal, CommandError> {
    if recording.len() > MAX_RECORDING_BYTES {
        return Err(CommandError::invalid_params(
            text!(
                "the recording has {bytes} bytes; at most {most} are read",
                bytes = recording.len(),
                most = MAX_RECORDING_BYTES
            ),
            text!("record one payment alone, from the login to the answer to the result"),
        ));
    }
    let Archive { exchanges, unreadable } = Archive::read(recording)?;
    let recorded = exchanges.len() + unreadable;
    let mut left_out = LeftOut { unreadable, ..LeftOut::default() };
    let Some(found) = Callback::find(&exchanges) else {
        return Err(CommandError::invalid_params(
            text!(
                "none of the {count} recorded requests carries a result of wx.startSoterAuthentication: a JSON text with raw, counter and cpu_id",
                count = recorded
            ),
            text!(
                "record until the application has answered to the result, with the contents of requests, and without sanitising"
            ),
        ));
    };
    let (exchanges, at) = own(exchanges, found.at, &mut left_out)?;
    let callback = Callback { at, ..found };
    if at == 0 {
        return Err(CommandError::invalid_params(
            text!(
                "the recording has no request to this server before the one that carries the result, so nothing gives the challenge"
            ),
            text!("begin to record before the login, and record the order as well"),
        ));
    }
    let login = Login::find(&exchanges, at);
    let answers: Vec<_> = exchanges.iter().map(Answer::of).collect();
    let code = login.as_ref().and_then(|login| login.code.as_deref());
    let secrets = Secrets::of(&exchanges, &answers, &callback, code);
    let Payment { sections, mut notes, unneeded } = sections(&exchanges, &callback, login, &secrets);
    left_out.unneeded = unneeded;

    let used = exchanges.len() - left_out.unneeded.len();
    let origin =
        exchanges.get(at).map(|exchange| exchange.url.origin().ascii_serialization()).unwrap_or_default();
    let is_cloud_run =
        exchanges.iter().any(|exchange| exchange.headers.iter().any(|(name, _)| name == "x-wx-openid"));
    let mut out = String::new();
    write_comment(
        &tr!(
            "Proposed from a recording of {recorded} requests; {used} of them are steps here.",
            recorded = recorded,
            used = used
        ),
        &mut out,
    );
    write_comment(
        &tr!(
            "What a `guess` says was concluded from one payment: check it. What is `missing` has to be completed."
        ),
        &mut out,
    );
    for line in left_out.lines() {
        write_comment(&line, &mut out);
    }
    out.push('\n');
    notes.push(Note::Guess(tr!(
        "the recorded server. Audit one that asks the audit's WeChat servers, and that you may attack"
    )));
    for note in &notes {
        write_note(note, &mut out);
    }
    out.push_str(&["url = \"", &origin, "\"\n"].concat());
    if is_cloud_run {
        let note = Note::Guess(tr!("the requests have the headers of WeChat Cloud Run"));
        write_note(&note, &mut out);
        notes.push(note);
        out.push_str("cloudrun = true\n");
    }
    let (mut guesses, mut missing) = (0, 0);
    for section in &sections {
        section.write(&mut out);
        let counts = section.counts();
        (guesses, missing) = (guesses + counts.0, missing + counts.1);
    }
    let is_missing = |note: &&Note| matches!(note, Note::Missing(_));
    let missing_before = notes.iter().filter(is_missing).count();
    Ok(Proposal {
        // Nothing of this should be in it: a last look, because a description is passed on.
        description: secrets.masked(&out),
        recorded,
        used,
        left_out,
        guesses: guesses + notes.len() - missing_before,
        missing: missing + missing_before,
    })
}

#[cfg(test)]
mod tests;
