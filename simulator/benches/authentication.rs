//! What an authentication costs: everything around the signature, start-up, and memory for unused phones.
//!
//! `cargo bench` prints ratios of figures that were taken in the same run, alternately, because the machine's speed
//! changes from one minute to the next. Only ratios are worth quoting.

use std::error::Error;
use std::hint::black_box;
use std::io::{Write, stdout};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaPssSaltLength, RsaSignatureEncoding};
use soter_bridge::protocol::{Service, device, sensor, wx};
use soter_sim::{Desk, DeskOptions, State};
use soter_wire::{PROFILES, SignatureScheme};
use tokio::runtime::{Builder, Runtime};

/// How phones of the default family sign.
static PSS: LazyLock<RsaSignatureEncoding> = LazyLock::new(|| {
    let SignatureScheme::RsaPss { salt_length } = PROFILES[0].scheme;
    RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(salt_length.get()))
});

/// Rounds, in each of which both sides take their turn.
const ROUNDS: usize = 200;
/// Authentications or signatures in a turn.
const TURN: u32 = 40;
/// Phones on one desk for the memory figure.
const IDLE_PHONES: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let folder = tempfile::tempdir()?;
    let mut out = stdout().lock();

    let (cold, first) = first_result(&runtime, folder.path())?;
    let (warm, again) = first_result(&runtime, folder.path())?;
    writeln!(out, "cold start to first result (makes ATTK, ASK, AuthKey): {}", milliseconds(cold))?;
    writeln!(out, "warm start to first result:                            {}", milliseconds(warm))?;
    writeln!(out, "  warm / cold: {:.3}", warm.as_secs_f64() / cold.as_secs_f64())?;
    assert!(first.result_json != again.result_json, "two results are the same");

    let (bare, whole, ratio) =
        signature_and_authentication(&runtime, folder.path(), first.result_json.as_bytes())?;
    writeln!(out, "bare PSS signature (aws-lc-rs, median):                {}", microseconds(bare))?;
    writeln!(out, "whole startSoterAuthentication, on disk (median):      {}", microseconds(whole))?;
    writeln!(out, "  signature / authentication: {ratio:.3}   (goal: at least 0.90)")?;

    let memory = memory_per_idle_phone(&runtime)?.map_or_else(
        || "not measured, this system has no /proc/self/statm".to_owned(),
        |bytes| format!("{bytes} bytes"),
    );
    writeln!(out, "memory per idle phone, {IDLE_PHONES} in one process:      {memory}")?;
    Ok(())
}

fn challenge(text: &str) -> wx::StartSoterAuthentication {
    wx::StartSoterAuthentication {
        request_auth_modes: Some(vec!["fingerPrint".to_owned()]),
        challenge: Some(text.to_owned()),
        ..Default::default()
    }
}

fn open(path: &std::path::Path) -> Result<Desk, Box<dyn Error>> {
    let state = State::Folder(path.to_owned());
    Ok(Desk::open(DeskOptions::new(state))?)
}

/// Opens the folder, authenticates once, closes it.
fn first_result(
    runtime: &Runtime,
    path: &std::path::Path,
) -> Result<(Duration, wx::SoterAuthentication), Box<dyn Error>> {
    let start = Instant::now();
    let desk = open(path)?;
    let touched = wx::StartSoterAuthentication { touch: Some("1".parse()?), ..challenge("first") };
    let answer = runtime.block_on(desk.request(None, touched))?;
    let time = start.elapsed();
    desk.close()?;
    assert_eq!(answer.err_code, 0, "{}", answer.err_msg);
    Ok((time, answer))
}

/// Medians of both, and of the rounds' ratios.
fn signature_and_authentication(
    runtime: &Runtime,
    path: &std::path::Path,
    message: &[u8],
) -> Result<(Duration, Duration, f64), Box<dyn Error>> {
    let desk = open(path)?;
    runtime.block_on(desk.request(None, sensor::SetMode { mode: sensor::SensorMode::Auto }))?;
    let key = KeyPair::generate(KeySize::Rsa2048)?;
    let random = aws_lc_rs::rand::SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];

    let mut rounds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..TURN {
            key.sign(&*PSS, &random, black_box(message), &mut signature)?;
        }
        let bare = start.elapsed() / TURN;
        let start = Instant::now();
        runtime.block_on(async {
            for _ in 0..TURN {
                let answer = desk.request(None, challenge("I'm a demo challenge string")).await?;
                assert_eq!(answer.err_code, 0, "{}", answer.err_msg);
                black_box(answer);
            }
            Ok::<_, Box<dyn Error>>(())
        })?;
        rounds.push((bare, start.elapsed() / TURN));
    }
    desk.close()?;

    let ratio = |(bare, whole): &(Duration, Duration)| bare.as_secs_f64() / whole.as_secs_f64();
    let mut ratios: Vec<f64> = rounds.iter().map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let (mut bare, mut whole): (Vec<_>, Vec<_>) = rounds.into_iter().unzip();
    bare.sort_unstable();
    whole.sort_unstable();
    Ok((bare[ROUNDS / 2], whole[ROUNDS / 2], ratios[ROUNDS / 2]))
}

/// How much memory the process needs for each unused phone on the desk.
fn memory_per_idle_phone(runtime: &Runtime) -> Result<Option<usize>, Box<dyn Error>> {
    let desk = Desk::open(DeskOptions::new(State::Ephemeral))?;
    let Some(before) = resident_bytes() else { return Ok(None) };
    runtime.block_on(async {
        for number in 0..IDLE_PHONES {
            let create = device::Create { name: format!("phone-{number}"), ..Default::default() };
            desk.request(None, create).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    let after = resident_bytes().ok_or("the process's size cannot be read any more")?;
    Ok(Some(after.saturating_sub(before) / IDLE_PHONES))
}

/// The process's resident memory, on Linux.
fn resident_bytes() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

fn milliseconds(time: Duration) -> String {
    format!("{:8.1} ms", time.as_secs_f64() * 1e3)
}

fn microseconds(time: Duration) -> String {
    format!("{:8.1} us", time.as_secs_f64() * 1e6)
}
