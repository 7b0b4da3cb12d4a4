//! The descriptions of a phone that commands show.

use soter_bridge::protocol::{CommandError, device, keys};
use soter_tee::{KeyInfo, KeyPath};

use super::new_keys::NewKeys;
use super::state::Phone;
use super::wechat::Caller;

impl Phone {
    pub(crate) fn summary(&self) -> device::Summary {
        let state = self.state();
        device::Summary {
            name: self.name.to_string(),
            profile: state.record.profile.clone(),
            seeded: state.record.seeded,
            sensor: state.record.sensor.clone(),
            fleet: matches!(self.context.keys, NewKeys::Fleet(_)),
            waits: state.dialog.is_some(),
        }
    }

    pub(crate) fn describe(&self, selected: bool) -> Result<device::Device, CommandError> {
        let mut state = self.state();
        let clock = state.clock.unix_millis();
        let (cpu_id, counter) = {
            let tee = self.tee(&mut state)?;
            (tee.cpu_id(), tee.last_counter())
        };
        let biometrics = self.biometrics(&mut state)?;
        let Caller { user: name, appid, openid } = self.caller(&state, None)?;
        let unionid = self.context.wechat.unionid(&name, &appid)?;
        let record = &state.record;
        Ok(device::Device {
            name: self.name.to_string(),
            profile: record.profile.clone(),
            seeded: record.seeded,
            selected,
            cpu_id,
            counter,
            clock,
            apps: record.apps.clone(),
            user: device::User { name, appid, openid, unionid },
            biometrics,
            sensor: record.sensor.clone(),
            settings: record.settings.clone(),
            dialog: state.dialog.as_ref().map(|dialog| dialog.shown.clone()),
        })
    }

    pub(crate) fn keys(&self) -> Result<keys::Keys, CommandError> {
        let mut state = self.state();
        let keys = self.tee(&mut state)?.keys().map_err(|error| self.tee_error(&error))?;
        Ok(keys::Keys { keys: keys.into_iter().map(key).collect() })
    }
}

fn key(info: KeyInfo) -> keys::Key {
    let (kind, name) = match info.path {
        KeyPath::Attk => (keys::KeyKind::Attk, None),
        KeyPath::Ask { .. } => (keys::KeyKind::Ask, None),
        KeyPath::AuthKey { name, .. } => (keys::KeyKind::AuthKey, Some(name)),
    };
    keys::Key {
        kind,
        uid: info.uid,
        name,
        public_key: info.public.to_pem(),
        fingerprint: info.public.fingerprint(),
        valid: info.valid,
    }
}
