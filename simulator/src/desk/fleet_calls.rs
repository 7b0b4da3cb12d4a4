//! `fleet.*`: hands out the fleet's phones, and lets them sign in bulk.

use std::sync::Arc;
use std::thread::available_parallelism;

use soter_bridge::protocol::CommandError;
use soter_bridge::protocol::device::SecondCall;
use soter_bridge::protocol::fleet::{
    MAX_NEXT, MAX_RESULTS, Names, Next, Release, Results, Signed, SignedResult,
};
use soter_bridge::protocol::wx::StartSoterAuthentication;
use soter_text::{Text, text};
use tokio::task::JoinSet;

use super::Desk;
use super::fleet::Fleet;
use crate::store::DeviceName;

impl Desk {
    pub(super) fn fleet_next(&self, next: Next) -> Result<Names, CommandError> {
        let count = next.count.unwrap_or(1);
        check_count(text!("{count} phones are asked for in one call", count = count), count, MAX_NEXT)?;
        let names = self.fleet()?.take(count)?;
        Ok(Names { devices: names.iter().map(DeviceName::to_string).collect() })
    }

    pub(super) fn fleet_release(&self, release: Release) -> Result<Names, CommandError> {
        self.fleet()?.give_back(&release.devices)?;
        Ok(Names { devices: release.devices })
    }

    pub(super) async fn fleet_results(&self, results: Results) -> Result<Signed, CommandError> {
        let Results { challenges, count } = results;
        if challenges.is_empty() {
            return Err(CommandError::invalid_params(
                text!("there is no challenge to sign"),
                text!("give at least one: {{\"challenges\": [\"order-42\"]}}"),
            ));
        }
        let count = count.unwrap_or(u32::try_from(challenges.len()).unwrap_or(u32::MAX));
        check_count(text!("{count} results are asked for in one call", count = count), count, MAX_RESULTS)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let signers = self.fleet()?.next_signers(count)?;
        let mut jobs = signers.into_iter().zip(challenges.into_iter().cycle()).enumerate();
        let mut results: Vec<Option<SignedResult>> = Vec::new();
        results.resize_with(count, || None);
        // As many at a time as there are processors, and one that waits for the disk.
        let parallel = available_parallelism().map_or(1, usize::from) + 1;
        // Dropped with this call, it cancels what has not ended.
        let mut running = JoinSet::new();
        loop {
            while running.len() < parallel
                && let Some((place, (name, challenge))) = jobs.next()
            {
                let desk = self.clone();
                running.spawn(async move { (place, desk.signed_result(&name, challenge).await) });
            }
            let Some(ended) = running.join_next().await else { break };
            let (place, result) =
                ended.map_err(|error| CommandError::defect(format!("a phone broke off: {error}")))?;
            results[place] = Some(result?);
        }
        Ok(Signed { results: results.into_iter().flatten().collect() })
    }

    async fn signed_result(
        &self,
        name: &DeviceName,
        challenge: String,
    ) -> Result<SignedResult, CommandError> {
        let phone = self.phone(Some(name.as_str()))?;
        let modes = phone.profile().modes.iter().map(|mode| mode.name().to_owned()).collect();
        let request = StartSoterAuthentication {
            request_auth_modes: Some(modes),
            challenge: Some(challenge),
            touch: phone.touches_without_person()?,
            ..StartSoterAuthentication::default()
        };
        // If there are more results than phones, a phone signs one after the other.
        let answer = phone.start_as(SecondCall::Queue, request).await?;
        self.finish_command(Some(&phone))?;
        Ok(SignedResult { device: name.to_string(), openid: phone.openid()?, answer })
    }

    fn fleet(&self) -> Result<Arc<Fleet>, CommandError> {
        self.phones().fleet.clone().ok_or_else(|| {
            CommandError::invalid_params(
                text!("there is no fleet on this desk"),
                text!("start with one: soter-sim serve --fleet 1000"),
            )
        })
    }
}

fn check_count(what: Text, count: u32, maximum: u32) -> Result<(), CommandError> {
    if (1..=maximum).contains(&count) {
        return Ok(());
    }
    Err(CommandError::invalid_params(what, text!("ask for 1 to {maximum}", maximum = maximum)))
}
