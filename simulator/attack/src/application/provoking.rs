//! Sends what makes careless applications tell too much.

use soter_wechat::random_text;

use super::ApplicationTarget;
use crate::steps::Envelope;
use crate::target::{Input, Target, TargetError, Visit};

/// The number of challenges from which something can be concluded.
const MIN_CHALLENGES: usize = 20;
/// The length of a code that is longer than any real one, in characters.
const LONG_CODE_CHARS: usize = 5000;

impl ApplicationTarget {
    /// Logins with strange codes, a payment that is not one, and some challenges.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if the application does not answer an honest request.
    pub(super) async fn provoke_answers(&self) -> Result<(), TargetError> {
        if let Some(login) = &self.client.application.login {
            let user = self.user("")?;
            for code in ["", "a\u{7}", "'\"<>", "%00", &random_text(LONG_CODE_CHARS)] {
                // Whether it is answered well is a question for other attacks. Secrets are looked for on the way.
                let _ = self.run_login(login, &Visit::new(&user), code.to_owned()).await;
            }
        }
        let user = self.user("")?;
        let mut visit = self.start_visit(&user).await?;
        let order = self.order(&mut visit, "").await?;
        let input = Input {
            json: "{".to_owned(),
            signature: "!".to_owned(),
            openid: user.openid.clone(),
            requested_openid: user.openid.clone(),
            envelope: Envelope::Usual,
            added: Vec::new(),
        };
        // As above.
        let _ = self.send(&visit, &order, &input).await;
        let orders = (self.observed.challenge_count()..MIN_CHALLENGES).map(async |_| {
            let mut visit = self.start_visit(&self.user("")?).await?;
            self.order(&mut visit, "").await
        });
        futures_util::future::try_join_all(orders).await?;
        Ok(())
    }
}
