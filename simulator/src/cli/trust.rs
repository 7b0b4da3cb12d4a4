//! What programs need to reach WeChat's hosts here, and to trust the emulated certificate authority: a few files, and the
//! variables that name them.
//!
//! ```text
//!   ca.pem        the authority alone            Node, which adds it to its own
//!   bundle.pem    the system's roots, and it     programs whose variable replaces the list: OpenSSL, Go, Python's requests
//!   java.jks      the same for Java
//!   php/*.ini     PHP's settings that name the bundle
//! ```

mod java_key_store;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use rustls_native_certs::{CertificateResult, load_certs_from_paths, load_native_certs};
use soter_bridge::protocol::CommandError;
use soter_bridge::{CertificateAuthority, visible};
use soter_text::{Text, text, tr};
use soter_wire::pem;

use super::proxies;
use crate::files::write_file;

/// The certificate of the authority alone.
pub(super) const CA: &str = "ca.pem";
const BUNDLE: &str = "bundle.pem";
const JAVA: &str = "java.jks";
const PHP: &str = "php";
const PHP_SETTINGS: &str = "soter-sim.ini";

/// Variables in which a person names certificates to trust. These belong into the bundle.
const OWN_BUNDLES: [&str; 3] = [NODE_EXTRA_CA_CERTS, "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];
const NODE_EXTRA_CA_CERTS: &str = "NODE_EXTRA_CA_CERTS";
const PHP_INI_SCAN_DIR: &str = "PHP_INI_SCAN_DIR";
const JAVA_TOOL_OPTIONS: &str = "JAVA_TOOL_OPTIONS";

/// The files, in a folder.
#[derive(Debug)]
pub(super) struct TrustFiles {
    folder: PathBuf,
    /// What could not be taken into the bundle, a line each.
    pub(super) remarks: Vec<String>,
}

impl TrustFiles {
    /// Writes the files into a folder that exists; its path is absolute, because the variables have it.
    ///
    /// # Errors
    /// `InvalidParams` if the path has a character that programs do not read in their variables, `Environment` if a file
    /// cannot be written.
    pub(super) fn write(folder: &Path, authority: &[u8]) -> Result<Self, CommandError> {
        check_path(folder)?;
        let (mut trusted, mut remarks) = trusted_by_the_system();
        remarks.extend(proxies::left_out());
        if own(JAVA_TOOL_OPTIONS)
            .is_some_and(|options| options.to_string_lossy().contains("javax.net.ssl.trustStore="))
        {
            remarks.push(
                tr!("the trust store of your JAVA_TOOL_OPTIONS is replaced for this command; name its certificates in NODE_EXTRA_CA_CERTS as well, as PEM, if Java needs them"),
            );
        }
        trusted.push(authority.to_owned());
        let bundle: String = trusted.iter().map(|der| pem::encode("CERTIFICATE", der)).collect();
        write_file(&folder.join(CA), pem::encode("CERTIFICATE", authority).as_bytes())?;
        write_file(&folder.join(BUNDLE), bundle.as_bytes())?;
        write_file(&folder.join(JAVA), &java_key_store::encode(&trusted))?;
        let files = Self { folder: folder.to_owned(), remarks };
        let (php, bundle) = (files.folder.join(PHP), files.folder.join(BUNDLE));
        fs::create_dir_all(&php).map_err(|error| {
            CommandError::environment(
                text!("the folder {php} cannot be made: {error}", php = php.display(), error = error),
                text!("check the folder above it, its permissions and the free space"),
            )
        })?;
        let bundle = bundle.display();
        let settings = format!("curl.cainfo=\"{bundle}\"\nopenssl.cafile=\"{bundle}\"\n");
        write_file(&php.join(PHP_SETTINGS), settings.as_bytes())?;
        Ok(files)
    }

    /// The variables for programs that ask a server at this address, a host with a port. What a person has set stays, where it
    /// can.
    pub(super) fn variables(&self, server: &str) -> Vec<(&'static str, OsString)> {
        let path = |name: &str| self.folder.join(name).into_os_string();
        let proxy = format!("http://{server}");
        let extra = if own(NODE_EXTRA_CA_CERTS).is_some() { BUNDLE } else { CA };
        // An empty part of the list is the folder that PHP was built with.
        let php_folders = own(PHP_INI_SCAN_DIR).unwrap_or_default();
        let mut variables: Vec<_> = proxies::exceptions_of_own_proxy().into();
        variables.extend([
            ("HTTPS_PROXY", proxy.clone().into()),
            ("https_proxy", proxy.into()),
            (NODE_EXTRA_CA_CERTS, path(extra)),
            // Node 24, and 22 from 22.21 on.
            ("NODE_USE_ENV_PROXY", "1".into()),
            ("REQUESTS_CA_BUNDLE", path(BUNDLE)),
            ("CURL_CA_BUNDLE", path(BUNDLE)),
            // OpenSSL, and so Python's ssl; Go on Linux; rustls with the system's roots.
            ("SSL_CERT_FILE", path(BUNDLE)),
            (JAVA_TOOL_OPTIONS, joined(own(JAVA_TOOL_OPTIONS), " ", self.java_options(server))),
            (PHP_INI_SCAN_DIR, joined(Some(php_folders), if cfg!(windows) { ";" } else { ":" }, path(PHP))),
        ]);
        variables
    }

    fn java_options(&self, server: &str) -> OsString {
        let (host, port) = server.rsplit_once(':').unwrap_or((server, "80"));
        let (exceptions, password) = (proxies::java_exceptions(), java_key_store::PASSWORD);
        // Quotes: the path may have spaces. A person may have set the password of another store.
        let mut options = OsString::from(format!(
            "-Dhttps.proxyHost={host} -Dhttps.proxyPort={port} {exceptions} -Djavax.net.ssl.trustStoreType=JKS \
             -Djavax.net.ssl.trustStorePassword={password} \"-Djavax.net.ssl.trustStore="
        ));
        options.push(self.folder.join(JAVA));
        options.push("\"");
        options
    }

    /// The files, each with what it is for.
    pub(super) fn list() -> [(PathBuf, Text); 4] {
        [
            (CA.into(), text!("the certificate of the emulated CA")),
            (BUNDLE.into(), text!("the certificates that the system trusts, and it")),
            (JAVA.into(), text!("the same for Java")),
            ([PHP, PHP_SETTINGS].iter().collect(), text!("PHP's settings that name the bundle")),
        ]
    }
}

/// Checks that programs read the path as it is: PHP's settings know `${…}`, Java's options have quotes, lists of folders
/// have colons.
fn check_path(folder: &Path) -> Result<(), CommandError> {
    let cannot_be_read = |character: char| {
        matches!(character, '"' | '$') || character.is_control() || (cfg!(unix) && character == ':')
    };
    if folder.to_str().is_some_and(|path| !path.contains(cannot_be_read)) {
        return Ok(());
    }
    Err(CommandError::invalid_params(
        text!(
            "programs cannot read the path {folder} in their variables",
            folder = visible(&folder.to_string_lossy())
        ),
        text!(
            "choose a folder whose path is UTF-8 without quotes, colons, dollar signs and line breaks; TMPDIR names that of `exec`"
        ),
    ))
}

/// What a person has set.
fn own(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// A value with more behind it.
fn joined(value: Option<OsString>, separator: &str, more: OsString) -> OsString {
    let Some(mut value) = value else { return more };
    value.push(separator);
    value.push(more);
    value
}

/// The certificates that programs trust without us, as DER, each once; and what could not be read.
fn trusted_by_the_system() -> (Vec<Vec<u8>>, Vec<String>) {
    let mut remarks = Vec::new();
    let mut found = Vec::new();
    let bundles = OWN_BUNDLES.iter().filter_map(|name| Some((*name, own(name)?)));
    let bundles = bundles.map(|(name, path)| {
        let path = Path::new(&path);
        let (file, folder) = if path.is_dir() { (None, Some(path)) } else { (Some(path), None) };
        (Text::verbatim(name), load_certs_from_paths(file, folder))
    });
    for (place, CertificateResult { certs, errors, .. }) in
        [(text!("the system"), load_native_certs())].into_iter().chain(bundles)
    {
        if certs.is_empty() {
            let why = errors
                .first()
                .map_or_else(|| text!("there are none"), |error| Text::verbatim(error.to_string()));
            remarks.push(tr!("no trusted certificates from {place} ({why}), so programs may refuse other hosts; let the variable name a file with certificates as PEM", place = place, why = why));
        }
        found.extend(certs.iter().map(|certificate| certificate.to_vec()));
    }
    let mut seen = std::collections::HashSet::new();
    // The variables may name the files of an earlier run, with its authority.
    found.retain(|der| seen.insert(der.clone()) && CertificateAuthority::check_certificate(der) != Ok(()));
    (found, remarks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundle_has_the_authority_beside_what_the_system_trusts() {
        let folder = tempfile::tempdir().unwrap();
        TrustFiles::write(folder.path(), b"authority").unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let (ca, bundle) = (read(CA), read(BUNDLE));
        assert_eq!(ca, "-----BEGIN CERTIFICATE-----\nYXV0aG9yaXR5\n-----END CERTIFICATE-----\n");
        assert!(bundle.ends_with(&ca));
        let (system, _) = trusted_by_the_system();
        assert_eq!(bundle.matches("BEGIN").count(), system.len() + 1);
        for (file, _) in TrustFiles::list() {
            assert!(folder.path().join(&file).is_file(), "{}", file.display());
        }
    }

    #[test]
    fn the_variables_name_files_that_exist_and_the_server() {
        let folder = tempfile::tempdir().unwrap();
        let files = TrustFiles::write(folder.path(), b"authority").unwrap();
        let variables = files.variables("127.0.0.1:8777");
        let value = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name).unwrap();
            found.1.to_str().unwrap().to_owned()
        };
        assert_eq!(value("HTTPS_PROXY"), "http://127.0.0.1:8777");
        assert!(value("NO_PROXY").contains("127.0.0.1,localhost"));
        for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", NODE_EXTRA_CA_CERTS] {
            assert!(Path::new(&value(name)).is_file(), "{name}");
        }
        assert!(value("JAVA_TOOL_OPTIONS").contains("-Dhttps.proxyPort=8777"));
        assert!(value("PHP_INI_SCAN_DIR").contains(':'));
    }
}
