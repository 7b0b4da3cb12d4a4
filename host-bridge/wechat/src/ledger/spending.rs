//! A result's counter that is to be spent, and what becomes of it.

/// A result's counter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spending {
    /// The device.
    pub(crate) cpu_id: String,
    /// The counter.
    pub(crate) counter: u64,
    /// The version of the keys with which the result was judged.
    pub(crate) version: u64,
}

/// What became of a result's counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpendOutcome {
    /// It is spent, durably.
    Spent,
    /// The device has other keys now, or is not known any more: the result must be judged again. Nothing is spent.
    KeysChanged,
    /// It is not greater than all earlier ones. Nothing is spent.
    NotGreater {
        /// The highest counter that the device has shown.
        highest: u64,
        /// Whether an earlier result had this counter.
        replayed: bool,
    },
}
