//! Comparing secrets in a time that does not tell where the first difference is.
//! Go: src/crypto/subtle/constant_time.go ConstantTimeCompare

pub(super) fn is_same(held: &[u8], sent: &[u8]) -> bool {
    let differing = held.iter().zip(sent).fold(0, |differing, (held, sent)| differing | (held ^ sent));
    held.len() == sent.len() && differing == 0
}
