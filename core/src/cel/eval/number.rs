//! Numbers as texts, and texts as numbers.

use alloc::format;
use alloc::string::String;

/// A number as Go's `%g` shows it: with an exponent if that is below -4 or above 5.
/// Go: src/strconv/ftoa.go
pub(crate) fn go_double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{number}")
}

/// What Go's `ParseFloat` reads, but for numbers in hexadecimal.
pub(crate) fn convert_double(text: &str) -> Option<f64> {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_word = ["inf", "infinity", "nan"].iter().any(|word| plain.eq_ignore_ascii_case(word));
    let begins = plain.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if !is_word && !begins {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    (number.is_finite() || is_word).then_some(number)
}
