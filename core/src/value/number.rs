//! Numbers as text, as Go's JSON encoder chooses it.

use super::Finite;
use alloc::format;
use alloc::string::String;
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

/// A float as Go's `%v` writes it: its shortest form, with an exponent below 1e-4 and from 1e21 on.
pub fn go_float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || !size.is_finite() || (1e-4..1e21).contains(&size) {
        return format!("{number}");
    }
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let sign = if exponent.starts_with('-') { '-' } else { '+' };
    format!("{digits}e{sign}{:0>2}", exponent.trim_start_matches('-'))
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

#[cfg(test)]
mod tests {
    use super::go_float;

    #[test]
    fn floats_are_written_like_those_of_go() {
        let table = [
            (0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.25e-10, "1.25e-10"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
        ];
        for (number, wanted) in table {
            assert_eq!(go_float(number), wanted);
        }
    }
}
