//! How phones are stored on disk: the storage of each one, and the state folder that contains them all.
//!
//! ```text
//! PATH/                    the state folder, mode 0700
//!   lock                   held by the one process that uses the folder; empty
//!   lock.owner             who holds the lock, for error messages of other processes
//!   phones.json            the normal world: which device is selected, and which are about to be removed
//!   phones/NAME.json       how a device is set; a device exists when it has this file
//!   wechat.db              the ledger of WeChat's servers: keys that phones have uploaded, counters that were seen;
//!                          next to it its log (-wal) and the number of changes in it (-mark)
//!   devices/NAME/          one device's secure world; absent until it is first touched
//!     root.key             32 raw bytes, the only secret that is not sealed
//!     tee.sealed           the TEE's sealed state
//!     rpmb.bin             the emulated RPMB partition: two slots
//! ```
//!
//! Files have mode 0600 and folders 0700 from the moment they exist. That is Unix; on Windows the access list of the
//! user's profile folder keeps other users out, so a state folder elsewhere is as private as its parent.
//!
//! **Crashes.** Everything except an RPMB slot changes by writing a new file and renaming it over the old one, so a
//! crash at any moment leaves the old or the new contents, complete. A slot is overwritten in place and may be torn;
//! that is why there are two.
//!
//! **Attackers.** Nothing here stops somebody who can write to the folder. If an older copy of a device's whole
//! folder is put back, the device is as it was then. A real RPMB is inside the flash chip; this one is a file.

mod disk;
mod document;
mod durable;
mod folder;
mod folder_error;
mod kept_authority;
mod lock;
mod lock_owner;
mod locked_storage;
mod name;
mod write_access;

pub use disk::{DiskStorage, MAX_FILE_BYTES};
pub use document::DocumentDefect;
pub use durable::FileAction;
pub use folder::StateFolder;
pub use folder_error::FolderError;
pub use kept_authority::kept_authority;
pub use lock_owner::LockOwner;
pub use locked_storage::LockedStorage;
pub use name::{DeviceName, DeviceNameError, MAX_NAME_BYTES};

#[cfg(test)]
pub(crate) use durable::crash;

#[cfg(test)]
mod contract_tests;
