//! How a verifier of these tests keeps counters.

use std::time::Duration;

use super::{Genuine, Kept, Verifier, Weakness};

impl Verifier {
    pub(super) async fn spend(&self, genuine: &Genuine) -> bool {
        let Some(counter) = genuine.counter else { return true };
        let highest = |kept: &Kept| kept.counters.get(&genuine.cpu_id).copied();
        let shown = self.kept().shown.clone();
        let is_new = |seen: Option<(u64, u64)>| {
            let Some((highest, last)) = seen else { return true };
            match self.weakness {
                Weakness::CounterNotChecked | Weakness::SignatureRemembered => true,
                Weakness::EqualCounter => counter >= highest,
                Weakness::CounterAsDouble => as_double(counter) > as_double(highest),
                Weakness::CounterIn32Bits => u32::try_from(counter).is_ok() && counter > highest,
                Weakness::CounterPlusOne => counter == highest + 1,
                Weakness::CounterAsText => counter.to_string() > highest.to_string(),
                Weakness::CounterZeroIsNone => counter == 0 || counter > highest,
                Weakness::LastCounterOnly => counter != last,
                Weakness::CounterWindow => {
                    counter > highest
                        || (highest - counter <= 64 && !shown.contains(&(genuine.cpu_id.clone(), counter)))
                }
                Weakness::CounterLate => counter > highest || (8..=64).contains(&(highest - counter)),
                _ => counter > highest,
            }
        };
        let races = self.is(Weakness::CheckThenWrite) || self.is(Weakness::RaceBreaksOff);
        if races {
            let seen = highest(&self.kept());
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !is_new(seen) {
                return false;
            }
        }
        let mut kept = self.kept();
        let seen = highest(&kept);
        let accepted = races || is_new(seen);
        let before = seen.map_or(0, |(highest, _)| highest);
        let stored = match self.weakness {
            Weakness::LastCounterEvenIfRefused => counter,
            Weakness::StoredAsDouble => format!("{:.0}", as_double(before.max(counter))).parse().unwrap(),
            Weakness::StoredIn32Bits => before.max(counter).min(1 << 31),
            _ => before.max(counter),
        };
        if accepted || self.is(Weakness::LastCounterEvenIfRefused) {
            kept.counters.insert(genuine.cpu_id.clone(), (stored, counter));
            let highest = kept.results.entry(genuine.phone.clone()).or_default();
            *highest = (*highest).max(counter);
            kept.shown.insert((genuine.cpu_id.clone(), counter));
        }
        accepted
    }
}

/// The number as a program stores it that has only doubles.
fn as_double(counter: u64) -> f64 {
    counter.to_string().parse().unwrap()
}
