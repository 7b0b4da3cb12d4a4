//! `danger.*`: an attacker's powers over the phones on the desk.

use soter_attack::{Scheme, SoftwareKey};
use soter_bridge::protocol::danger::{Copied, Duplicate, Restore, SetClock, Sign, Signature, Snapshot};
use soter_bridge::protocol::{CommandError, ErrorKind, PrivateKeyText, device};
use soter_text::text;
use soter_wire::base64;

use super::Desk;
use super::holdings::FlashCopy;
use crate::phone::{CounterState, Record, check_clock};
use crate::store::{DeviceName, DeviceNameError};

/// The maximum number of copies on a desk. Each is smaller than 5 MiB, and usually has some kilobytes.
const MAX_SNAPSHOTS: usize = 64;

impl Desk {
    pub(super) fn snapshot(&self, device: Option<&str>, snapshot: &Snapshot) -> Result<Copied, CommandError> {
        let name = copy_name(&snapshot.name)?;
        let phone = self.phone(device)?;
        // Locked until the copy is inserted, so that concurrent calls cannot exceed the limit.
        let mut snapshots = self.inner.holdings.snapshots();
        if !snapshots.contains_key(&name) && snapshots.len() >= MAX_SNAPSHOTS {
            return Err(CommandError::new(
                ErrorKind::LimitReached,
                text!("there are {most} copies, and no more fit", most = MAX_SNAPSHOTS),
                text!("take the next one under the name of one that is no longer needed"),
            ));
        }
        let (flash, counter_state) = phone.copy_flash()?;
        let device = phone.name().clone();
        let copied = copied(&name, &device, counter_state);
        snapshots.insert(name, FlashCopy { device, flash });
        Ok(copied)
    }

    pub(super) fn restore(&self, device: Option<&str>, restore: &Restore) -> Result<Copied, CommandError> {
        let name = copy_name(&restore.name)?;
        let phone = self.phone(device)?;
        let snapshots = self.inner.holdings.snapshots();
        let Some(copy) = snapshots.get(&name) else {
            let known: Vec<_> = snapshots.keys().take(10).map(DeviceName::as_str).collect();
            return Err(CommandError::invalid_params(
                text!("there is no copy `{name}`", name = name),
                if known.is_empty() {
                    text!("take one first, with `danger snapshot`; copies live as long as their process")
                } else {
                    text!("copies: {known}", known = known.join(", "))
                },
            ));
        };
        if copy.device != *phone.name() {
            return Err(CommandError::invalid_params(
                text!(
                    "the copy `{name}` is of device `{device}`, not of `{phone}`",
                    name = name,
                    device = copy.device,
                    phone = phone.name()
                ),
                text!("name the phone: --device {device}", device = copy.device),
            ));
        }
        let counter_state = phone.restore_flash(&copy.flash)?;
        Ok(copied(&name, phone.name(), counter_state))
    }

    pub(super) fn duplicate(
        &self,
        device: Option<&str>,
        duplicate: &Duplicate,
    ) -> Result<device::Summary, CommandError> {
        let name: DeviceName = duplicate.name.parse().map_err(|error: DeviceNameError| {
            CommandError::invalid_params(error.text(), text!("choose another name, such as `twin`"))
        })?;
        let original = self.phone(device)?;
        let change = self.begin_change();
        self.check_name_and_limit(&name)?;
        change.announce_files(&name)?;
        let phone = original
            .duplicate(name.clone(), self.inner.context.clone())
            .inspect_err(|_| self.discard_files(&name))?;
        self.add(&change, phone)
    }

    pub(super) fn force_clock(
        &self,
        device: Option<&str>,
        set: SetClock,
    ) -> Result<device::Device, CommandError> {
        let phone = self.phone(device)?;
        set.clock.map_or(Ok(()), check_clock)?;
        phone.power_on()?;
        let force = |record: &mut Record| record.force_clock(set.clock);
        self.begin_change().save_record(&phone, force, || {
            phone.force_clock(set.clock);
            Ok(())
        })?;
        self.describe(&phone)
    }

    pub(super) fn sign_in_software(&self, sign: &Sign) -> Result<Signature, CommandError> {
        let scheme = Scheme {
            padding: sign.padding,
            hash: sign.hash,
            mgf1: sign.mgf1,
            salt_length: sign.salt,
            flaw: None,
        };
        let key = match &sign.private_key {
            Some(PrivateKeyText(pem)) => SoftwareKey::from_pem(pem.expose())?,
            None => self.inner.holdings.own_key()?,
        };
        let signature = key.sign(sign.text.as_bytes(), scheme)?;
        Ok(Signature {
            signature: base64::encode(&signature),
            public_key: key.public().to_pem(),
            fingerprint: key.public().fingerprint(),
        })
    }
}

fn copy_name(name: &str) -> Result<DeviceName, CommandError> {
    name.parse().map_err(|error: DeviceNameError| {
        CommandError::invalid_params(
            text!("no name for a copy: {error}", error = error.text()),
            text!("choose another name, such as `before`"),
        )
    })
}

fn copied(name: &DeviceName, device: &DeviceName, counter_state: CounterState) -> Copied {
    let CounterState { cpu_id, counter } = counter_state;
    Copied { name: name.to_string(), device: device.to_string(), cpu_id, counter }
}
