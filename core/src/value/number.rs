//! Numbers as text, as Go's JSON encoder chooses it.

use super::Finite;
use alloc::format;
use alloc::vec::Vec;

/// Appends an integer.
pub fn write_int(number: i64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a float in its shortest form: plain, or with an exponent below 1e-6 and from 1e21 on.
pub fn write_float(number: Finite, out: &mut Vec<u8>) {
    let number = number.to_f64();
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').expect("exponent format has an e");
        out.extend_from_slice(digits.as_bytes());
        out.extend_from_slice(if exponent.starts_with('-') { b"e" } else { b"e+" });
        out.extend_from_slice(exponent.as_bytes());
    } else {
        out.extend_from_slice(format!("{number}").as_bytes());
    }
}
