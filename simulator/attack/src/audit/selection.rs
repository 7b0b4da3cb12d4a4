//! Selects the attacks to play, and recognises the findings that are known already.

use std::collections::BTreeMap;

use serde::Deserialize;
use soter_bridge::protocol::CommandError;
use soter_text::text;
use soter_wire::shortened;

use super::finding::Finding;
use crate::catalogue::{catalogue, full_id};
use crate::entry::Attack;
use crate::verdict::Verdict;

/// The attacks to play, by ids or beginnings of ids, such as `SOTER-COUNTER`. Case does not matter, `SOTER-` may be
/// left out, and a `*` may be at the end.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The attacks to play; all if empty.
    pub only: Vec<String>,
    /// The attacks to leave out.
    pub skip: Vec<String>,
}

impl Selection {
    /// The selected attacks, in the order of the catalogue.
    ///
    /// # Errors
    /// `InvalidParams` if a word is empty or selects no attack, or if no attack is left.
    pub fn attacks(&self) -> Result<Vec<&'static Attack>, CommandError> {
        let words = || self.only.iter().chain(&self.skip);
        if words().any(|word| word.trim().is_empty()) {
            return Err(CommandError::invalid_params(
                text!("an id behind --only or --skip is empty"),
                text!("write ids with one comma between them, or leave the option out"),
            ));
        }
        if let Some(word) = words().find(|word| !catalogue().any(|attack| selects(word, attack))) {
            let shown = shortened(word, 40);
            return Err(CommandError::invalid_params(
                text!("no attack has the id `{id}`, or one that begins so", id = shown),
                text!("`soter-sim attack list` names them all"),
            ));
        }
        let chosen: Vec<_> = catalogue()
            .filter(|attack| self.only.is_empty() || self.only.iter().any(|word| selects(word, attack)))
            .filter(|attack| !self.skip.iter().any(|word| selects(word, attack)))
            .collect();
        if chosen.is_empty() {
            return Err(CommandError::invalid_params(
                text!("--only and --skip leave no attack"),
                text!("leave one of them out"),
            ));
        }
        Ok(chosen)
    }
}

/// Whether the word is the attack's whole id, or its beginning up to a hyphen.
fn selects(word: &str, attack: &Attack) -> bool {
    let beginning = word.trim().trim_end_matches('*').trim_end_matches('-');
    let rest = attack.id.strip_prefix(&full_id(beginning));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// An earlier report. Findings that it contains do not count again.
#[derive(Clone, Debug)]
pub struct Baseline(BTreeMap<String, String>);

#[derive(Deserialize)]
struct Earlier {
    results: Vec<EarlierResult>,
}

#[derive(Deserialize)]
struct EarlierResult {
    id: String,
    verdict: String,
}

impl Baseline {
    /// Parses a JSON report.
    ///
    /// # Errors
    /// `InvalidParams` if the text is not a JSON report of an audit.
    pub fn read(text: &[u8]) -> Result<Self, CommandError> {
        let earlier: Earlier = serde_json::from_slice(text).map_err(|error| {
            CommandError::invalid_params(
                text!("the baseline is not a JSON report of an audit: {error}", error = error.to_string()),
                text!("name a file that `soter-sim audit --report FILE.json` has written"),
            )
        })?;
        Ok(Self(earlier.results.into_iter().map(|result| (result.id, result.verdict)).collect()))
    }

    /// Whether the earlier report contains this failure or warning.
    pub fn knows(&self, finding: &Finding) -> bool {
        matches!(finding.verdict, Verdict::Fail | Verdict::Warn)
            && self.0.get(finding.attack.id).is_some_and(|verdict| verdict == finding.verdict.name())
    }

    /// The `baselineState` of SARIF (3.27.24): `unchanged`, `updated` or `new`. A problem where the earlier report has none is
    /// `new`, not `updated`, because viewers highlight new results.
    pub(super) fn state(&self, finding: &Finding) -> &'static str {
        let is_problem =
            |verdict: &str| [Verdict::Fail, Verdict::Warn].iter().any(|one| one.name() == verdict);
        let now = finding.verdict.name();
        match self.0.get(finding.attack.id) {
            Some(earlier) if earlier == now => "unchanged",
            Some(earlier) if is_problem(earlier) || !is_problem(now) => "updated",
            _ => "new",
        }
    }
}

#[cfg(test)]
mod tests {
    use soter_text::Text;

    use super::*;
    use crate::catalogue::find;

    fn ids(only: &[&str], skip: &[&str]) -> Result<Vec<&'static str>, CommandError> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let attacks = Selection { only: words(only), skip: words(skip) }.attacks()?;
        Ok(attacks.into_iter().map(|attack| attack.id).collect())
    }

    #[test]
    fn attacks_are_selected_by_id_or_by_a_prefix_of_it() {
        assert_eq!(ids(&[], &[]).unwrap().len(), catalogue().count());
        assert_eq!(ids(&["soter-replay-01"], &[]).unwrap(), ["SOTER-REPLAY-01"]);
        let counters = ids(&["SOTER-COUNTER"], &["SOTER-COUNTER-01"]).unwrap();
        assert!(counters.iter().all(|id| id.starts_with("SOTER-COUNTER-") && !id.ends_with("-01")));
        assert!(ids(&["SOTER-REPLAY-0"], &[]).unwrap_err().what.english().contains("SOTER-REPLAY-0"));
        assert!(ids(&["SOTER-REPLAY"], &["SOTER"]).is_err());
    }

    #[test]
    fn an_id_is_accepted_in_the_spellings_that_people_use() {
        for word in ["REPLAY-01", "replay-01", "Soter-Replay-01", " soter-replay-01 ", "REPLAY-01*"] {
            assert_eq!(ids(&[word], &[]).unwrap(), ["SOTER-REPLAY-01"], "{word}");
        }
        let replays = ids(&["SOTER-REPLAY"], &[]).unwrap();
        for word in ["replay", "REPLAY-*", "SOTER-REPLAY-*", "SOTER-REPLAY*", "replay-"] {
            assert_eq!(ids(&[word], &[]).unwrap(), replays, "{word}");
            assert!(!ids(&[], &[word]).unwrap().contains(&"SOTER-REPLAY-01"), "{word}");
        }
        for word in ["REPLAY-0*", "*", "-", "SOTERREPLAY-01", "01"] {
            assert!(ids(&[word], &[]).unwrap_err().what.english().contains(&format!("`{word}`")), "{word}");
        }
    }

    #[test]
    fn the_error_for_an_empty_id_says_that_it_is_empty() {
        for (only, skip) in [(&[""][..], &[][..]), (&["REPLAY", " "], &[]), (&[], &[""])] {
            assert!(ids(only, skip).unwrap_err().what.english().contains("is empty"));
        }
    }

    #[test]
    fn a_baseline_knows_only_its_own_findings() {
        let baseline = Baseline::read(
            br#"{"summary":{},"results":[{"id":"SOTER-REPLAY-01","verdict":"FAIL","reason":""}]}"#,
        )
        .unwrap();
        let finding = |id: &str, verdict| Finding {
            attack: find(id).unwrap(),
            verdict,
            reason: Text::verbatim(""),
            exchange: None,
            known: false,
        };
        assert!(baseline.knows(&finding("SOTER-REPLAY-01", Verdict::Fail)));
        assert!(!baseline.knows(&finding("SOTER-REPLAY-01", Verdict::Error)));
        assert!(!baseline.knows(&finding("SOTER-REPLAY-02", Verdict::Fail)));
        assert!(Baseline::read(b"[]").is_err());
    }
}
