//! Cases for a verifier in any language, good ones and ones that must be refused, as files.
//!
//! They come from a phone of their own, whose keys are known: a phone signs nothing that must be refused.

use std::collections::HashMap;

use soter_attack::{Evidence, KeySource, VerifierCase, VerifierCheck, verifier_cases};
use soter_bridge::protocol::CommandError;
use soter_text::Text;
use soter_wire::{ExportBlob, KeyJson, Profile};

use super::recording::VectorFile;

/// The cases, and their files.
#[derive(Debug)]
pub(super) struct CaseSet {
    /// The files. Cases share those that are the same.
    pub(super) files: Vec<VectorFile>,
    /// The cases, the good ones first.
    pub(super) cases: Vec<Case>,
}

/// One case.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) refused_by: Option<VerifierCheck>,
    pub(super) attk: String,
    pub(super) ask: SignedFiles,
    pub(super) ask_key: String,
    pub(super) ask_facts: KeyJson,
    pub(super) auth_key: SignedFiles,
    pub(super) result: SignedFiles,
    pub(super) challenge: String,
    pub(super) highest_counter: u64,
}

/// The names of a text's file and of its signature's.
#[derive(Debug)]
pub(super) struct SignedFiles {
    pub(super) json: String,
    /// `None` for an ASK in the form of a certificate chain.
    pub(super) signature: Option<String>,
}

/// Makes the cases for a phone family. With a seed they are always the same.
///
/// # Errors
/// Those of [`verifier_cases`]. `Internal` if there is no such family.
pub(super) fn make(profile: &str, seed: Option<&str>) -> Result<CaseSet, CommandError> {
    let profile = Profile::named(profile)
        .ok_or_else(|| CommandError::defect(format!("the phone's profile {profile} is not known")))?;
    let keys = seed.map_or_else(KeySource::random, KeySource::seeded);
    let mut files = CaseFiles::default();
    let cases = verifier_cases(profile, &keys)?.into_iter().map(|case| files.add_case(case)).collect();
    Ok(CaseSet { files: files.files, cases })
}

/// Files without repetitions.
#[derive(Default)]
struct CaseFiles {
    files: Vec<VectorFile>,
    names: HashMap<Vec<u8>, String>,
}

impl CaseFiles {
    fn add_case(&mut self, case: VerifierCase) -> Case {
        let VerifierCase { name, description, refused_by, evidence } = case;
        let Evidence { attk, ask, ask_facts, auth_key, result, challenge, highest_counter } = evidence;
        Case {
            name,
            description,
            refused_by,
            attk: self.add(name, "attk.pem", "public key of the device, ATTK", attk.to_pem().into_bytes()),
            ask_key: self.add(
                name,
                "ask.pem",
                "the public key in the ASK's export",
                ask_facts.public_key.to_pem().into_bytes(),
            ),
            ask: self.add_signed(name, "ask_export", "ASK's export", ask),
            auth_key: self.add_signed(name, "auth_key_export", "AuthKey's export", auth_key),
            result: self.add_signed(name, "result", "result", result),
            ask_facts,
            challenge,
            highest_counter,
        }
    }

    fn add_signed(&mut self, case: &str, part: &str, what: &str, blob: ExportBlob) -> SignedFiles {
        let is_chain = part == "ask_export" && blob.signature.is_empty();
        let json = self.add(case, &format!("{part}.json"), what, blob.json);
        let signature = format!("{part}.sig");
        let signature = (!is_chain)
            .then(|| self.add(case, &signature, &format!("signature of the {what}"), blob.signature));
        SignedFiles { json, signature }
    }

    /// Adds a file, unless there is one with these bytes. Returns its name.
    fn add(&mut self, case: &str, ending: &str, what: &str, bytes: Vec<u8>) -> String {
        let Self { files, names } = self;
        let name = names.entry(bytes).or_insert_with_key(|bytes| {
            let name = format!("case_{}_{ending}", case.replace('-', "_"));
            // Only the manifest says it.
            let description = Text::verbatim(format!("case {case}: {what}"));
            files.push(VectorFile { name: name.clone(), description, bytes: bytes.clone() });
            name
        });
        name.clone()
    }
}
