//! `verify_signature` over PostgreSQL compared with SQLite. Both servers and the database share the processors with the client.

use std::env::var;
use std::error::Error;
use std::io::Write;
use std::path::Path;

use crate::load::median;
use crate::server::SOTER_SIM;
use crate::verifier::Verifier;

type Failed = Box<dyn Error + Send + Sync>;

const CONNECTIONS: usize = 64;
const ROUNDS: usize = 7;
/// Results of each phone that are verified in a turn.
const RESULTS: usize = 200;

/// Compares both and reports it, if `SOTER_TEST_POSTGRES` names a database.
pub(crate) async fn compare(out: &mut impl Write) -> Result<(), Failed> {
    let Ok(url) = var("SOTER_TEST_POSTGRES") else {
        writeln!(out, "PostgreSQL / SQLite: run `tests/with-postgres cargo bench --bench verify`")?;
        return Ok(());
    };
    let namespace = format!("bench-{}", std::process::id());
    let sqlite = Verifier::start(Path::new(SOTER_SIM), CONNECTIONS, &[]).await?;
    let shared = ["--ledger", &url, "--ledger-namespace", &namespace];
    let postgres = Verifier::start(Path::new(SOTER_SIM), CONNECTIONS, &shared).await?;
    let (mut of_sqlite, mut of_postgres) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let bodies = sqlite.bodies(RESULTS).await?;
        of_sqlite.push(sqlite.turn(&bodies).await?);
        let bodies = postgres.bodies(RESULTS).await?;
        of_postgres.push(postgres.turn(&bodies).await?);
    }
    let mut ratios: Vec<f64> = of_postgres.iter().zip(&of_sqlite).map(|(one, other)| one / other).collect();
    for (what, rates) in [("SQLite", &mut of_sqlite), ("PostgreSQL", &mut of_postgres)] {
        writeln!(out, "{what} over {CONNECTIONS} connections: {:.0} /s", median(rates))?;
    }
    writeln!(out, "PostgreSQL / SQLite: {:.2}   (goal: at least 0.5)", median(&mut ratios))?;
    Ok(())
}
