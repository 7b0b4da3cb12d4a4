//! Where phones live on disk: the storage of each one, and the state folder that holds them all.
//!
//! ```text
//! PATH/                    the state folder, mode 0700
//!   lock                   held by the one process that uses the folder; empty
//!   lock.owner             who that is, for the other's error message
//!   phones.json            the normal world: which devices exist and how they are set
//!   wechat.db              the ledger of WeChat's servers: keys that phones have uploaded, counters that were shown
//!   devices/NAME/          one device's secure world; absent until it is first touched
//!     root.key             32 raw bytes, the one secret that stands unsealed
//!     tee.sealed           the TEE's sealed state
//!     rpmb.bin             the emulated RPMB partition: two slots
//! ```
//!
//! Files have mode 0600 and folders 0700 from the moment they exist. That is Unix; on Windows the access list of the
//! user's profile folder keeps other users out, so a state folder elsewhere is as private as its parent.
//!
//! **Crashes.** Everything but an RPMB slot changes by being written beside the old and renamed over it, so that a
//! crash at any instant leaves the old or the new, whole. A slot is overwritten in place and may be torn; that is
//! why there are two.
//!
//! **Attackers.** Nothing here stops someone who can write to the folder: an older copy of a device's folder that is
//! put back whole looks like the device did then. A real RPMB is inside the flash chip, this one is a file.

mod disk;
mod durable;
mod folder;
mod folder_error;
mod lock;
mod lock_owner;
mod name;
mod phones;

pub use disk::{DiskStorage, MAX_FILE_BYTES};
pub use folder::StateFolder;
pub use folder_error::FolderError;
pub use lock_owner::LockOwner;
pub use name::{DeviceName, DeviceNameError, MAX_NAME_BYTES};
pub use phones::{DocumentDefect, MAX_DOCUMENT_BYTES};

#[cfg(test)]
mod contract_tests;
