//! Every attack of the catalogue against this project's own pipeline, in a live server.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use soter_attack::{
    Credentials, Expected, Http, KeySource, Layer, Person, TargetError, Verdict, VerifierControl,
    WeChatTarget, catalogue, play,
};
use soter_bridge::server::{Server, ServerOptions};
use soter_sim::{Desk, DeskOptions, State};
use soter_wechat::{AccountList, Accounts, App, Reason, Replays, SetClock, WeChatOptions};
use soter_wire::{AskForm, Profile, SignatureScheme};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const APPS: [(&str, &str); 2] = [("wxaudited000000001", "secret one"), ("wxaudited000000002", "secret two")];
const TIME: Duration = Duration::from_secs(30);

/// A live server on one port and one folder, which can be restarted, and whose clock can be set.
#[derive(Debug)]
struct Live {
    folder: PathBuf,
    replays: Replays,
    clock: SetClock,
    address: SocketAddr,
    running: Mutex<Option<Run>>,
}

#[derive(Debug)]
struct Run {
    desk: Desk,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Live {
    async fn start(folder: &Path, replays: Replays) -> Arc<Self> {
        let clock = SetClock::at(1_700_000_000_000);
        let (run, address) = run(folder, replays, &clock, "127.0.0.1:0".parse().unwrap()).await;
        let running = Mutex::new(Some(run));
        Arc::new(Self { folder: folder.to_owned(), replays, clock, address, running })
    }

    fn target(self: &Arc<Self>) -> WeChatTarget {
        let app =
            |(appid, secret): (&str, &str)| Credentials { appid: appid.to_owned(), secret: secret.into() };
        let http = Http::over_network(&format!("http://{}", self.address), TIME, None).unwrap();
        let verifier_control: Arc<dyn VerifierControl> = Arc::<Self>::clone(self);
        WeChatTarget::new(http, app(APPS[0]), verifier_control).with_other_app(Some(app(APPS[1])))
    }
}

async fn run(folder: &Path, replays: Replays, clock: &SetClock, listen: SocketAddr) -> (Run, SocketAddr) {
    let app = |(appid, secret): (&str, &str)| App::new(appid, secret);
    let accounts = Accounts::new(AccountList { app: APPS.map(app).to_vec(), user: Vec::new() }).unwrap();
    let desk = Desk::open(DeskOptions {
        wechat: WeChatOptions { accounts, replays, ..WeChatOptions::default() },
        servers_clock: Arc::new(clock.clone()),
        ..DeskOptions::new(State::Folder(folder.to_owned()))
    })
    .unwrap();
    let server = Server::bind(ServerOptions::new(listen)).await.unwrap();
    let address = server.address();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.run(desk.services(false), async { drop(stopped.await) }));
    (Run { desk, stop, ended }, address)
}

impl VerifierControl for Live {
    fn login_code(&self, appid: String) -> BoxFuture<'_, Option<String>> {
        let running = self.running.lock().unwrap();
        let wechat = Arc::clone(running.as_ref().unwrap().desk.wechat());
        async move { wechat.login("user", &appid).await.ok() }.boxed()
    }

    fn advance_clock(&self, by: Duration) -> bool {
        self.clock.advance(by);
        true
    }

    fn restart(&self) -> BoxFuture<'_, Result<(), TargetError>> {
        let Run { desk, stop, ended } = self.running.lock().unwrap().take().unwrap();
        async move {
            stop.send(()).unwrap();
            ended.await.unwrap();
            desk.close().unwrap();
            drop(desk);
            let (again, _) = run(&self.folder, self.replays, &self.clock, self.address).await;
            *self.running.lock().unwrap() = Some(again);
            Ok(())
        }
        .boxed()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_attack_has_the_outcome_and_the_reason_that_it_expects() {
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(folder.path(), Replays::Refuse).await;
    let (target, keys) = (live.target(), KeySource::random());
    let trustonic = Profile::named("trustonic").unwrap();
    let mut control = Person::register("control", &target, &keys, trustonic).await.unwrap();
    let mut wrong = Vec::new();
    for attack in catalogue().filter(|attack| attack.layer == Layer::Verifier) {
        let played = play(attack, &target, &keys).await;
        let answered = played.answer.as_ref();
        let reason = answered.and_then(|answer| answer.reason.as_ref()).map_or("", |reason| reason.english());
        let expected = match attack.expected {
            Expected::MustAccept | Expected::ShouldAccept(_) => &[Reason::Valid][..],
            Expected::MayRefuse(reasons)
            | Expected::MustRefuse(reasons)
            | Expected::ShouldRefuse(reasons, _) => reasons,
        };
        if played.verdict != Verdict::Pass || !expected.iter().any(|expected| expected.name() == reason) {
            wrong.push(format!("{}: {:?} {}; {reason}", attack.id, played.verdict, played.reason.english()));
        }
        let honest = control.pay(&target).await.unwrap();
        assert!(honest.accepted, "after {}: {honest:?}", attack.id);
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn phones_with_an_unusual_salt_length_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let live = Live::start(folder.path(), Replays::Refuse).await;
    let (target, huawei) = (live.target(), *Profile::named("itrustee").unwrap());
    let scheme = SignatureScheme::rsa_pss(24).unwrap();
    let mut people = Vec::new();
    for (name, ask) in [("chain", AskForm::CertificateChain), ("json", AskForm::Json)] {
        let profile: &'static Profile = Box::leak(Box::new(Profile { scheme, ask, ..huawei }));
        people.push(Person::register(name, &target, &KeySource::random(), profile).await.unwrap());
    }
    for _ in 0..2 {
        for person in &mut people {
            let honest = person.pay(&target).await.unwrap();
            assert!(honest.accepted, "{honest:?}");
        }
        // In the second round, the ledger knows how the phones sign.
        live.restart().await.unwrap();
    }
}
