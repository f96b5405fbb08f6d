//! Quantities: fixed-point numbers with a unit suffix, `100m`, `1.5Gi`, `2e3`.
//!
//! k8s: staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go

use super::{Text, Value, number};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A number `mantissa * 10^scale`, and how it wants to be written.
///
/// The mantissa has 127 bits; a longer number is refused as not numeric.
#[derive(Clone, Debug)]
pub struct Quantity {
    mantissa: i128,
    scale: i32,
    format: Format,
    /// The text it was read from, where that is taken for canonical.
    text: Option<Text>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `1k`, `100m`.
    Decimal,
    /// `1Ki`.
    Binary,
    /// `1e3`.
    Exponent,
}

/// Why a text is no quantity; `message` is upstream's sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityError {
    Format,
    Numeric,
    Suffix,
}

impl QuantityError {
    pub fn message(self) -> &'static str {
        match self {
            Self::Format => {
                "quantities must match the regular expression \
                 '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            }
            Self::Numeric => "unable to parse numeric part of quantity",
            Self::Suffix => "unable to parse quantity's suffix",
        }
    }
}

/// The smallest scale that is kept: nano.
const NANO: i32 = -9;
/// Digits that upstream's 64-bit form holds; texts beyond are never taken for canonical.
const FAST_DIGITS: i32 = 18;
const SUFFIXES_2: [(&str, i32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const SUFFIXES_10: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Quantity {
    pub const ZERO: Self = Self { mantissa: 0, scale: 0, format: Format::Decimal, text: None };

    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        Self::plain(text).map_or_else(|| Self::parse_any(text), Ok)
    }

    /// Whether a text is a plain quantity, and therefore canonical.
    pub(crate) fn is_plain(text: &str) -> bool {
        Self::plain(text).is_some()
    }

    /// As `parse`, of what most quantities are: one to three digits, the first of which is not 0, and one of the usual
    /// suffixes. Such a text is canonical.
    fn plain(text: &str) -> Option<Self> {
        let (digits, suffix) = take(text, |byte| byte.is_ascii_digit());
        if !(1..=3).contains(&digits.len()) || digits.starts_with('0') {
            return None;
        }
        let (base, exponent, format) = match suffix {
            "m" | "" | "k" | "M" | "G" | "T" | "Ki" | "Mi" | "Gi" | "Ti" => interpret(suffix)?,
            _ => return None,
        };
        let number = digits.bytes().fold(0, |number, digit| number * 10 + i128::from(digit - b'0'));
        let (mantissa, scale) = if base == 2 { (number << exponent, 0) } else { (number, exponent) };
        Some(Self { mantissa, scale, format, text: Some(Text::from(text)) })
    }

    fn parse_any(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let parts = Parts::split(text)?;
        let (base, exponent, format) = interpret(parts.suffix).ok_or(QuantityError::Suffix)?;
        let fast = parts.is_fast(base, exponent);
        let digits = [parts.whole, parts.fraction].concat();
        let mut mantissa =
            if digits.is_empty() { 0 } else { digits.parse().or(Err(QuantityError::Numeric))? };
        let plain = mantissa;
        let fraction = i32::try_from(parts.fraction.len()).or(Err(QuantityError::Numeric))?;
        let mut scale = 0_i32.checked_sub(fraction).ok_or(QuantityError::Numeric)?;
        if base == 2 {
            mantissa = 1_i128
                .checked_shl(exponent.unsigned_abs())
                .and_then(|unit| unit.checked_mul(mantissa))
                .ok_or(QuantityError::Numeric)?;
        } else {
            scale = scale.checked_add(exponent).ok_or(QuantityError::Numeric)?;
        }
        let canonical = fast
            && match format {
                Format::Binary => plain & 7 != 0,
                Format::Decimal | Format::Exponent => {
                    scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0')
                }
            };
        let sign = if parts.negative { -1 } else { 1 };
        let mut quantity = Self { mantissa: mantissa * sign, scale, format, text: None };
        quantity.bound(fast);
        quantity.text = canonical.then(|| Text::from(text));
        Ok(quantity)
    }

    /// From a JSON value as upstream's decoder reads it: text, or a bare number.
    pub fn from_value(value: &Value) -> Result<Self, QuantityError> {
        match value {
            Value::Null => Ok(Self::ZERO),
            Value::Str(text) => Self::parse(text.trim()),
            Value::Json(text) => Self::parse(text),
            Value::Int(int) => Self::parse(&written(|out| number::write_int(*int, out))),
            Value::Float(float) => Self::parse(&written(|out| number::write_float(*float, out))),
            Value::Bool(_) | Value::List(_) | Value::Map(_) => Err(QuantityError::Format),
        }
    }

    pub fn from_int(number: i64) -> Self {
        Self { mantissa: i128::from(number), ..Self::ZERO }
    }

    /// Rounds what is finer than nano away from zero; a binary number is at most 2^63-1, and one below 1
    /// is shown as a decimal.
    fn bound(&mut self, fast: bool) {
        if fast {
            return;
        }
        self.round_up(NANO);
        if self.format == Format::Binary {
            let limit = Self { mantissa: i128::from(i64::MAX), ..Self::ZERO };
            if self.size().compare(&limit) == Ordering::Greater {
                self.mantissa = limit.mantissa * self.mantissa.signum();
                self.scale = 0;
            }
            if self.size().compare(&Self::from_int(1)) == Ordering::Less && self.mantissa != 0 {
                self.format = Format::Decimal;
            }
        }
    }

    fn size(&self) -> Self {
        Self { mantissa: self.mantissa.saturating_abs(), text: None, ..self.clone() }
    }

    pub fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// -1, 0 or 1.
    pub fn signum(&self) -> i128 {
        self.mantissa.signum()
    }

    /// Rounds away from zero to a multiple of `10^scale` (-3: milli).
    pub fn round_up(&mut self, scale: i32) {
        if self.scale >= scale {
            return;
        }
        self.text = None;
        let (quotient, exact) = match power_of_ten(i64::from(scale) - i64::from(self.scale)) {
            Some(unit) => (self.mantissa / unit, self.mantissa % unit == 0),
            None => (0, self.mantissa == 0),
        };
        self.mantissa = if exact { quotient } else { quotient + self.mantissa.signum() };
        self.scale = scale;
    }

    /// The whole number at or above (away from zero), as upstream's `Value()`; None beyond 64 bits.
    pub fn to_i64(&self) -> Option<i64> {
        let mut whole = self.clone();
        whole.round_up(0);
        let unit = power_of_ten(i64::from(whole.scale));
        let number = if whole.is_zero() { 0 } else { whole.mantissa.checked_mul(unit?)? };
        i64::try_from(number).ok()
    }

    /// The nearest float, near enough for a ratio.
    pub fn to_f64(&self) -> f64 {
        let unit = |power: i64| power_of_ten(power).map_or(f64::INFINITY, |unit| unit as f64);
        let power = i64::from(self.scale);
        if power < 0 { self.mantissa as f64 / unit(-power) } else { self.mantissa as f64 * unit(power) }
    }

    /// The number of thousandths, rounded as `to_i64`, as upstream's `MilliValue()`; None beyond 64 bits.
    pub fn to_milli(&self) -> Option<i64> {
        let mut fine = self.clone();
        fine.round_up(-3);
        let unit = power_of_ten(i64::from(fine.scale) + 3);
        let number = if fine.is_zero() { 0 } else { fine.mantissa.checked_mul(unit?)? };
        i64::try_from(number).ok()
    }

    /// By value: `1000m` equals `1`.
    pub fn compare(&self, other: &Self) -> Ordering {
        let signs = self.signum().cmp(&other.signum());
        if signs != Ordering::Equal || self.is_zero() {
            return signs;
        }
        if let Some((left, right, _)) = self.aligned(other) {
            return left.cmp(&right);
        }
        // They do not fit one scale, so the exponents alone decide.
        let magnitude = |q: &Self| i64::from(q.scale) + i64::from(q.mantissa.unsigned_abs().ilog10());
        let order = magnitude(self).cmp(&magnitude(other));
        if self.signum() < 0 { order.reverse() } else { order }
    }

    /// The sum in this one's format (or the other's where this is zero); None beyond 127 bits.
    pub fn add(&self, other: &Self) -> Option<Self> {
        let format = if self.is_zero() { other.format } else { self.format };
        let (left, right, scale) = self.aligned(other)?;
        Some(Self { mantissa: left.checked_add(right)?, scale, format, text: None })
    }

    /// The difference; None beyond 127 bits.
    pub fn sub(&self, other: &Self) -> Option<Self> {
        let negative = Self { mantissa: other.mantissa.checked_neg()?, text: None, ..other.clone() };
        self.add(&negative)
    }

    /// Both mantissas at the finer of the two scales.
    fn aligned(&self, other: &Self) -> Option<(i128, i128, i32)> {
        let scale = self.scale.min(other.scale);
        let lift = |q: &Self| {
            let unit = power_of_ten(i64::from(q.scale) - i64::from(scale));
            if q.is_zero() { Some(0) } else { q.mantissa.checked_mul(unit?) }
        };
        Some((lift(self)?, lift(other)?, scale))
    }

    /// The text that the API server writes: `1000m` as `1`, `1024Mi` as `1Gi`, `0.5` as `500m`.
    pub fn canonical(&self) -> Text {
        if let Some(text) = &self.text {
            return text.clone();
        }
        if self.is_zero() {
            return Text::from("0");
        }
        if self.format == Format::Binary
            && let Some(text) = self.binary()
        {
            return text;
        }
        self.decimal()
    }

    /// With a power-of-1024 suffix; None below 1024 and for fractions.
    fn binary(&self) -> Option<Text> {
        if self.size().compare(&Self::from_int(1024)) == Ordering::Less {
            return None;
        }
        let mut whole = self.clone();
        whole.round_up(0);
        if whole.compare(self) != Ordering::Equal {
            return None;
        }
        let mut number = whole.mantissa.checked_mul(power_of_ten(i64::from(whole.scale))?)?;
        let mut suffix = "";
        for (name, _) in SUFFIXES_2 {
            if number % 1024 != 0 {
                break;
            }
            number /= 1024;
            suffix = name;
        }
        Some(Text::from(format!("{number}{suffix}")))
    }

    /// With an exponent that is a multiple of three, as a suffix where one is known.
    fn decimal(&self) -> Text {
        let (mut number, mut exponent) = (self.mantissa, i64::from(self.scale));
        while number % 10 == 0 {
            number /= 10;
            exponent += 1;
        }
        let (mut zeros, rest) = (String::new(), exponent.rem_euclid(3));
        for _ in 0..rest {
            zeros.push('0');
        }
        exponent -= rest;
        let si = SUFFIXES_10.iter().find(|(_, power)| i64::from(*power) == exponent);
        match si {
            Some((suffix, _)) if self.format != Format::Exponent || exponent == 0 => {
                Text::from(format!("{number}{zeros}{suffix}"))
            }
            Some(_) | None => Text::from(format!("{number}{zeros}e{exponent}")),
        }
    }
}

fn power_of_ten(exponent: i64) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

/// Base, exponent and format of a suffix.
fn interpret(suffix: &str) -> Option<(u32, i32, Format)> {
    if let Some((_, power)) = SUFFIXES_10.iter().find(|(name, _)| *name == suffix) {
        return Some((10, *power, Format::Decimal));
    }
    if let Some((_, power)) = SUFFIXES_2.iter().find(|(name, _)| *name == suffix) {
        return Some((2, *power, Format::Binary));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    Some((10, exponent.parse().ok()?, Format::Exponent))
}

/// The pieces of a quantity's text.
struct Parts<'a> {
    negative: bool,
    /// Without leading zeros; `0` when none are left.
    whole: &'a str,
    fraction: &'a str,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, QuantityError> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (whole, rest) = take(unsigned.trim_start_matches('0'), |byte| byte.is_ascii_digit());
        let whole = if whole.is_empty() { "0" } else { whole };
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => take(rest, |byte| byte.is_ascii_digit()),
            None => ("", rest),
        };
        let (_, after) = take(suffix, |byte| b"eEinumkKMGTP".contains(&byte));
        let after = after.strip_prefix(['+', '-']).unwrap_or(after);
        if after.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self { negative, whole, fraction, suffix })
        } else {
            Err(QuantityError::Format)
        }
    }

    /// Whether upstream would hold the number in 64 bits.
    fn is_fast(&self, base: u32, exponent: i32) -> bool {
        let whole = i32::try_from(self.whole.len()).unwrap_or(i32::MAX);
        let fraction = i32::try_from(self.fraction.len()).unwrap_or(i32::MAX);
        if base == 2 {
            return fraction == 0 && 15 - exponent * 3 / 10 > whole;
        }
        whole.saturating_add(fraction) <= FAST_DIGITS && exponent.saturating_sub(fraction) >= NANO
    }
}

/// The longest prefix of bytes that `wanted` accepts, and the rest.
fn take(text: &str, wanted: fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !wanted(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The text that a writer of numbers appends.
fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn canonical_forms() {
        let cases = [
            ("0", "0"),
            ("0.1", "100m"),
            ("100m", "100m"),
            ("1000m", "1"),
            ("1500m", "1500m"),
            ("1e3", "1e3"),
            ("1E3", "1E3"),
            ("1000e3", "1e6"),
            ("1000Ki", "1000Ki"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("12345678901234567890", "12345678901234567890"),
            (".5", "500m"),
            ("5.", "5."),
            ("+1", "+1"),
            ("-1", "-1"),
            ("-1000", "-1k"),
            ("1.5", "1500m"),
            ("0.0000000001", "1n"),
            ("8Ki", "8Ki"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("16Ei", "9223372036854775807"),
            ("00", "0"),
            ("10", "10"),
            ("1G", "1G"),
        ];
        for (text, want) in cases {
            assert_eq!(Quantity::parse(text).expect(text).canonical(), want, "{text}");
        }
    }

    #[test]
    fn plain_quantities_are_what_they_are_to_the_parser() {
        let mut plain = 0;
        for number in [
            "0", "00", "07", "1", "8", "10", "99", "128", "500", "999", "1000", "1024", "-1", "+1", "1.5", "",
        ] {
            for suffix in [
                "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3",
                "x",
            ] {
                let text = format!("{number}{suffix}");
                let Some(found) = Quantity::plain(&text) else { continue };
                let general = Quantity::parse_any(&text).expect(&text);
                let parts = |it: &Quantity| (it.mantissa, it.scale, it.format, it.canonical());
                assert_eq!(parts(&found), parts(&general), "{text}");
                plain += 1;
            }
        }
        assert_eq!(plain, 7 * 10);
    }

    #[test]
    fn invalid_quantities_are_refused() {
        let cases = [
            ("", QuantityError::Format),
            ("abc", QuantityError::Format),
            ("1 Gi", QuantityError::Format),
            ("1gi", QuantityError::Format),
            ("1KiKi", QuantityError::Suffix),
            ("1ee", QuantityError::Suffix),
            ("9999999999999999999999999999999999999999", QuantityError::Numeric),
        ];
        for (text, want) in cases {
            assert_eq!(Quantity::parse(text).expect_err(text), want, "{text}");
        }
        assert!(Quantity::from_value(&Value::Bool(true)).is_err());
        assert_eq!(Quantity::from_value(&Value::Int(3)).expect("number").canonical(), "3");
    }

    #[test]
    fn order_and_sums_are_by_value() {
        let parse = |text: &str| Quantity::parse(text).expect("valid");
        let rising = ["-1e30", "-1", "-1m", "0", "1n", "999m", "1", "1k", "1Ki", "1M", "1Mi", "1e30"];
        for (at, left) in rising.iter().enumerate() {
            for (other, right) in rising.iter().enumerate() {
                assert_eq!(parse(left).compare(&parse(right)), at.cmp(&other), "{left} {right}");
            }
        }
        assert_eq!(parse("1000m").compare(&parse("1")), Ordering::Equal);
        assert_eq!(parse("1Gi").add(&parse("512Mi")).expect("small").canonical(), "1536Mi");
        assert_eq!(parse("0").add(&parse("1Gi")).expect("small").canonical(), "1Gi");
        assert_eq!(parse("1").sub(&parse("1500m")).expect("small").canonical(), "-500m");
        assert_eq!(parse("1500m").to_i64(), Some(2));
        assert_eq!(parse("1500u").to_milli(), Some(2));
        assert_eq!(parse("2Ki").to_milli(), Some(2_048_000));
        assert_eq!(parse("9223372036854775807").to_milli(), None);
        let mut small = parse("0.0001");
        small.round_up(-3);
        assert_eq!(small.canonical(), "1m");
    }

    proptest! {
        #[test]
        fn canonical_is_stable(
            number in "[+-]?[0-9]{0,12}(\\.[0-9]{0,12})?",
            suffix in "(e-?[0-9]{1,2}|[numkMGTPE]|[KMGTP]i)?",
        ) {
            let text = [number, suffix].concat();
            prop_assume!(!text.is_empty());
            if let Ok(first) = Quantity::parse(&text) {
                let again = Quantity::parse(&first.canonical()).expect("canonical text parses");
                prop_assert_eq!(first.compare(&again), Ordering::Equal, "{} {}", text, first.canonical());
                prop_assert_eq!(first.canonical(), again.canonical());
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,40}|[0-9.eE+-]{0,60}") {
            if let Ok(quantity) = Quantity::parse(&text) {
                let _ = (quantity.canonical(), quantity.to_i64(), quantity.add(&quantity));
            }
        }
    }
}
