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
    /// Whether its calls are written down.
    pub recording: Recording,
    /// The schemas of its parameters and of its answer.
    pub(crate) schemas: fn(&mut SchemaGenerator) -> (Schema, Schema),
}

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Every client.
    Anyone,
    /// An attacker: servers offer the method only when they were started for that.
    Attacker,
}

/// Whether a method's calls are written into the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// They are.
    Recorded,
    /// They are not: front ends call the method often to draw themselves, which would bury what the journal is for.
    Unrecorded,
}

/// What a command changes of what front ends show, as far as no other event tells of it. What it changes is told with
/// [`Event::Changed`](super::Event::Changed).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Nothing, or other events tell of it.
    Nothing,
    /// The phone that the command is for; without one, the phone that is selected after it.
    ItsPhone,
    /// The phone of this name, which the parameters give.
    PhoneNamed(String),
}

impl Method {
    /// What it is about: the part of its name before the dot.
    pub fn noun(&self) -> &'static str {
        self.name.split('.').next().unwrap_or_default()
    }

    /// Whether it is an attacker's.
    pub fn is_attackers(&self) -> bool {
        self.caller == Caller::Attacker
    }

    /// Whether its calls are written down.
    pub fn is_recorded(&self) -> bool {
        self.recording == Recording::Recorded
    }
}
