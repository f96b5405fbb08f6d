//! The keys of an issuer, as JSON Web Keys.
//! Go: github.com/go-jose/go-jose jwk.go

use crate::codec::base64;
use crate::config::{Curve, PublicKey, TokenAlgorithm};
use crate::limits;
use crate::value::Value;
use alloc::vec::Vec;
use bytes::Bytes;

/// The keys of a set that may have signed a token with this id of its key, which is empty when the token names none.
/// Keys of other kinds, and keys that cannot be read, are passed over.
pub(super) fn find(set: &Value, id: &str, algorithm: TokenAlgorithm) -> Vec<PublicKey> {
    let listed = set.field("keys").and_then(Value::as_list).unwrap_or_default();
    let fitting = listed.iter().filter(|key| id.is_empty() || key.text_at(&["kid"]) == id);
    fitting.filter_map(key).filter(|key| signs(key, algorithm)).take(limits::TOKEN_KEYS).collect()
}

fn key(listed: &Value) -> Option<PublicKey> {
    // A key that is for encryption only must not be believed when it signs.
    if !matches!(listed.text_at(&["use"]), "" | "sig") {
        return None;
    }
    let number = |field: &str| base64::decode_url(listed.text_at(&[field]));
    match listed.text_at(&["kty"]) {
        "RSA" => {
            let (modulus, exponent) = (unpadded(number("n")?), unpadded(number("e")?));
            (!modulus.is_empty() && !exponent.is_empty()).then_some(PublicKey::Rsa { modulus, exponent })
        }
        "EC" => {
            let named = listed.text_at(&["crv"]);
            let curve = Curve::ALL.into_iter().find(|curve| curve.name() == named)?;
            let coordinate = |field: &str| padded(number(field)?, curve.coordinate_bytes());
            Some(PublicKey::Ecdsa { curve, x: coordinate("x")?, y: coordinate("y")? })
        }
        _ => None,
    }
}

fn signs(key: &PublicKey, algorithm: TokenAlgorithm) -> bool {
    match key {
        PublicKey::Rsa { .. } => matches!(
            algorithm,
            TokenAlgorithm::Rs256
                | TokenAlgorithm::Rs384
                | TokenAlgorithm::Rs512
                | TokenAlgorithm::Ps256
                | TokenAlgorithm::Ps384
                | TokenAlgorithm::Ps512
        ),
        PublicKey::Ecdsa { curve, .. } => match curve {
            Curve::P256 => algorithm == TokenAlgorithm::Es256,
            Curve::P384 => algorithm == TokenAlgorithm::Es384,
            Curve::P521 => algorithm == TokenAlgorithm::Es512,
        },
    }
}

fn unpadded(number: Vec<u8>) -> Bytes {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    Bytes::from(number).slice(zeros..)
}

/// A coordinate with zeros before it; None for one that is too long.
fn padded(number: Vec<u8>, bytes: usize) -> Option<Bytes> {
    let missing = bytes.checked_sub(number.len())?;
    let mut whole = alloc::vec![0; missing];
    whole.extend_from_slice(&number);
    Some(Bytes::from(whole))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    #[test]
    fn keys_that_may_have_signed_are_found() {
        let set = json::parse(
            br#"{"keys":[{"kty":"RSA","kid":"a","n":"AAEC","e":"AQAB"},
            {"kty":"RSA","kid":"b","use":"enc","n":"AQ","e":"AQ"},
            {"kty":"EC","kid":"c","crv":"P-256","x":"AQ","y":"Ag"},{"kty":"OKP","kid":"d"},
            {"kty":"EC","crv":"P-1"},3]}"#,
        )
        .expect("JSON")
        .value;
        let cases = [
            ("a", TokenAlgorithm::Rs256, 1),
            ("a", TokenAlgorithm::Ps512, 1),
            ("a", TokenAlgorithm::Es256, 0),
            ("b", TokenAlgorithm::Rs256, 0),
            ("c", TokenAlgorithm::Es256, 1),
            ("c", TokenAlgorithm::Es384, 0),
            ("d", TokenAlgorithm::Rs256, 0),
            ("", TokenAlgorithm::Rs256, 1),
            ("x", TokenAlgorithm::Rs256, 0),
        ];
        for (id, algorithm, expected) in cases {
            assert_eq!(find(&set, id, algorithm).len(), expected, "{id} {algorithm:?}");
        }
        let [PublicKey::Rsa { modulus, .. }] = &find(&set, "a", TokenAlgorithm::Rs256)[..] else {
            panic!("RSA")
        };
        assert_eq!(&modulus[..], [1, 2]);
        let [PublicKey::Ecdsa { x, .. }] = &find(&set, "c", TokenAlgorithm::Es256)[..] else { panic!("EC") };
        assert_eq!((x.len(), x[31]), (32, 1));
    }
}
