//! Chains that Go believes, and those that it does not: with certificates of authorities that serve, in particular.

use super::*;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, PKCS_ED25519, SigningKey as _,
};
use rustls::client::danger::ServerCertVerifier as _;
use rustls_pki_types::ServerName;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate with what is needed to issue others by it.
struct Made {
    der: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// What a certificate is to say: valid since yesterday until tomorrow.
fn params(common_name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + DAY).into();
    params
}

fn authority(common_name: &str, names: &[&str]) -> CertificateParams {
    let mut params = params(common_name, names);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// With usages of its key that do not contain that of signing others.
fn no_signer(mut params: CertificateParams) -> CertificateParams {
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

/// A certificate that the issuer has signed, or its own key.
fn made(params: CertificateParams, by: Option<&Made>) -> Made {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let certificate = match by {
        Some(issuer) => params.signed_by(&key, &issuer.issuer),
        None => params.self_signed(&key),
    };
    let der = certificate.expect("a certificate").der().clone();
    Made { der, issuer: Issuer::new(params, key) }
}

fn trusting(trusted: &[&Made]) -> Authorities {
    let mut authorities = Authorities::new(Arc::new(crate::tls::provider()));
    for one in trusted {
        authorities.add(&one.der).expect("a certificate");
    }
    authorities
}

/// What is said to a server that shows these certificates, its own first, when it is called by a name.
fn said_at(now: SystemTime, trusted: &[&Made], shown: &[&CertificateDer<'static>], name: &str) -> String {
    let verifier = ServerVerifier::new(trusting(trusted));
    let now = UnixTime::since_unix_epoch(now.duration_since(SystemTime::UNIX_EPOCH).expect("a time"));
    let others: Vec<_> = shown.iter().skip(1).map(|one| (*one).clone()).collect();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    match verifier.verify_server_cert(shown[0], &others, &name, &[], now) {
        Ok(_) => "believed".into(),
        Err(rustls::Error::InvalidCertificate(rustls::CertificateError::Other(why))) => why.to_string(),
        Err(other) => panic!("{other}"),
    }
}

fn said(trusted: &[&Made], shown: &[&Made], name: &str) -> String {
    let shown: Vec<_> = shown.iter().map(|one| &one.der).collect();
    said_at(SystemTime::now(), trusted, &shown, name)
}

#[test]
fn an_authority_may_serve() {
    let own = made(authority("hook", &["hook.test", "127.0.0.1"]), None);
    let namesake = made(authority("hook", &["hook.test"]), None);
    let root = made(authority("root", &[]), None);
    let issued = made(authority("hook", &["hook.test"]), Some(&root));
    let middle = made(authority("middle", &[]), Some(&root));
    let below = made(authority("hook", &["*.hook.test"]), Some(&middle));
    let plain = made(params("hook", &["hook.test"]), Some(&middle));

    assert_eq!(said(&[&own], &[&own], "hook.test"), "believed");
    assert_eq!(said(&[&own], &[&own], "127.0.0.1"), "believed");
    assert_eq!(said(&[&root, &own], &[&own], "hook.test"), "believed");
    assert_eq!(said(&[&root], &[&issued], "hook.test"), "believed");
    assert_eq!(said(&[&root], &[&below, &middle], "a.hook.test"), "believed");
    assert_eq!(said(&[&middle], &[&below], "a.hook.test"), "believed");
    assert_eq!(said(&[&root], &[&plain, &middle], "hook.test"), "believed");

    for (trusted, shown) in [
        (&[&root][..], &[&own][..]),
        (&[&namesake], &[&own]),
        (&[], &[&own]),
        (&[&own], &[&issued]),
        (&[&root], &[&below]),
        (&[&own], &[&below, &middle]),
    ] {
        let name = if std::ptr::eq(shown[0], &below) { "a.hook.test" } else { "hook.test" };
        assert_eq!(said(trusted, shown, name), UNKNOWN);
    }
}

#[test]
fn the_name_must_be_that_of_the_server() {
    let own = made(authority("common.test", &["hook.test", "b.test"]), None);
    let address = made(authority("common.test", &["127.0.0.1", "::1"]), None);
    let nameless = made(authority("common.test", &[]), None);
    for (one, name, expected) in [
        (&own, "other.test", "certificate is valid for hook.test, b.test, not other.test"),
        (&own, "a.hook.test", "certificate is valid for hook.test, b.test, not a.hook.test"),
        (&own, "common.test", "certificate is valid for hook.test, b.test, not common.test"),
        (
            &own,
            "127.0.0.1",
            "cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs",
        ),
        (&address, "127.0.0.2", "certificate is valid for 127.0.0.1, ::1, not 127.0.0.2"),
        (&address, "a.test", "certificate is not valid for any names, but wanted to match a.test"),
        (&nameless, "common.test", "certificate relies on legacy Common Name field, use SANs instead"),
        (&nameless, "a.test", "certificate is not valid for any names, but wanted to match a.test"),
    ] {
        assert_eq!(said(&[one], &[one], name), expected);
    }
}

#[test]
fn everybody_in_a_chain_must_be_valid_at_the_time() {
    let root = made(authority("root", &[]), None);
    let brief = |common_name, names: &[&str]| {
        let mut params = authority(common_name, names);
        params.not_after = (SystemTime::now() - Duration::from_secs(60)).into();
        params
    };
    let (expired, expired_root) = (made(brief("hook", &["hook.test"]), None), made(brief("old", &[]), None));
    let expired_middle = made(brief("middle", &[]), Some(&root));
    let under_root = made(params("hook", &["hook.test"]), Some(&expired_root));
    let under_middle = made(authority("hook", &["hook.test"]), Some(&expired_middle));
    let own = made(authority("hook", &["hook.test"]), None);
    for (trusted, shown) in [
        (&expired, &[&expired][..]),
        (&expired_root, &[&under_root]),
        (&root, &[&under_middle, &expired_middle]),
    ] {
        let told = said(&[trusted], shown, "hook.test");
        assert!(told.starts_with("certificate has expired or is not yet valid: current time 2"), "{told}");
        assert!(told.contains("Z is after 2") && told.ends_with('Z'), "{told}");
    }
    let early = said_at(SystemTime::now() - 2 * DAY, &[&own], &[&own.der], "hook.test");
    assert!(early.contains("Z is before 2"), "{early}");
}

#[test]
fn only_authorities_that_may_sign_do() {
    let root = made(authority("root", &[]), None);
    let no_authority = made(params("root", &[]), None);
    let no_usage = made(no_signer(authority("root", &[])), None);
    for issuer in [&no_authority, &no_usage] {
        for issued in [params("hook", &["hook.test"]), authority("hook", &["hook.test"])] {
            assert_eq!(said(&[issuer], &[&made(issued, Some(issuer))], "hook.test"), UNKNOWN);
        }
        let middle = made(issuer.params_again(), Some(&root));
        let below = made(authority("hook", &["hook.test"]), Some(&middle));
        assert_ne!(said(&[&root], &[&below, &middle], "hook.test"), "believed");
        // One that is trusted itself need not be an authority.
        assert_eq!(said(&[&below], &[&below], "hook.test"), "believed");
    }
    let mut last = params("last", &[]);
    last.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let last = made(last, None);
    let direct = made(authority("hook", &["hook.test"]), Some(&last));
    let middle = made(authority("middle", &[]), Some(&last));
    let below = made(authority("hook", &["hook.test"]), Some(&middle));
    assert_eq!(said(&[&last], &[&direct], "hook.test"), "believed");
    assert_eq!(said(&[&last], &[&below, &middle], "hook.test"), TOO_MANY);
}

impl Made {
    /// What this certificate says about its right to sign, for another one.
    fn params_again(&self) -> CertificateParams {
        let (_, parsed) = X509Certificate::from_der(&self.der).expect("a certificate");
        match parsed.key_usage().expect("a usage") {
            None => params("middle", &[]),
            Some(_) => no_signer(authority("middle", &[])),
        }
    }
}

#[test]
fn usages_and_constraints_on_names_hold_for_authorities_that_serve() {
    let limited = |usages: &[ExtendedKeyUsagePurpose], mut params: CertificateParams| {
        params.extended_key_usages = usages.to_vec();
        params
    };
    let (client, server, any) = (
        &[ExtendedKeyUsagePurpose::ClientAuth][..],
        &[ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth][..],
        &[ExtendedKeyUsagePurpose::Any][..],
    );
    let root = made(authority("root", &[]), None);
    for (usages, expected) in [(client, NOT_USABLE), (server, "believed"), (any, "believed")] {
        let own = made(limited(usages, authority("hook", &["hook.test"])), None);
        assert_eq!(said(&[&own], &[&own], "hook.test"), expected);
        let issued = made(limited(usages, authority("hook", &["hook.test"])), Some(&root));
        assert_eq!(said(&[&root], &[&issued], "hook.test"), expected);
        let limited_root = made(limited(usages, authority("limited", &[])), None);
        let below = made(authority("hook", &["hook.test"]), Some(&limited_root));
        assert_eq!(said(&[&limited_root], &[&below], "hook.test"), expected);
    }
    let mut constrained = authority("constrained", &[]);
    constrained.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("inner.test".into())],
        excluded_subtrees: Vec::new(),
    });
    let constrained = made(constrained, Some(&root));
    for (name, is_permitted) in [("a.inner.test", true), ("hook.test", false)] {
        let issued = made(authority("hook", &[name]), Some(&constrained));
        for trusted in [&root, &constrained] {
            let told = said(&[trusted], &[&issued, &constrained], name);
            assert_eq!(told == "believed", is_permitted, "{told}");
        }
    }
}

#[test]
fn nothing_but_what_was_signed_is_believed() {
    let root = made(authority("root", &[]), None);
    let issued = made(authority("hook", &["hook.test"]), Some(&root));
    let (_, parsed) = X509Certificate::from_der(&issued.der).expect("a certificate");
    let copy = leaf::as_leaf(&issued.der, &parsed).expect("a copy").certificate().clone();
    let bits = |one: &CertificateDer<'_>, other: &CertificateDer<'_>| -> u32 {
        one.iter().zip(other.iter()).map(|(one, other)| (one ^ other).count_ones()).sum()
    };
    assert_eq!(bits(&copy, &issued.der), 8, "one byte, 255 and 0");
    let told = |der: &CertificateDer<'static>| said_at(SystemTime::now(), &[&root], &[der], "hook.test");
    assert_eq!(told(&issued.der), "believed");
    assert_eq!(told(&copy), UNKNOWN, "the authority has not signed the copy");

    // The other way round: what was signed is no authority's, and what is shown is.
    let signed = parsed.tbs_certificate.as_ref();
    let begin = signed.as_ptr().addr() - issued.der.as_ptr().addr();
    let signature = root.issuer.key().sign(&copy[begin..begin + signed.len()]).expect("a signature");
    let tail = |der: &CertificateDer<'_>| {
        let mut der = der.to_vec();
        let kept = der.len() - signature.len();
        der.truncate(kept);
        der.extend_from_slice(&signature);
        CertificateDer::from(der)
    };
    assert_eq!(told(&tail(&copy)), "believed");
    assert_eq!(told(&tail(&issued.der)), UNKNOWN);

    let mut changed = issued.der.to_vec();
    let name = changed.windows(9).position(|part| part == b"hook.test").expect("the name");
    changed[name] = b'b';
    let told = said_at(SystemTime::now(), &[&root], &[&changed.into()], "book.test");
    assert_eq!(told, UNKNOWN);
}

#[test]
fn a_client_may_be_an_authority_below_another() {
    let root = made(authority("root", &[]), None);
    let middle = made(authority("middle", &[]), Some(&root));
    let client = made(authority("alice", &[]), Some(&middle));
    let verify = |trusted: &[&Made], shown: &Made, others: &[&Made]| {
        let others: Vec<_> = others.iter().map(|one| one.der.clone()).collect();
        trusting(trusted).verify(&shown.der, &others, UnixTime::now(), Usage::Client)
    };
    assert_eq!(verify(&[&root], &client, &[&middle]), Ok(()));
    assert_eq!(verify(&[&client], &client, &[]), Ok(()));
    assert_eq!(verify(&[&root], &client, &[]), Err(UNKNOWN.into()));
}
