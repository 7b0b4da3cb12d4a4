//! The `openssl` program: a second opinion that shares no code with this workspace.

use std::path::Path;
use std::process::{Command, Output};

/// Whether `openssl` can be run. If not, a line says that the test is skipped; where the environment variable
/// `SOTER_REQUIRE_OPENSSL` is set, the test fails instead.
pub fn is_available() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    if !there {
        assert!(
            std::env::var_os("SOTER_REQUIRE_OPENSSL").is_none(),
            "SOTER_REQUIRE_OPENSSL is set, but there is no program `openssl`"
        );
        // A skipped test says so.
        eprintln!("skipped: there is no program `openssl`");
    }
    there
}

/// Whether `signature` is the RSASSA-PSS signature over `file` by the PEM key, at exactly this salt length.
pub fn verifies_pss(key: &Path, file: &Path, signature: &Path, salt_length: u16) -> bool {
    let salt_length = format!("rsa_pss_saltlen:{salt_length}");
    let options =
        ["-sigopt", "rsa_padding_mode:pss", "-sigopt", &salt_length, "-sigopt", "rsa_mgf1_md:sha256"];
    verifies(&options, key, file, signature)
}

/// Whether `signature` is the PKCS#1 v1.5 signature over `file` by the PEM key.
pub fn verifies_pkcs1(key: &Path, file: &Path, signature: &Path) -> bool {
    verifies(&[], key, file, signature)
}

fn verifies(options: &[&str], key: &Path, file: &Path, signature: &Path) -> bool {
    let output = Command::new("openssl")
        .args(["dgst", "-sha256"])
        .args(options)
        .arg("-verify")
        .arg(key)
        .arg("-signature")
        .arg(signature)
        .arg(file)
        .output()
        .expect("openssl runs");
    let printed =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let verified = output.status.success() && printed.contains("Verified OK");
    // A key or a file that cannot be read is not a verdict.
    assert!(
        verified
            || printed.to_lowercase().contains("verification failure")
            || printed.contains("Verification"),
        "openssl gave no verdict: {printed}"
    );
    verified
}

/// Runs `openssl` with these arguments, which must succeed, and returns its standard output.
pub fn run(arguments: &[&str]) -> Vec<u8> {
    let Output { status, stdout, stderr } =
        Command::new("openssl").args(arguments).output().expect("openssl runs");
    assert!(status.success(), "openssl {}: {}", arguments.join(" "), String::from_utf8_lossy(&stderr));
    stdout
}
