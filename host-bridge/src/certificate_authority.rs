//! A certificate authority of our own, so that clients can ask `https://api.weixin.qq.com` here.
//!
//! The authority is worth nothing elsewhere: its name says that it is emulated, it may vouch for WeChat's API hosts only
//! (name constraints, RFC 5280, 4.2.1.10), and nothing here installs it. A client trusts it because a person says so.

use std::fmt;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use soter_text::{Text, text};
use soter_wechat::API_HOSTS;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use zeroize::Zeroizing;

use crate::protocol::CommandError;

/// The common name of the authority.
const NAME: &str = "soter-sim emulated CA, for tests on this computer only";
/// How long certificates are valid.
const VALIDITY: Duration = Duration::from_hours(365 * 24);
/// How long before now they begin to be valid: clocks differ.
const BACKDATED: Duration = Duration::from_hours(24);

/// A certificate authority with its private key, an ECDSA key on P-256.
pub struct CertificateAuthority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    expires: SystemTime,
}

/// A server's certificate, and its private key.
pub(crate) struct ServerCertificate {
    pub(crate) certificate: CertificateDer<'static>,
    pub(crate) key: PrivateKeyDer<'static>,
}

/// Why a kept authority cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub enum BadAuthority {
    /// The text does not have a certificate, and its key where that is needed.
    NotPem,
    /// It was made by another version, or changed.
    Other,
    /// Its time is over, or has not come.
    Expired,
}

impl BadAuthority {
    /// What is wrong, in both languages.
    pub fn text(self) -> Text {
        match self {
            Self::NotPem => text!("it does not contain a certificate, or not the private key with it"),
            Self::Other => text!("it is not an authority that this version makes"),
            Self::Expired => text!("it is not valid at this time"),
        }
    }
}

impl CertificateAuthority {
    /// Makes an authority with another key than any before. It is valid for a year.
    ///
    /// # Errors
    /// `Internal` if the library refuses, which it does not for these values.
    pub fn generate() -> Result<Self, CommandError> {
        let key = KeyPair::generate().map_err(|error| refused(&error))?;
        let expires = SystemTime::now() + VALIDITY;
        let params = params_of_authority(expires);
        let certificate = params.self_signed(&key).map_err(|error| refused(&error))?;
        Ok(Self { certificate: certificate.der().clone(), issuer: Issuer::new(params, key), expires })
    }

    /// Reads an authority from the text of [`to_pem_with_key`](Self::to_pem_with_key).
    ///
    /// # Errors
    /// [`BadAuthority`] says why it cannot be used.
    pub fn from_pem_with_key(pem: &str) -> Result<Self, BadAuthority> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| BadAuthority::NotPem)?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| BadAuthority::NotPem)?;
        let key = KeyPair::try_from(&key).map_err(|_| BadAuthority::NotPem)?;
        let kept = Certificate::from_der(&certificate).map_err(|_| BadAuthority::NotPem)?;
        if kept.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes()
            != key.public_key_raw()
        {
            return Err(BadAuthority::Other);
        }
        let expires = check(&kept)?;
        Ok(Self { certificate, issuer: Issuer::new(params_of_authority(expires), key), expires })
    }

    /// Checks that a certificate, as DER, is one of an emulated authority of this version: it can vouch for WeChat's hosts alone.
    ///
    /// # Errors
    /// [`BadAuthority`] says what else it is.
    pub fn check_certificate(der: &[u8]) -> Result<(), BadAuthority> {
        check(&Certificate::from_der(der).map_err(|_| BadAuthority::NotPem)?).map(drop)
    }

    /// The certificate and the private key, as PEM. Secret.
    pub fn to_pem_with_key(&self) -> Zeroizing<String> {
        let key = Zeroizing::new(self.issuer.key().serialize_pem());
        Zeroizing::new(format!("{}{}", self.to_pem(), *key))
    }

    /// The certificate alone, as PEM: what clients trust.
    pub fn to_pem(&self) -> String {
        soter_wire::pem::encode("CERTIFICATE", &self.certificate)
    }

    /// The certificate alone, as DER.
    pub fn der(&self) -> &[u8] {
        &self.certificate
    }

    /// Makes a certificate for all of WeChat's hosts, which expires with the authority.
    pub(crate) fn issue(&self) -> Result<ServerCertificate, CommandError> {
        let key = KeyPair::generate().map_err(|error| refused(&error))?;
        let names: Vec<_> = API_HOSTS.map(str::to_owned).into();
        let mut params = CertificateParams::new(names).map_err(|error| refused(&error))?;
        params.distinguished_name = named("soter-sim emulated api.weixin.qq.com");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_validity(&mut params, self.expires);
        let certificate = params.signed_by(&key, &self.issuer).map_err(|error| refused(&error))?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(CommandError::defect)?;
        Ok(ServerCertificate { certificate: certificate.der().clone(), key })
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CertificateAuthority").finish_non_exhaustive()
    }
}

/// Checks a certificate of an authority, and returns when it expires.
fn check(certificate: &Certificate) -> Result<SystemTime, BadAuthority> {
    let key = KeyPair::generate().map_err(|_| BadAuthority::Other)?;
    let same_kind =
        params_of_authority(SystemTime::now()).self_signed(&key).map_err(|_| BadAuthority::Other)?;
    let same_kind = Certificate::from_der(same_kind.der()).map_err(|_| BadAuthority::Other)?;
    let (certificate, expected) = (certificate.tbs_certificate(), same_kind.tbs_certificate());
    if certificate.subject() != expected.subject()
        || common_extensions(certificate) != common_extensions(expected)
    {
        return Err(BadAuthority::Other);
    }
    let validity = certificate.validity();
    let now = SystemTime::now();
    let expires = validity.not_after.to_system_time();
    if now < validity.not_before.to_system_time() || expires <= now {
        return Err(BadAuthority::Expired);
    }
    Ok(expires)
}

/// The extensions that all authorities have in common: all but the identifier of the key.
fn common_extensions(certificate: &TbsCertificate) -> Vec<&Extension> {
    let extensions = certificate.extensions().map(Vec::as_slice).unwrap_or_default();
    extensions.iter().filter(|extension| extension.extn_id != SubjectKeyIdentifier::OID).collect()
}

fn params_of_authority(expires: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = named(NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: API_HOSTS.map(|host| GeneralSubtree::DnsName(host.to_owned())).into(),
        // A constraint on names does not constrain addresses.
        excluded_subtrees: [CidrSubnet::from_v4_prefix([0; 4], 0), CidrSubnet::from_v6_prefix([0; 16], 0)]
            .map(GeneralSubtree::IpAddress)
            .into(),
    });
    set_validity(&mut params, expires);
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn set_validity(params: &mut CertificateParams, expires: SystemTime) {
    params.not_before = (SystemTime::now() - BACKDATED).into();
    params.not_after = expires.into();
}

fn refused(error: &rcgen::Error) -> CommandError {
    CommandError::internal(text!("a certificate cannot be made: {error}", error = error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio_rustls::rustls::client::WebPkiServerVerifier;
    use tokio_rustls::rustls::client::danger::ServerCertVerifier;
    use tokio_rustls::rustls::crypto::aws_lc_rs;
    use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
    use tokio_rustls::rustls::{CertificateError, Error, RootCertStore};

    use super::*;

    #[test]
    fn an_authority_is_read_back_from_its_text() {
        let authority = CertificateAuthority::generate().unwrap();
        let text = authority.to_pem_with_key();
        let read = CertificateAuthority::from_pem_with_key(&text).unwrap();
        assert_eq!(read.to_pem(), authority.to_pem());
        assert_eq!(*read.to_pem_with_key(), *text);
    }

    #[test]
    fn the_certificate_alone_and_the_debug_output_have_no_key() {
        let authority = CertificateAuthority::generate().unwrap();
        assert!(!authority.to_pem().contains("PRIVATE"), "{}", authority.to_pem());
        assert_eq!(format!("{authority:?}"), "CertificateAuthority { .. }");
    }

    #[test]
    fn what_is_not_an_authority_of_this_version_is_refused() {
        let read = |text: &str| CertificateAuthority::from_pem_with_key(text).unwrap_err();
        let [one, other] = [(); 2].map(|()| CertificateAuthority::generate().unwrap());
        let key = |authority: &CertificateAuthority| authority.issuer.key().serialize_pem();
        assert_eq!(read(""), BadAuthority::NotPem);
        assert_eq!(read(&one.to_pem()), BadAuthority::NotPem);
        assert_eq!(read(&key(&one)), BadAuthority::NotPem);
        assert_eq!(read(&format!("{}{}", one.to_pem(), key(&other))), BadAuthority::Other);
        let mut unconstrained = params_of_authority(one.expires);
        unconstrained.name_constraints = None;
        let unconstrained = unconstrained.self_signed(one.issuer.key()).unwrap().pem();
        assert_eq!(read(&format!("{unconstrained}{}", key(&one))), BadAuthority::Other);
    }

    #[test]
    fn an_authority_whose_time_is_over_is_refused() {
        let authority = CertificateAuthority::generate().unwrap();
        let params = params_of_authority(SystemTime::now() - Duration::from_secs(1));
        let expired = params.self_signed(authority.issuer.key()).unwrap().pem();
        let text = format!("{expired}{}", authority.issuer.key().serialize_pem());
        assert_eq!(CertificateAuthority::from_pem_with_key(&text).unwrap_err(), BadAuthority::Expired);
    }

    #[test]
    fn the_authority_cannot_vouch_for_other_hosts_nor_for_addresses() {
        let authority = CertificateAuthority::generate().unwrap();
        for name in API_HOSTS {
            assert_eq!(checked(&authority, name), Ok(()), "{name}");
        }
        for name in ["weixin.qq.com", "qq.com", "localhost", "127.0.0.1", "::1"] {
            assert_eq!(checked(&authority, name), Err("NameConstraintViolation".to_owned()), "{name}");
        }
    }

    /// What a client says of a certificate for this name that the authority has signed.
    fn checked(authority: &CertificateAuthority, name: &str) -> Result<(), String> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.clone()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let client = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server = params.signed_by(&KeyPair::generate().unwrap(), &authority.issuer).unwrap();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        match client.verify_server_cert(server.der(), &[], &name, &[], UnixTime::now()) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(CertificateError::Other(why))) => Err(why.to_string()),
            Err(error) => panic!("{error:?}"),
        }
    }
}
