//! The command protocol over a desk: calls the method for each command.

use soter_bridge::protocol::verify::{Verdict, VerifySignature};
use soter_bridge::protocol::{
    Call, Changes, CommandError, Event, Method, Recording, Request, Response, Service,
};
use soter_wechat::verification;
use tokio::sync::broadcast;
use tracing::field::Empty;
use tracing::{Instrument, info_span};

use super::Desk;
use super::devices::families;

impl Service for Desk {
    async fn call(&self, call: Call) -> Result<Response, CommandError> {
        let (device, method, changes) = (call.device.clone(), call.request.method(), call.request.changes());
        let recording = Method::named(method).map_or(Recording::Recorded, |method| method.recording);
        let span = info_span!("phone", name = Empty);
        if !span.is_disabled() {
            span.record("name", self.phone(device.as_deref()).ok().map(|phone| phone.name().to_string()));
        }
        let answer = self.answer(call).instrument(span).await;
        if answer.is_ok() {
            self.send_change_event(changes, device.as_deref(), method);
        }
        let phone = self.phone(device.as_deref()).ok();
        match self.finish_command(phone.as_deref()) {
            Err(error) if recording == Recording::Recorded => Err(error),
            _ => answer,
        }
    }

    fn events(&self) -> broadcast::Receiver<Event> {
        self.inner.context.events.subscribe()
    }
}

impl Desk {
    /// Tells front ends which phone's state they have to read again.
    fn send_change_event(&self, changes: Changes, device: Option<&str>, method: &str) {
        let device = match changes {
            Changes::Nothing => return,
            Changes::ItsPhone => device.map_or_else(|| self.phones().selected.to_string(), str::to_owned),
            Changes::PhoneNamed(name) => name,
        };
        self.inner.context.emit(Event::Changed { device, method: method.to_owned() });
    }

    async fn answer(&self, call: Call) -> Result<Response, CommandError> {
        let device = call.device.as_deref();
        let phone = || self.phone(device);
        Ok(match call.request {
            Request::StartSoterAuthentication(request) => {
                Response::StartSoterAuthentication(phone()?.start_soter_authentication(request).await?)
            }
            Request::CheckIsSupportSoterAuthentication(_) => {
                Response::CheckIsSupportSoterAuthentication(phone()?.check_is_support())
            }
            Request::CheckIsSoterEnrolledInDevice(request) => {
                Response::CheckIsSoterEnrolledInDevice(phone()?.check_is_enrolled(&request)?)
            }
            Request::Login(request) => Response::Login(phone()?.login(&request).await?),
            Request::CheckSession(request) => Response::CheckSession(phone()?.check_session(&request).await?),
            Request::GetUserProfile(request) => {
                Response::GetUserProfile(phone()?.user_profile(&request).await?)
            }
            Request::GetUserInfo(request) => Response::GetUserInfo(phone()?.user_info(&request).await?),
            Request::GetPhoneNumber(request) => {
                Response::GetPhoneNumber(phone()?.phone_number(&request).await?)
            }
            Request::CallFunction(request) => {
                Response::CallFunction(self.call_function(device, request).await?)
            }
            Request::RequestPayment(request) => Response::RequestPayment(phone()?.pay(request).await?),
            Request::DeskClock(clock) => Response::DeskClock(self.move_clock(clock).await?),
            Request::DeskJournal(journal) => Response::DeskJournal(self.read_journal(&journal)?),
            Request::ServersShow(_) => Response::ServersShow(self.switches().await?),
            Request::ServersSet(set) => Response::ServersSet(self.set_switches(set).await?),
            Request::ServersExpire(expire) => Response::ServersExpire(phone()?.expire(&expire).await?),
            Request::MistypedWxCall(call) => phone().map(|_| Response::WxRefusal(call.refusal))?,
            Request::DeskReset(_) => Response::DeskReset(self.reset().await?),
            Request::DeviceCreate(create) => Response::DeviceCreate(self.create(&create)?),
            Request::FleetNext(next) => Response::FleetNext(self.fleet_next(next)?),
            Request::FleetRelease(release) => Response::FleetRelease(self.fleet_release(release)?),
            Request::FleetResults(results) => Response::FleetResults(self.fleet_results(results).await?),
            Request::DeviceList(list) => Response::DeviceList(self.list(&list)?),
            Request::DeviceSelect(select) => Response::DeviceSelect(self.select(&select.name)?),
            Request::DeviceProfiles(_) => Response::DeviceProfiles(families()),
            Request::DeviceShow(_) => Response::DeviceShow(self.describe(&*phone()?)?),
            Request::DeviceSet(set) => Response::DeviceSet(self.set(device, &set)?),
            Request::DeviceRemove(remove) => Response::DeviceRemove(self.remove(&remove.name)?),
            Request::DeviceResetNormalWorld(_) => {
                Response::DeviceResetNormalWorld(self.reset_normal_world(device)?)
            }
            Request::SensorSetMode(set) => Response::SensorSetMode(self.set_sensor_mode(device, &set.mode)?),
            Request::SensorTouch(touch) => Response::SensorTouch(phone()?.touch(touch.touch)?),
            Request::SensorCancel(_) => Response::SensorCancel(phone()?.cancel()?),
            Request::BiometricEnroll(enroll) => Response::BiometricEnroll(phone()?.enroll(enroll.mode)?),
            Request::BiometricRemove(remove) => {
                Response::BiometricRemove(phone()?.remove_enrolment(remove.number)?)
            }
            Request::BiometricList(_) => Response::BiometricList(phone()?.enrolments()?),
            Request::BiometricUnlock(_) => Response::BiometricUnlock(phone()?.unlock()?),
            Request::GenerateAppSecureKey(command) => {
                Response::GenerateAppSecureKey(phone()?.trusted_app().generate_app_secure_key(&command)?)
            }
            Request::GetAppSecureKey(command) => {
                Response::GetAppSecureKey(phone()?.trusted_app().get_app_secure_key(&command)?)
            }
            Request::HasAskAlready(command) => {
                Response::HasAskAlready(phone()?.trusted_app().has_ask_already(&command)?)
            }
            Request::GenerateAuthKey(command) => {
                Response::GenerateAuthKey(phone()?.trusted_app().generate_auth_key(&command)?)
            }
            Request::GetAuthKey(key) => Response::GetAuthKey(phone()?.trusted_app().get_auth_key(&key)?),
            Request::HasAuthKey(key) => Response::HasAuthKey(phone()?.trusted_app().has_auth_key(&key)?),
            Request::RemoveAuthKey(command) => {
                Response::RemoveAuthKey(phone()?.trusted_app().remove_auth_key(&command)?)
            }
            Request::RemoveAllAuthKey(command) => {
                Response::RemoveAllAuthKey(phone()?.trusted_app().remove_all_auth_key(&command)?)
            }
            Request::InitSigh(command) => Response::InitSigh(phone()?.trusted_app().init_sigh(&command)?),
            Request::FinishSign(command) => {
                Response::FinishSign(phone()?.trusted_app().finish_sign(&command)?)
            }
            Request::GetDeviceId(_) => Response::GetDeviceId(phone()?.trusted_app().get_device_id()?),
            Request::GetVersion(_) => Response::GetVersion(phone()?.trusted_app().get_version()?),
            Request::GetExtraParam(command) => {
                Response::GetExtraParam(phone()?.trusted_app().get_extra_param(&command)?)
            }
            Request::KeysList(_) => Response::KeysList(phone()?.keys()?),
            Request::VerifySignature(request) => Response::VerifySignature(verify(&request)),
            Request::DangerSnapshot(snapshot) => Response::DangerSnapshot(self.snapshot(device, &snapshot)?),
            Request::DangerRestore(restore) => Response::DangerRestore(self.restore(device, &restore)?),
            Request::DangerClone(duplicate) => Response::DangerClone(self.duplicate(device, &duplicate)?),
            Request::DangerSetClock(set) => Response::DangerSetClock(self.force_clock(device, set)?),
            Request::DangerSign(sign) => Response::DangerSign(self.sign_in_software(&sign)?),
            Request::AttackList(_) => Response::AttackList(Self::attacks()),
            Request::AttackShow(show) => Response::AttackShow(Self::show_attack(&show.id)?),
            Request::AttackForge(forge) => Response::AttackForge(self.forge(&forge.id).await?),
            Request::AttackRun(run) => Response::AttackRun(self.run_attack(&run.id).await?),
        })
    }
}

fn verify(request: &VerifySignature) -> Verdict {
    let VerifySignature { key, json, signature, salt } = request;
    verification::verify(key.as_bytes(), json.as_bytes(), signature.as_bytes(), *salt).into()
}
