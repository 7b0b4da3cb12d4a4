//! `attack.*`: the catalogue, and single attacks against WeChat's servers on this desk.

use std::sync::Arc;
use std::time::Duration;

use soter_bridge::protocol::attack::{Attacks, Forged, Input, Ran, Summary};
use soter_bridge::protocol::{CommandError, attack};
use soter_text::{Text, text};
use soter_wechat::routes;
use soter_wire::{PROFILES, shortened};

use soter_attack::{
    Attack, Credentials, Http, KeySource, OwnServers, Person, Verdict, WeChatTarget, catalogue, find, forge,
    play,
};

use super::Desk;

/// The timeout of one request to the servers in this process.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

impl Desk {
    pub(super) fn attacks() -> Attacks {
        let summary = |attack: &Attack| Summary {
            id: attack.id.to_owned(),
            layer: attack.layer.name().to_owned(),
            kind: attack.kind.name().to_owned(),
            cwe: attack.kind.cwe(),
            expected: attack.expected.name().to_owned(),
            title: attack.title.to_owned(),
        };
        Attacks { attacks: catalogue().map(summary).collect() }
    }

    pub(super) fn show_attack(id: &str) -> Result<attack::Attack, CommandError> {
        let attack = find_attack(id)?;
        Ok(attack::Attack {
            id: attack.id.to_owned(),
            layer: attack.layer.name().to_owned(),
            kind: attack.kind.name().to_owned(),
            cwe: attack.kind.cwe(),
            title: attack.title.to_owned(),
            holds: attack.holds.text().into(),
            making: attack.making.to_owned(),
            expected: attack.expected.name().to_owned(),
            reasons: attack.expected.reasons().iter().map(ToString::to_string).collect(),
            meaning: attack.meaning.to_owned(),
            fix: attack.fix.to_owned(),
        })
    }

    pub(super) async fn forge(&self, id: &str) -> Result<Forged, CommandError> {
        let attack = find_attack(id)?;
        let keys = self.inner.seed.clone().map_or_else(|| self.attack_keys(), KeySource::from_seed);
        let forged = forge(attack, &keys).await?;
        let [honest, crafted] = match forged.inputs {
            None => [None, None],
            Some(inputs) => inputs.map(|input| {
                Some(Input { openid: input.openid, json_string: input.json, json_signature: input.signature })
            }),
        };
        Ok(Forged { id: attack.id.to_owned(), honest, forged: crafted, differences: forged.differences })
    }

    pub(super) async fn run_attack(&self, id: &str) -> Result<Ran, CommandError> {
        let attack = find_attack(id)?;
        let keys = self.attack_keys();
        let wechat = self.wechat();
        let first = wechat.accounts().first_app();
        let credentials =
            |app: &soter_wechat::App| Credentials { appid: app.appid.clone(), secret: app.secret.clone() };
        let other = wechat.accounts().apps().find(|app| app.appid != first.appid);
        let target = WeChatTarget::new(
            Http::in_process(routes(Arc::clone(wechat)), REQUEST_TIMEOUT)?,
            credentials(first),
            Arc::new(OwnServers::new(Arc::clone(wechat), None)),
        )
        .with_other_app(other.map(credentials));
        let mut played = play(attack, &target, &keys).await;
        if let Err(broken) = check_honest_request(&target, &keys).await {
            played.verdict = Verdict::Error;
            played.reason = text!("after the attack, {problem}", problem = broken);
        }
        let exchange = played.answer.map(|answer| answer.exchange);
        Ok(Ran {
            id: attack.id.to_owned(),
            verdict: played.verdict.name().to_owned(),
            reason: played.reason,
            request: exchange.as_ref().map(|exchange| exchange.request.clone()),
            response: exchange.map(|exchange| exchange.response),
        })
    }

    fn attack_keys(&self) -> KeySource {
        self.inner.attack_keys.get_or_init(KeySource::random).clone()
    }
}

/// Checks that an honest user is served.
async fn check_honest_request(target: &WeChatTarget, keys: &KeySource) -> Result<(), Text> {
    let mut person =
        Person::register("control", target, keys, &PROFILES[0]).await.map_err(|error| error.text())?;
    let answer = person.pay(target).await.map_err(|error| error.text().clone())?;
    let reason = answer.reason.unwrap_or_else(|| text!("without a reason"));
    if answer.accepted {
        Ok(())
    } else {
        Err(text!("an honest result is refused: {reason}", reason = reason))
    }
}

fn find_attack(id: &str) -> Result<&'static Attack, CommandError> {
    find(id).ok_or_else(|| {
        let shown = shortened(id, 40);
        let category = |id: &str| id.split('-').nth(1).map(str::to_ascii_uppercase);
        let similar: Vec<_> = catalogue()
            .map(|attack| attack.id)
            .filter(|known| category(known).is_some() && category(known) == category(id))
            .collect();
        let next = if let (Some(first), Some(last)) = (similar.first(), similar.last()) {
            text!("ids of that kind: {first} to {last}", first = first, last = last)
        } else {
            text!("`attack list` names them all")
        };
        CommandError::invalid_params(text!("there is no attack `{shown}`", shown = shown), next)
    })
}
