//! The certificate authority that a person wants to keep, with its private key, in the state folder.

use std::path::Path;

use soter_bridge::CertificateAuthority;

use super::durable;
use super::folder::StateFolder;
use super::folder_error::FolderError;

const FILE: &str = "emulated-ca.pem";
/// A certificate and a key are far smaller.
const MAX_BYTES: u64 = 64 << 10;

/// The authority that the state folder of this path keeps; `None` if it keeps none. Takes no lock: the file is replaced
/// in one step.
///
/// # Errors
/// [`FolderError::File`] if the file cannot be read, [`FolderError::Authority`] if it cannot be used. It stays as it is.
pub fn kept_authority(folder: &Path) -> Result<Option<CertificateAuthority>, FolderError> {
    let path = folder.join(FILE);
    let Some(bytes) = durable::read_file(&path, MAX_BYTES)?.map(zeroize::Zeroizing::new) else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    CertificateAuthority::from_pem_with_key(text)
        .map(Some)
        .map_err(|defect| FolderError::Authority { path, defect })
}

impl StateFolder {
    /// Keeps an authority, in place of the one before. Only its owner may read the file.
    ///
    /// # Errors
    /// [`FolderError::File`] if the disk fails; the authority before is kept, or this one. [`FolderError::Replaced`] if
    /// another folder is at this path; nothing was changed.
    pub fn keep_authority(&self, authority: &CertificateAuthority) -> Result<(), FolderError> {
        self.replace(&self.path().join(FILE), authority.to_pem_with_key().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_kept_for_its_owner_alone_and_read_without_the_lock() {
        let place = tempfile::tempdir().unwrap();
        assert!(kept_authority(place.path()).unwrap().is_none());
        let folder = StateFolder::open(place.path()).unwrap();
        let authority = CertificateAuthority::generate().unwrap();
        folder.keep_authority(&authority).unwrap();
        let kept = kept_authority(place.path()).unwrap().unwrap();
        assert_eq!(*kept.to_pem_with_key(), *authority.to_pem_with_key());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(place.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_is_not_an_authority_is_refused_with_a_remedy_and_stays() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(FILE);
        let long = vec![b'x'; 70_000];
        for content in [&b""[..], b"x", b"\xff", &long] {
            std::fs::write(&path, content).unwrap();
            let error = kept_authority(place.path()).unwrap_err();
            assert!(error.remedy().english().contains(&path.display().to_string()), "{:?}", error.remedy());
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
    }
}
