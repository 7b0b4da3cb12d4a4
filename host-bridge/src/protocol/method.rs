//! What the table of commands says about a method, apart from its parameters and its answer.

use schemars::{Schema, SchemaGenerator};

/// A method of the protocol, for help, completion and discovery.
#[derive(Clone, Copy, Debug)]
pub struct Method {
    /// The name, for example `sensor.touch`.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// Who may call it.
    pub caller: Caller,
    /// Whether its calls are recorded.
    pub recording: Recording,
    /// What it changes in what front ends show.
    pub changes: ChangeKind,
    /// The schemas of its parameters and of its answer.
    pub(crate) schemas: fn(&mut SchemaGenerator) -> (Schema, Schema),
}

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Every client.
    Anyone,
    /// An attacker: servers offer the method only when they were started for attackers.
    Attacker,
}

/// Whether a method's calls are recorded in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// They are recorded.
    Recorded,
    /// They are not recorded: front ends call the method often to draw themselves, which would hide other calls.
    Unrecorded,
}

/// What a method changes in what front ends show, as [`Changes`] says it of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are those of `Changes`")]
pub enum ChangeKind {
    Nothing,
    ItsPhone,
    PhoneNamed,
}

/// What a command changes in what front ends show, unless another event reports it.
/// [`Event::Changed`](super::Event::Changed) reports the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Nothing, or other events report it.
    Nothing,
    /// The phone that the command is for; if it names none, the phone that is selected afterwards.
    ItsPhone,
    /// The phone of this name, which is in the parameters.
    PhoneNamed(String),
}

impl Method {
    /// What it is about: the part of its name before the dot.
    pub fn noun(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Whether it is an attacker's method.
    pub fn is_attacker_only(&self) -> bool {
        self.caller == Caller::Attacker
    }

    /// Whether its calls are recorded.
    pub fn is_recorded(&self) -> bool {
        self.recording == Recording::Recorded
    }
}
