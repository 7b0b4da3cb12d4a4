//! An attack: what it is, and how a correct server handles it.

use crate::kind::Kind;
use crate::steps::{Before, Forgery, Script};
use soter_text::{Text, text};
use soter_wechat::Reason;

/// An attack of the catalogue.
#[derive(Debug)]
pub struct Attack {
    /// The stable name, such as `SOTER-REPLAY-01`.
    pub id: &'static str,
    /// Who has to detect it.
    pub layer: Layer,
    /// The kind of weakness that it abuses.
    pub kind: Kind,
    /// One line: what the attacker tries.
    pub title: &'static str,
    /// What the attacker has.
    pub holds: Holds,
    /// How the input is made, and with which key.
    pub making: &'static str,
    /// What a correct server does.
    pub expected: Expected,
    /// What it means if the target does something else.
    pub meaning: &'static str,
    /// How to fix that.
    pub fix: &'static str,
    /// The family of the phone that is attacked.
    pub profile: &'static str,
    /// The steps.
    pub script: Script,
}

impl Attack {
    /// What attacks of the catalogue begin with. It has no texts.
    pub(crate) const BASE: Self = Self {
        id: "",
        layer: Layer::Application,
        kind: Kind::BelievesRequest,
        title: "",
        holds: Holds::Network,
        making: "",
        expected: Expected::MayRefuse(&[]),
        meaning: "",
        fix: "",
        profile: "trustonic",
        script: Script::Send(&[], Forgery::HONEST),
    };
}

/// Who has to detect an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The server that checks challenge, session and order: a mini program's own.
    Application,
    /// The server that checks the signature: WeChat's, or another one with the same contract.
    Verifier,
}

/// What an attacker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Another phone of the same user, or of another one.
    AnotherPhone,
    /// Nothing but the network: what anybody can send.
    Network,
    /// A result that was recorded in transit.
    RecordedResult,
    /// A rooted phone, whose text and signature can be changed, or whose keys have leaked.
    RootedPhone,
    /// A copy of a phone's storage.
    StolenBackup,
    /// Nothing: an honest phone or program may send it.
    Nothing,
}

/// What a correct server does with an input.
#[derive(Clone, Copy, Debug)]
pub enum Expected {
    /// It may refuse or accept: both are correct. The reasons are those of this project's own server, if it refuses.
    MayRefuse(&'static [Reason]),
    /// It accepts.
    MustAccept,
    /// It refuses. The reasons are those of this project's own server; any of them is right.
    MustRefuse(&'static [Reason]),
    /// It accepts. A careful server may have a policy to refuse, which is a warning. Any other refusal is a failure.
    ShouldAccept(Policy),
    /// A verifier refuses, as with [`MustRefuse`](Self::MustRefuse). An application should refuse as well. If it accepts what the
    /// verifier that it asks accepts, or if it asks none, that is a warning, and the sentence says why it is not a failure.
    ShouldRefuse(&'static [Reason], &'static str),
}

/// A policy by which a careful server refuses honest results, and what tells it from a weakness.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// What the policy is.
    pub sentence: &'static str,
    /// What it refuses.
    pub refuses: Refuses,
    /// What a server with this policy does with further inputs after the refusal, in turn.
    pub tells: &'static [Tell],
}

/// The result that a policy refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuses {
    /// One with a chosen counter, before the input that is judged.
    ChosenCounter,
    /// The input that is judged.
    Judged,
}

/// An input that tells a policy from a weakness.
#[derive(Clone, Copy, Debug)]
pub struct Tell {
    /// The input.
    pub forgery: Forgery,
    /// Whether a server with the policy accepts it.
    pub accepts: bool,
    /// What it means if the server does otherwise.
    pub otherwise: &'static str,
}

/// Why an application that reads results with a parser of its own is not weak by the way in which it reads a text that no TEE signs.
const UNLIKE_ANY_TEE: &str = "No TEE signs a text like this, so only a phone whose AuthKey has leaked can send it, and that can sign any other text as well. It becomes a weakness where two parsers read one text: read results strictly all the same";

impl Attack {
    /// How many users it takes at most.
    pub fn users(&self) -> usize {
        /// The owner, and another person of the attack.
        const USERS_OF_ROUND: usize = 2;
        /// Those for challenges from which something is concluded, and for logins with strange codes.
        const USERS_OF_OBSERVATION: usize = 24;
        let others = self.script.before().iter().map(|step| match step {
            Before::OthersPay(count) => *count,
            _ => 0,
        });
        if let Script::Observe(_) = self.script {
            return USERS_OF_OBSERVATION;
        }
        // One more logs in where the login is refused.
        self.script.rounds() * (USERS_OF_ROUND + 1 + others.sum::<usize>())
    }
}

impl Expected {
    /// A text that no TEE signs, and that parsers read in different ways: a verifier refuses it, for these reasons. An application
    /// should, too.
    pub(crate) const fn unlike_any_tee(reasons: &'static [Reason]) -> Self {
        Self::ShouldRefuse(reasons, UNLIKE_ANY_TEE)
    }

    /// Its name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::MayRefuse(_) => "may-refuse",
            Self::MustAccept | Self::ShouldAccept(_) => "must-accept",
            Self::MustRefuse(_) | Self::ShouldRefuse(..) => "must-refuse",
        }
    }

    /// Its name for people.
    pub fn label(self) -> Text {
        match self {
            Self::MayRefuse(_) => text!("may refuse"),
            Self::MustAccept | Self::ShouldAccept(_) => text!("must accept"),
            Self::MustRefuse(_) | Self::ShouldRefuse(..) => text!("must refuse"),
        }
    }

    /// The reasons with which this project's own server refuses.
    pub fn reasons(self) -> &'static [Reason] {
        match self {
            Self::MayRefuse(reasons) | Self::MustRefuse(reasons) | Self::ShouldRefuse(reasons, _) => reasons,
            Self::MustAccept | Self::ShouldAccept(_) => &[],
        }
    }

    /// Whether it is about honest people, who are to be served.
    pub fn is_acceptance(self) -> bool {
        matches!(self, Self::MustAccept | Self::ShouldAccept(_))
    }
}

impl Layer {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Verifier => "verifier",
        }
    }
}

impl Holds {
    /// What it is, for people.
    pub fn text(self) -> Text {
        match self {
            Self::AnotherPhone => text!("another phone"),
            Self::Network => text!("only the network"),
            Self::Nothing => text!("nothing: an honest phone may send this"),
            Self::RecordedResult => text!("a recorded result"),
            Self::RootedPhone => text!("a rooted phone"),
            Self::StolenBackup => text!("a stolen backup"),
        }
    }
}
