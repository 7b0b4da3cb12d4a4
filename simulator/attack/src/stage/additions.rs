//! Requests with more in them than the mini program sends, and whom they affect.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use soter_text::{Text, text};

use super::Stage;
use crate::json_values::leaves;
use crate::play_end::PlayEnd;
use crate::steps::{Addition, Before, Forgery, Place, Who};
use crate::target::{Answer, Exchange, Target, TargetError};

/// An amount that no order has by itself.
const AMOUNT: i64 = 7;
/// Names by which applications know a user. Their own come from their answers to logins.
const USER_NAMES: [&str; 8] = ["openid", "openId", "open_id", "userId", "user_id", "uid", "user", "account"];
/// Headers in which proxies and WeChat Cloud Run name the user.
const USER_HEADERS: [&str; 4] = ["X-WX-OPENID", "X-Forwarded-User", "X-Auth-User", "Remote-User"];
const AMOUNT_NAMES: [&str; 10] =
    ["amount", "price", "total", "fee", "total_fee", "totalFee", "money", "fen", "cents", "cost"];

impl<T: Target> Stage<'_, T> {
    /// The names and values of an addition.
    pub(super) fn added(&self, addition: Addition, place: Place) -> Vec<(String, Value)> {
        let named = |names: &[&str], value: &Value| -> Vec<(String, Value)> {
            names.iter().map(|name| ((*name).to_owned(), value.clone())).collect()
        };
        match addition {
            Addition::OtherUser => {
                let Some(other) = &self.other else { return Vec::new() };
                let openid = Value::from(other.user.openid.clone());
                let own = &self.owner.visit.identity;
                let known: BTreeMap<&String, &Value> = other
                    .visit
                    .identity
                    .iter()
                    .filter(|(name, value)| own.get(*name) != Some(value))
                    .collect();
                let mut added: BTreeMap<String, Value> = named(&USER_NAMES, &openid).into_iter().collect();
                if place == Place::Headers {
                    added.extend(named(&USER_HEADERS, &openid));
                }
                added.extend(known.into_iter().map(|(name, value)| (name.clone(), value.clone())));
                added.into_iter().collect()
            }
            Addition::Verified => [
                named(
                    &["verified", "isVerified", "is_ok", "isOk", "ok", "success", "skipVerify"],
                    &json!(true),
                ),
                named(&["errcode", "code"], &json!(0)),
                named(&["authMode"], &json!(1)),
                named(&["debug", "test"], &json!(1)),
            ]
            .concat(),
            Addition::Amount => named(&AMOUNT_NAMES, &json!(AMOUNT)),
        }
    }

    /// Makes and sends an input with an addition. An effect on another user, or of another amount, is its harm.
    pub(crate) async fn send_with_addition(
        &mut self,
        addition: Addition,
        forgery: Forgery,
    ) -> Result<Answer, PlayEnd> {
        match addition {
            Addition::Verified => self.send_forged(forgery).await.map(|(_, answer)| answer),
            Addition::OtherUser => {
                let mut before = self.effects(Who::Other).await?;
                if !before.is_empty() {
                    // What changes by itself, or by any payment, says nothing.
                    self.step(Before::Pay).await?;
                    let after_honest = self.effects(Who::Other).await?;
                    before.retain(|name, value| after_honest.get(name) == Some(value));
                }
                let (json, mut answer) = self.send_forged(forgery).await?;
                let after = self.effects(Who::Other).await?;
                answer.harm = self.asked_about_other(&json).or_else(|| {
                    let name = first_change(&before, &after)?;
                    Some(text!("`{name}` of another user, whom the request names, changes", name = name))
                });
                Ok(answer)
            }
            Addition::Amount => self.send_with_amount(forgery).await,
        }
    }

    /// In whose name WeChat was asked about a text, if it is not the owner's.
    pub(super) fn asked_about_other(&self, json: &str) -> Option<Text> {
        let other = self.other.as_ref()?;
        let asked = self.target.openids_asked(json).contains(&other.user.openid);
        asked.then(|| text!("WeChat is asked about another user than the one who has logged in"))
    }

    async fn send_with_amount(&mut self, forgery: Forgery) -> Result<Answer, PlayEnd> {
        let first = self.effects(Who::Owner).await?;
        self.step(Before::Pay).await?;
        let before = self.effects(Who::Owner).await?;
        self.step(Before::Pay).await?;
        let between = self.effects(Who::Owner).await?;
        let honest = self.answers.last().map_or_else(BTreeMap::new, |(_, exchange)| numbers_of(exchange));
        let earlier_changes = changes(&first, &before);
        let mut honest_changes = changes(&before, &between);
        // A time or a number of an order changes by another amount each time.
        honest_changes.retain(|name, change| {
            earlier_changes.get(name).is_some_and(|earlier| is_about(*earlier, *change))
        });
        if honest_changes.is_empty() && honest.is_empty() {
            let why = text!("no number in an answer or in [[result.before]] shows what was paid");
            return Err(TargetError::does_not_apply(why).into());
        }
        let (_, mut answer) = self.send_forged(forgery).await?;
        if answer.accepted {
            let after = self.effects(Who::Owner).await?;
            let new_changes = changes(&between, &after);
            let by_effect = honest_changes.iter().find_map(|(name, usual)| {
                let change = new_changes.get(name)?;
                let is_different = !is_about(*change, *usual) && *usual != 0.0;
                is_different.then(|| {
                    text!(
                        "`{name}` changes by {change} instead of {usual}",
                        name = name,
                        change = change,
                        usual = usual
                    )
                })
            });
            let by_answer = || {
                let numbers = numbers_of(&answer.exchange);
                let believed = numbers.into_iter().find(|(place, number)| {
                    *number == json!(AMOUNT) && honest.get(place).is_some_and(|usual| usual != number)
                })?;
                let (place, number) = believed;
                let usual = honest.get(&place)?;
                Some(text!(
                    "the answer has {number} at {place}, as the request says, instead of {usual}",
                    number = number.to_string(),
                    place = place,
                    usual = usual.to_string()
                ))
            };
            answer.harm = by_effect.or_else(by_answer);
        }
        Ok(answer)
    }

    /// Makes and sends an input. Returns its text, and the answer.
    async fn send_forged(&mut self, forgery: Forgery) -> Result<(String, Answer), PlayEnd> {
        let (login, order, input) = self.forge(forgery).await?;
        let answer = self.target.send(self.visit(login), &order, &input).await?;
        Ok((input.json, answer))
    }

    pub(super) async fn effects(&mut self, who: Who) -> Result<BTreeMap<String, String>, PlayEnd> {
        Ok(self.target.effects(self.visit(who)).await?)
    }
}

/// The name of the first value that is different.
fn first_change<'a>(
    before: &'a BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Option<&'a str> {
    before.iter().find_map(|(name, from)| (from != after.get(name)?).then_some(name.as_str()))
}

/// Whether two numbers are equal but for the rounding of fractions.
fn is_about(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * other.abs().max(1.0)
}

/// By how much each number has changed.
pub(super) fn changes(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> BTreeMap<String, f64> {
    let number = |text: &String| text.parse::<f64>().ok().filter(|number| number.is_finite());
    let change =
        |(name, from): (&String, &String)| Some((name.clone(), number(after.get(name)?)? - number(from)?));
    before.iter().filter_map(change).collect()
}

/// The numbers in an answer's JSON, by their pointers.
fn numbers_of(exchange: &Exchange) -> BTreeMap<String, Value> {
    let body = exchange.response.split_once("\n\n").map_or("", |(_, rest)| rest);
    let body = body.split("\n\nThen:\n").next().unwrap_or_default();
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    let numbers = leaves(&value).into_iter().filter(|(_, value)| value.is_number());
    numbers.map(|(at, number)| (at, number.clone())).collect()
}
