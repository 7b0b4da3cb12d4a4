//! Keys that are made in advance, so that no command waits for the search for prime numbers.

use std::fmt;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use soter_tee::{KeyError, PrivateKey};
use tracing::debug;

/// A stock of unused random keys, which its own thread fills. Clones are the same stock; the thread ends after the
/// last clone is dropped.
///
/// Each key is handed out once. Phones that are made from a seed derive their keys and take none.
#[derive(Clone)]
pub(crate) struct KeyStock {
    keys: Arc<Mutex<Receiver<PrivateKey>>>,
}

impl KeyStock {
    /// A stock of this many keys. It is empty at first.
    pub(crate) fn new(keys: usize) -> Self {
        let (sender, keys) = sync_channel(keys);
        let fill = move || while PrivateKey::generate().is_ok_and(|key| sender.send(key).is_ok()) {};
        // A key that cannot be made ends the thread. `take` makes keys itself if there is no thread.
        if let Err(error) = thread::Builder::new().name("keys".to_owned()).spawn(fill) {
            debug!(%error, "keys are not made in advance");
        }
        Self { keys: Arc::new(Mutex::new(keys)) }
    }

    /// A key from the stock. If the stock is empty, a key is made now.
    ///
    /// # Errors
    /// [`KeyError::NotMade`] if the cryptographic library made no key.
    pub(crate) fn take(&self) -> Result<PrivateKey, KeyError> {
        let ready = self.keys.lock().unwrap_or_else(PoisonError::into_inner).try_recv();
        ready.or_else(|_| PrivateKey::generate())
    }
}

impl fmt::Debug for KeyStock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("KeyStock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(key: &PrivateKey) -> String {
        key.public().fingerprint()
    }

    #[test]
    fn no_key_is_issued_twice() {
        let stock = KeyStock::new(2);
        let other = stock.clone();
        let mut seen: Vec<_> = [&stock, &other, &stock, &other]
            .into_iter()
            .map(|stock| fingerprint(&stock.take().unwrap()))
            .collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }
}
