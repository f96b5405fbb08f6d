//! A certificate that is an authority's and that serves all the same, as `openssl req -x509` makes them. Go verifies it
//! like any other; `webpki` takes none whose basic constraints say that it is an authority. So it is shown a copy that
//! differs in this one bit, and whenever it verifies the signature over that copy, the signature is verified over the
//! certificate as it was signed. All other checks are made as of any certificate.

use rustls_pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::oid_registry::OID_X509_EXT_BASIC_CONSTRAINTS;

const TRUE: u8 = 0xff;
const FALSE: u8 = 0;

/// The copy, and what was signed.
pub(super) struct Leaf<'a> {
    copy: CertificateDer<'static>,
    /// Where what is signed stands in the copy.
    signed_at: std::ops::Range<usize>,
    signed: &'a [u8],
}

/// The copy of an authority's certificate; none of others, and of one that is not written in the usual way.
pub(super) fn as_leaf<'a>(
    certificate: &CertificateDer<'_>,
    parsed: &'a X509Certificate<'_>,
) -> Option<Leaf<'a>> {
    let constraints = parsed.extensions().iter().find(|held| held.oid == OID_X509_EXT_BASIC_CONSTRAINTS)?;
    // A sequence that begins with a boolean of one byte.
    let [0x30, _, 0x01, 0x01, TRUE, ..] = constraints.value else { return None };
    let signed: &[u8] = parsed.tbs_certificate.as_ref();
    let bit = offset(certificate, constraints.value)? + 4;
    let begin = offset(certificate, signed)?;
    let signed_at = begin..begin.checked_add(signed.len())?;
    let mut copy = certificate.to_vec();
    if !signed_at.contains(&bit) || copy.get(signed_at.clone()) != Some(signed) {
        return None;
    }
    *copy.get_mut(bit)? = FALSE;
    Some(Leaf { copy: copy.into(), signed_at, signed })
}

/// Where a part of a text begins in it.
fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    let begin = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (begin.checked_add(part.len())? <= whole.len()).then_some(begin)
}

impl Leaf<'_> {
    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.copy
    }

    /// The algorithms, for chains that begin with the copy.
    pub(super) fn algorithms<'a>(
        &'a self,
        algorithms: &'a [&'a dyn SignatureVerificationAlgorithm],
    ) -> Vec<OverOriginal<'a>> {
        let shown = self.copy.get(self.signed_at.clone()).unwrap_or_default();
        let over = |inner: &&'a dyn SignatureVerificationAlgorithm| OverOriginal {
            inner: *inner,
            shown,
            signed: self.signed,
        };
        algorithms.iter().map(over).collect()
    }
}

/// Verifies a signature over the copy as one over what was signed, and all others as they are.
#[derive(Debug)]
pub(super) struct OverOriginal<'a> {
    inner: &'a dyn SignatureVerificationAlgorithm,
    shown: &'a [u8],
    signed: &'a [u8],
}

impl SignatureVerificationAlgorithm for OverOriginal<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let message = if message == self.shown { self.signed } else { message };
        self.inner.verify_signature(public_key, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.inner.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.inner.fips()
    }
}
