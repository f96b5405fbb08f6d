//! Values that are a number or a text, mostly a percentage.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/intstr/intstr.go

use super::{Value, quoted};
use alloc::format;
use alloc::string::String;

/// A number or a text, as Go's `intstr.IntOrString`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntOrString<'v> {
    Int(i64),
    Text(&'v str),
}

impl<'v> IntOrString<'v> {
    /// None when the value is neither.
    pub fn of(value: &'v Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Str(text) => Some(Self::Text(text)),
            Value::Null
            | Value::Bool(_)
            | Value::Float(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Json(_) => None,
        }
    }

    /// The number; of a text the number that it writes, and 0 when it writes none.
    pub fn int_value(self) -> i64 {
        match self {
            Self::Int(number) => number,
            Self::Text(text) => atoi(text).unwrap_or(0),
        }
    }

    /// The number of a percentage such as `25%`; None when this is none.
    pub fn percent(self) -> Option<i64> {
        match self {
            Self::Int(_) => None,
            Self::Text(text) => {
                let digits = text.strip_suffix('%').filter(|digits| is_digits(digits))?;
                // Go's Atoi answers with the greatest number when there are too many digits.
                Some(digits.parse().unwrap_or(i64::MAX))
            }
        }
    }

    /// The number, or the share of a total that a percentage names, rounded.
    ///
    /// # Errors
    /// Upstream's sentence for a text that is no percentage.
    pub fn scaled(self, total: i64, round_up: bool) -> Result<i64, String> {
        let text = match self {
            Self::Int(number) => return Ok(number),
            Self::Text(text) => text,
        };
        let problem = "invalid value for IntOrString: ";
        let Some(digits) = text.strip_suffix('%') else {
            return Err(format!("{problem}invalid type: string is not a percentage"));
        };
        let Some(percent) = atoi(digits) else {
            let (text, digits) = (quoted(text), quoted(digits));
            return Err(format!(
                "{problem}invalid value {text}: strconv.Atoi: parsing {digits}: invalid syntax"
            ));
        };
        let product = i128::from(percent) * i128::from(total);
        let (whole, rest) = (product.div_euclid(100), product.rem_euclid(100));
        let scaled = if round_up && rest > 0 { whole + 1 } else { whole };
        Ok(i64::try_from(scaled).unwrap_or(i64::MAX))
    }
}

/// A decimal number with an optional sign, as Go's `Atoi`; None when it is none or too large.
fn atoi(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    text.parse().ok().filter(|_| is_digits(digits))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_scale_and_round() {
        let table = [
            (IntOrString::Int(3), 10, (Ok(3), Ok(3)), None),
            (IntOrString::Text("25%"), 10, (Ok(2), Ok(3)), Some(25)),
            (IntOrString::Text("0%"), 10, (Ok(0), Ok(0)), Some(0)),
            (IntOrString::Text("100%"), 7, (Ok(7), Ok(7)), Some(100)),
            (IntOrString::Text("150%"), 2, (Ok(3), Ok(3)), Some(150)),
            (IntOrString::Text("99999999999999999999%"), 0, (Err(()), Err(())), Some(i64::MAX)),
            (IntOrString::Text("5"), 10, (Err(()), Err(())), None),
            (IntOrString::Text("x%"), 10, (Err(()), Err(())), None),
            (IntOrString::Text("+5%"), 100, (Ok(5), Ok(5)), None),
        ];
        for (value, total, (down, up), percent) in table {
            assert_eq!(value.scaled(total, false).map_err(|_| ()), down, "{value:?}");
            assert_eq!(value.scaled(total, true).map_err(|_| ()), up, "{value:?}");
            assert_eq!(value.percent(), percent, "{value:?}");
        }
    }

    #[test]
    fn a_text_that_writes_a_number_has_its_value() {
        let table = [("12", 12), ("-3", -3), ("+4", 4), ("", 0), ("5%", 0), ("0x1", 0)];
        for (text, number) in table {
            assert_eq!(IntOrString::Text(text).int_value(), number, "{text}");
        }
    }
}
