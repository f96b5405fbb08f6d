//! What a CertificateSigningRequest must look like.
//! k8s: pkg/apis/certificates/validation/validation.go, pkg/apis/core/validation/names.go
//!
//! The signature of a request is not checked.

use crate::codec::{base64, der, pem};
use crate::kinds::Facts;
use crate::kinds::metadata::validate_built_in;
use crate::kinds::validation::{Errors, Located};
use crate::value::names::{self, LABEL_BYTES, SUBDOMAIN_BYTES, dns_label, dns_subdomain};
use crate::value::quoted;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const USAGES: &[&str] = &[
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const LEAST_SECONDS: i64 = 600;

/// What an update may keep, since the stored request has it.
#[derive(Clone, Copy, Default)]
struct Kept {
    legacy_signer: bool,
    both_decisions: bool,
    duplicate_conditions: bool,
    unnamed_conditions: bool,
    certificate: bool,
    unknown_usages: bool,
    duplicate_usages: bool,
}

impl Kept {
    fn of(new: &Located<'_, '_>, old: &Located<'_, '_>) -> Self {
        let (spec, conditions) = (old.member("spec"), old.at(&["status", "conditions"]));
        let (new, held) = (new.at(&["status", "certificate"]), old.at(&["status", "certificate"]));
        let usages = spec.member("usages");
        let (mut seen, mut seen_usages) = (BTreeSet::new(), BTreeSet::new());
        let has = |kind: &str| count(old, kind) > 0;
        Self {
            legacy_signer: spec.member("signerName").text() == LEGACY_SIGNER,
            both_decisions: has("Approved") && has("Denied"),
            duplicate_conditions: !conditions.items().all(|item| seen.insert(item.member("type").text())),
            unnamed_conditions: has(""),
            certificate: new.text() == held.text() || certificate_problem(held.text()).is_some(),
            unknown_usages: usages.items().any(|usage| !USAGES.contains(&usage.text())),
            duplicate_usages: !usages.items().all(|usage| seen_usages.insert(usage.text())),
        }
    }
}

pub(super) fn validate(object: &Located<'_, '_>, _facts: &Facts<'_>, errors: &mut Errors) {
    validate_request(object, Kept::default(), errors);
}

/// Updates of the request itself, which change nothing but metadata.
pub(super) fn validate_update(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    validate_any_update(object, &old, errors);
    validate_no_new_decisions(object, &old, errors);
    validate_no_certificate(object, &old, errors);
}

/// Decisions are never taken back.
pub(super) fn validate_approval(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    validate_any_update(object, &old, errors);
    validate_no_certificate(object, &old, errors);
}

/// Decisions are made by the approval alone, and a certificate never changes.
pub(super) fn validate_status(object: &Located<'_, '_>, facts: &Facts<'_>, errors: &mut Errors) {
    let old = Located::root(facts.old);
    validate_any_update(object, &old, errors);
    validate_no_new_decisions(object, &old, errors);
    let (new, held) = (object.at(&["status", "certificate"]), old.at(&["status", "certificate"]));
    if !held.is_empty() && new.text() != held.text() {
        errors.forbidden(&new, "updates may not modify existing certificate content");
    }
}

fn validate_any_update(object: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    validate_built_in(object, false, names::any, errors);
    validate_request(object, Kept::of(object, old), errors);
    let conditions = object.at(&["status", "conditions"]);
    for kind in ["Approved", "Denied", "Failed"] {
        if count(object, kind) < count(old, kind) {
            let detail = format_args!("updates may not remove a condition of type \"{kind}\"");
            errors.forbidden(&conditions, detail);
        }
    }
}

fn validate_no_new_decisions(object: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let conditions = object.at(&["status", "conditions"]);
    for kind in ["Approved", "Denied"] {
        if count(object, kind) > count(old, kind) {
            errors.forbidden(&conditions, format_args!("updates may not add a condition of type \"{kind}\""));
        }
    }
}

fn validate_no_certificate(object: &Located<'_, '_>, old: &Located<'_, '_>, errors: &mut Errors) {
    let (new, held) = (object.at(&["status", "certificate"]), old.at(&["status", "certificate"]));
    if new.text() != held.text() {
        errors.forbidden(&new, "updates may not set certificate content");
    }
}

/// The number of conditions of a type.
fn count(object: &Located<'_, '_>, kind: &str) -> usize {
    let conditions = object.at(&["status", "conditions"]);
    conditions.items().filter(|condition| condition.member("type").text() == kind).count()
}

fn validate_request(object: &Located<'_, '_>, kept: Kept, errors: &mut Errors) {
    let spec = object.member("spec");
    let (request, usages, signer) =
        (spec.member("request"), spec.member("usages"), spec.member("signerName"));
    if let Some(problem) = request_problem(request.text()) {
        errors.invalid(&request, problem);
    }
    validate_usages(&usages, kept, errors);
    if !kept.legacy_signer && signer.text() == LEGACY_SIGNER {
        errors.invalid(&signer, "the legacy signerName is not allowed via this API version");
    } else {
        validate_signer_name(&signer, errors);
    }
    let seconds = spec.member("expirationSeconds");
    if seconds.int_if_set().is_some_and(|seconds| seconds < LEAST_SECONDS) {
        errors.invalid(&seconds, "may not specify a duration less than 600 seconds (10 minutes)");
    }
    let status = object.member("status");
    validate_conditions(&status.member("conditions"), kept, errors);
    let certificate = status.member("certificate");
    if let Some(problem) = certificate_problem(certificate.text()).filter(|_| !kept.certificate) {
        errors.invalid_value(&certificate, "<certificate data>", problem);
    }
}

fn validate_usages(usages: &Located<'_, '_>, kept: Kept, errors: &mut Errors) {
    if usages.is_empty() {
        errors.required(usages, "");
    }
    if !kept.unknown_usages {
        for usage in usages.items().filter(|usage| !USAGES.contains(&usage.text())) {
            errors.not_supported_text(&usage, USAGES);
        }
    }
    let mut seen = BTreeSet::new();
    for usage in usages.items() {
        if !kept.duplicate_usages && !seen.insert(usage.text()) {
            errors.duplicate_value(&usage, usage.text());
        }
    }
}

/// A domain, a slash and a path.
fn validate_signer_name(signer: &Located<'_, '_>, errors: &mut Errors) {
    let name = signer.text();
    if name.is_empty() {
        errors.required(signer, "");
        return;
    }
    let Some((domain, path)) = name.split_once('/').filter(|(_, path)| !path.contains('/')) else {
        let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        errors.invalid(signer, detail);
        return;
    };
    if domain.len() > SUBDOMAIN_BYTES {
        errors.too_long(signer, SUBDOMAIN_BYTES);
    }
    validate_parts(signer, domain, dns_label, errors);
    if !domain.contains('.') {
        errors.invalid_value(
            signer,
            domain,
            "should be a domain with at least two segments separated by dots",
        );
    }
    validate_parts(signer, path, dns_subdomain, errors);
    let most = SUBDOMAIN_BYTES + 1 + (SUBDOMAIN_BYTES + LABEL_BYTES + 1);
    if name.len() > most {
        errors.too_long(signer, most);
    }
}

/// What is wrong with the first bad part between dots.
fn validate_parts(
    signer: &Located<'_, '_>,
    text: &str,
    rule: fn(&str, bool) -> names::Problems,
    errors: &mut Errors,
) {
    let bad = text.split('.').map(|part| (part, rule(part, false))).find(|(_, found)| !found.is_empty());
    for (part, problem) in
        bad.into_iter().flat_map(|(part, found)| found.into_iter().map(move |one| (part, one)))
    {
        errors.invalid_value(signer, text, format_args!("validating label {}: {problem}", quoted(part)));
    }
}

fn validate_conditions(conditions: &Located<'_, '_>, kept: Kept, errors: &mut Errors) {
    let (mut approved, mut denied, mut seen) = (false, false, BTreeSet::new());
    for condition in conditions.items() {
        if errors.is_full() {
            return;
        }
        let (kind, status) = (condition.member("type"), condition.member("status"));
        if kind.is_empty() && !kept.unnamed_conditions {
            errors.required(&kind, "");
        }
        let decided = matches!(kind.text(), "Approved" | "Denied" | "Failed");
        let allowed: &[&str] = if decided { &["True"] } else { &["False", "True", "Unknown"] };
        if status.is_empty() {
            errors.required(&status, "");
        } else if !allowed.contains(&status.text()) {
            errors.not_supported_text(&status, allowed);
        }
        approved |= kind.text() == "Approved";
        denied |= kind.text() == "Denied";
        if !kept.both_decisions && approved && denied && matches!(kind.text(), "Approved" | "Denied") {
            let detail = "Approved and Denied conditions are mutually exclusive";
            errors.invalid_value(conditions, kind.text(), detail);
        }
        if !kept.duplicate_conditions && !seen.insert(kind.text()) {
            errors.duplicate_value(&kind, kind.text());
        }
    }
}

/// The text behind the base64 that bytes are stored as; bytes that make no text are replaced.
fn decoded(text: &str) -> String {
    let bytes = base64::decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is wrong with a PKCS #10 request in PEM.
fn request_problem(text: &str) -> Option<String> {
    request(text).and_then(|bytes| parse_request(&bytes).map(|_| ())).err()
}

/// The bytes of a request, out of its PEM in base64.
///
/// # Errors
/// It is no PEM of a request.
pub(super) fn request(text: &str) -> Result<Vec<u8>, String> {
    let text = decoded(text);
    let block =
        pem::next_block(&text).map(|(block, _)| block).filter(|block| block.label == "CERTIFICATE REQUEST");
    block.map(|block| block.bytes).ok_or_else(|| "PEM block type must be CERTIFICATE REQUEST".into())
}

/// Reads the outer form of a request: what is signed, how, and the signature. Returns the encoded subject.
///
/// # Errors
/// What Go says of other bytes.
pub(super) fn parse_request(bytes: &[u8]) -> Result<&[u8], String> {
    let (request, rest) = der::expect(bytes, der::SEQUENCE, "certificateRequest")?;
    let (signed, after) = der::expect(request.contents, der::SEQUENCE, "tbsCertificateRequest")?;
    let (algorithm, after) = der::expect(after, der::SEQUENCE, "AlgorithmIdentifier")?;
    der::expect(after, der::BIT_STRING, "BitString")?;
    der::expect(algorithm.contents, der::OBJECT_IDENTIFIER, "ObjectIdentifier")?;
    let (_, after) = der::expect(signed.contents, der::INTEGER, "int")?;
    let (subject, after) = der::expect(after, der::SEQUENCE, "RawValue")?;
    der::expect(after, der::SEQUENCE, "publicKeyInfo")?;
    if rest.is_empty() { Ok(subject.contents) } else { Err("asn1: syntax error: trailing data".into()) }
}

/// What is wrong with certificates in PEM; nothing is fine.
fn certificate_problem(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    let text = decoded(text);
    let (mut rest, mut blocks) = (text.as_str(), 0_usize);
    while let Some((block, after)) = pem::next_block(rest) {
        if block.label != "CERTIFICATE" {
            return Some(format!("only CERTIFICATE PEM blocks are allowed, found {}", quoted(&block.label)));
        }
        if block.has_headers {
            return Some("no PEM block headers are permitted".into());
        }
        blocks += 1;
        if block.bytes.is_empty() {
            return Some("found CERTIFICATE PEM block containing 0 certificates".into());
        }
        if let Some(problem) = certificates_problem(&block.bytes) {
            return Some(problem.to_string());
        }
        rest = after;
    }
    (blocks == 0).then(|| "must contain at least one CERTIFICATE PEM block".into())
}

/// What is wrong with the outer form of certificates that follow each other.
fn certificates_problem(bytes: &[u8]) -> Option<&'static str> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let is_sequence = |element: &der::Element<'_>| {
            (element.class, element.tag, element.is_compound) == (0, der::SEQUENCE, true)
        };
        let Some((certificate, after)) = der::any(rest).filter(|(element, _)| is_sequence(element)) else {
            return Some("x509: malformed certificate");
        };
        if !der::any(certificate.contents).is_some_and(|(element, _)| is_sequence(&element)) {
            return Some("x509: malformed tbs certificate");
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn names_of_signers_are_a_domain_and_a_path() {
        let longest = format!("{}.{}/{}", "a".repeat(63), "b".repeat(63), "c".repeat(253));
        let table = [
            ("example.com/a", ""),
            (longest.as_str(), ""),
            ("", "signerName: Required value"),
            (
                "example/a",
                "signerName: Invalid value: \"example\": should be a domain with at least two segments",
            ),
            ("a.b/c/d", "signerName: Invalid value: \"a.b/c/d\": must be a fully qualified domain and path"),
            (
                "a.B/c",
                "signerName: Invalid value: \"a.B\": validating label \"B\": a lowercase RFC 1123 label",
            ),
            (
                "a.b/",
                "signerName: Invalid value: \"\": validating label \"\": a lowercase RFC 1123 subdomain",
            ),
        ];
        for (name, wanted) in table {
            let mut object = Value::empty_map();
            object.set("signerName", name.into());
            let mut errors = Errors::new();
            validate_signer_name(&Located::root(&object).member("signerName"), &mut errors);
            let found = errors.summary().trim_start_matches('[').to_string();
            assert!(found.starts_with(wanted) && errors.is_empty() == wanted.is_empty(), "{name}: {found}");
        }
    }

    #[test]
    fn requests_and_certificates_are_pem() {
        let encoded = |text: &str| base64::encode(text.as_bytes());
        let block = |label: &str, bytes: &[u8]| {
            encoded(&format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", base64::encode(bytes)))
        };
        let tbs: &[u8] = &[0x30, 7, 2, 1, 0, 0x30, 0, 0x30, 0];
        let request: alloc::vec::Vec<u8> = [&[0x30, 16], tbs, &[0x30, 3, 6, 1, 42], &[3, 0]].concat();
        assert_eq!(request_problem(&block("CERTIFICATE REQUEST", &request)), None);
        let label = "PEM block type must be CERTIFICATE REQUEST";
        assert_eq!(request_problem(&block("CERTIFICATE", &request)).as_deref(), Some(label));
        assert_eq!(request_problem(&encoded("hi")).as_deref(), Some(label));
        let trailing = [request.as_slice(), &[0]].concat();
        let problem = request_problem(&block("CERTIFICATE REQUEST", &trailing));
        assert_eq!(problem.as_deref(), Some("asn1: syntax error: trailing data"));
        assert_eq!(certificate_problem(&block("CERTIFICATE", &request)), None);
        assert_eq!(certificate_problem(""), None);
        for (text, wanted) in [
            (encoded("hi"), "must contain at least one CERTIFICATE PEM block"),
            (block("KEY", &request), "only CERTIFICATE PEM blocks are allowed, found \"KEY\""),
            (block("CERTIFICATE", b"hi"), "x509: malformed certificate"),
        ] {
            assert_eq!(certificate_problem(&text).as_deref(), Some(wanted));
        }
    }
}
