//! The emulated RPMB (replay-protected memory block): two authenticated slots, written alternately.
//!
//! A slot, all numbers little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | sequence: incremented by every write; of the valid slots, the one with the higher sequence counts |
//! | 8..16 | counter limit: the highest counter value that may have been used |
//! | 16..24 | storage version: the version of the sealed state that belongs to it |
//! | 24..32 | zero |
//! | 32..64 | HMAC-SHA-256 over the above |
//!
//! There are two slots so that a write torn by a power cut leaves the other slot valid. On a disk both are in one
//! sector, which drives write completely or not at all. A drive that loses a sector loses both slots, and the phone
//! then does not start.

use ring::hmac;

use crate::storage::{RpmbSlot, SLOT_BYTES};

/// Bytes that the tag authenticates.
const CONTENT_BYTES: usize = 32;

/// The content of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) sequence: u64,
    pub(crate) counter_limit: u64,
    pub(crate) storage_version: u64,
}

impl Slot {
    pub(crate) fn encode(&self, key: &hmac::Key) -> [u8; SLOT_BYTES] {
        let mut bytes = [0; SLOT_BYTES];
        bytes[0..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.counter_limit.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.storage_version.to_le_bytes());
        let (content, tag) = bytes.split_at_mut(CONTENT_BYTES);
        tag.copy_from_slice(hmac::sign(key, content).as_ref());
        bytes
    }

    /// The slot, if it authenticates.
    fn decode(bytes: &[u8], key: &hmac::Key) -> Option<Self> {
        let (content, tag) = bytes.split_at_checked(CONTENT_BYTES)?;
        hmac::verify(key, content, tag).ok()?;
        let number = |at: usize| -> Option<u64> {
            Some(u64::from_le_bytes(content.get(at..at + 8)?.try_into().ok()?))
        };
        Some(Self { sequence: number(0)?, counter_limit: number(8)?, storage_version: number(16)? })
    }
}

/// Finds the newest valid slot of a partition; `None` if neither authenticates or the size is wrong.
pub(crate) fn newest(partition: &[u8], key: &hmac::Key) -> Option<(RpmbSlot, Slot)> {
    if partition.len() != 2 * SLOT_BYTES {
        return None;
    }
    [RpmbSlot::First, RpmbSlot::Second]
        .into_iter()
        .filter_map(|position| {
            let bytes = partition.get(position.offset()..position.offset() + SLOT_BYTES)?;
            Some((position, Slot::decode(bytes, key)?))
        })
        .max_by_key(|(_, slot)| slot.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, b"key")
    }

    fn slot(sequence: u64) -> Slot {
        Slot { sequence, counter_limit: 10 * sequence, storage_version: 100 * sequence }
    }

    fn partition(first: u64, second: u64) -> Vec<u8> {
        [slot(first).encode(&key()), slot(second).encode(&key())].concat()
    }

    #[test]
    fn the_slot_with_the_higher_sequence_is_the_newest() {
        assert_eq!(newest(&partition(1, 2), &key()), Some((RpmbSlot::Second, slot(2))));
        assert_eq!(newest(&partition(3, 2), &key()), Some((RpmbSlot::First, slot(3))));
    }

    #[test]
    fn a_flipped_bit_invalidates_only_its_own_slot() {
        let intact = partition(1, 2);
        for bit in 0..intact.len() * 8 {
            let mut flipped = intact.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let expected =
                if bit / 8 < SLOT_BYTES { (RpmbSlot::Second, slot(2)) } else { (RpmbSlot::First, slot(1)) };
            assert_eq!(newest(&flipped, &key()), Some(expected), "bit {bit}");
        }
    }

    #[test]
    fn a_partition_of_another_key_or_size_has_no_slot() {
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"other");
        assert_eq!(newest(&partition(1, 2), &other), None);
        for length in 0..2 * SLOT_BYTES {
            assert_eq!(newest(&partition(1, 2)[..length], &key()), None);
        }
        assert_eq!(newest(&[partition(1, 2), vec![0]].concat(), &key()), None);
    }
}
