//! The id under which a server tells others that it lives.
//! k8s: staging/src/k8s.io/apiserver/pkg/server/config.go NewConfig

use aws_lc_rs::digest::{SHA256, digest};

/// What kind of server it is: each kind on a host has an id of its own.
const COMPONENT: &str = "kube-apiserver";
/// How many bytes of the digest the id holds.
const ID_BYTES: usize = 16;

/// The id of the server on a host of this name.
pub fn server_id(host_name: &str) -> String {
    let mut data = Vec::new();
    for part in [host_name, COMPONENT] {
        let length = u16::try_from(part.len()).unwrap_or(u16::MAX);
        data.extend(length.to_be_bytes());
        data.extend(part.as_bytes());
    }
    let hash = digest(&SHA256, &data);
    format!("apiserver-{}", base32(hash.as_ref().get(..ID_BYTES).unwrap_or_default()))
}

/// RFC 4648 in small letters, without padding.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let places = (0..bytes.len() * 8).step_by(5);
    let digit = |place: usize| (place..place + 5).fold(0, |digit, at| digit << 1 | usize::from(bit(at)));
    places.map(|place| char::from(DIGITS[digit(place)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_that_of_kube_apiserver_on_the_same_host() {
        assert_eq!(server_id("vm"), "apiserver-wlv32tlttr4jl3gtroqexyxapa");
    }

    #[test]
    fn digits_stand_for_five_bits() {
        for (plain, expected) in [("", ""), ("f", "my"), ("foobar", "mzxw6ytboi")] {
            assert_eq!(base32(plain.as_bytes()), expected);
        }
    }
}
