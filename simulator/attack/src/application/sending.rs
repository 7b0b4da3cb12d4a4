//! Sends results, and what looks like one.

use serde_json::Value;
use soter_text::text;

use super::ApplicationTarget;
use super::template::Values;
use super::{refusal_reason, result_parts};
use crate::json_values::as_text;
use crate::steps::{Envelope, Place};
use crate::target::{Answer, Input, Order, Target, TargetError, Visit};

impl ApplicationTarget {
    /// Sends a result for an order.
    ///
    /// # Errors
    /// [`TargetError::DoesNotApply`] if the input has no meaning for the application. [`TargetError::Broken`] if it cannot be
    /// asked.
    pub(super) async fn send_result(
        &self,
        visit: &Visit,
        order: &Order,
        input: &Input,
    ) -> Result<Answer, TargetError> {
        let result = &self.client.application.result;
        if input.requested_openid != visit.user.openid && !result.uses("openid") {
            return Err(TargetError::does_not_apply(text!("the application's request names no openid")));
        }
        let mut values = self.values(visit, result.uses("code")).await?;
        values.extend(order.values.clone());
        values.extend([
            ("challenge".to_owned(), order.challenge.clone()),
            ("openid".to_owned(), input.requested_openid.clone()),
        ]);
        values.extend(result_parts::values(&input.json, &input.signature));
        let changed = match input.envelope {
            Envelope::Usual
            | Envelope::AtOnce
            | Envelope::OneTouchAtOnce
            | Envelope::NewConnections
            | Envelope::During(_) => None,
            Envelope::ObjectForString => {
                let object = result.main.endpoint().and_then(|endpoint| endpoint.with_object(&input.json));
                Some(object.ok_or_else(|| {
                    TargetError::does_not_apply(text!(
                        "the application's request does not carry resultJSON as a JSON string"
                    ))
                })?)
            }
            Envelope::Added(_, place) => {
                let changed =
                    result.main.endpoint().and_then(|endpoint| endpoint.with_added(&input.added, place));
                Some(changed.ok_or_else(|| {
                    TargetError::does_not_apply(text!(
                        "the application's request has no place for more names, or has them"
                    ))
                })?)
            }
            Envelope::Get
            | Envelope::ExpiredToken
            | Envelope::OtherAppsToken
            | Envelope::NoToken
            | Envelope::Member(..)
            | Envelope::Token(_) => {
                return Err(TargetError::does_not_apply(text!(
                    "it is about requests to verify_signature itself"
                )));
            }
        };
        let with_more_cookies = match input.envelope {
            Envelope::Added(_, Place::Cookies) => Some(self.with_added_cookies(visit, &input.added)?),
            _ => None,
        };
        let visit = with_more_cookies.as_ref().unwrap_or(visit);
        if matches!(input.envelope, Envelope::AtOnce | Envelope::OneTouchAtOnce) {
            self.client.http.stop_taking_turns();
        }
        let before = *self.client.wechat.journal().head().borrow();
        let over_new_connection =
            (input.envelope == Envelope::NewConnections).then(|| self.client.without_reuse());
        let client = over_new_connection.as_ref().unwrap_or(&self.client);
        let sent = client.run(result, result.judged(), values, visit, changed.as_ref());
        let ran = match input.envelope {
            Envelope::During(outage) => self.outages.during(outage, sent).await?,
            _ => self.outages.outside(sent).await?,
        };
        // The steps afterwards do not show a second payment of an order, unless they compare. And what they compare may come
        // from another payment at the same moment.
        let is_at_once = matches!(input.envelope, Envelope::AtOnce | Envelope::OneTouchAtOnce);
        let is_uncounted = (order.is_paid && !result.shows_changes())
            || (is_at_once && !result.after.is_empty() && (order.is_shared || result.shows_changes()));
        let looks_like_success = ran.refused.is_none() && ran.answer_mismatch.is_none();
        let mismatch = match ran.refused {
            None if is_uncounted => ran
                .answer_mismatch
                .or_else(|| order.is_paid.then(|| text!("the order is paid, as it was before"))),
            refused => refused,
        };
        let reason = mismatch.map(|mismatch| match input.envelope {
            Envelope::During(outage) => text!(
                "during an outage of WeChat ({outage}): {mismatch}",
                outage = outage.text(),
                mismatch = mismatch
            ),
            _ => refusal_reason::since(
                self.client.wechat.journal(),
                before,
                &visit.user.openid,
                input,
                &mismatch,
            ),
        });
        Ok(Answer {
            accepted: reason.is_none(),
            status: ran.status,
            reason,
            doubt: (is_uncounted && looks_like_success).then(|| {
                text!(
                    "the answer looks like a success, and the steps after it show only that the order is paid, not how often; say in [result.answer] how the answer to a refused repetition differs, or compare a number before and after, such as the balance"
                )
            }),
            harm: None,
            exchange: ran.exchange,
        })
    }

    /// Sends the request with a result, without login, order and result.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the application cannot be asked.
    pub(super) async fn send_empty_request(&self) -> Result<Answer, TargetError> {
        let visit = Visit::new(&self.user("")?);
        let result = &self.client.application.result;
        Ok(self.client.run(result, result.judged(), Values::new(), &visit, None).await?.into_answer())
    }

    /// A visit with more cookies than the application has set.
    fn with_added_cookies(&self, visit: &Visit, added: &[(String, Value)]) -> Result<Visit, TargetError> {
        let url = self.client.http.address("/").map_err(TargetError::from)?;
        let cookies = visit.cookies.map(|_, value| value.to_owned());
        for (name, value) in added {
            cookies.set(&format!("{name}={}; Path=/", as_text(value)), &url);
        }
        Ok(Visit { cookies, ..visit.clone() })
    }
}
