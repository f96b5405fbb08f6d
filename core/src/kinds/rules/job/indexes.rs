//! Indexes of pods as text: `0,2-5`.
//! k8s: pkg/apis/batch/validation/validation.go validateIndexesFormat

use crate::value::quoted;
use alloc::format;
use alloc::string::String;

/// The number of indexes; each must be below the number of completions, and above the one before.
///
/// # Errors
/// Upstream's sentence.
pub(super) fn count_indexes(text: &str, completions: i64) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let (mut before, mut total) = (None, 0_i64);
    for interval in text.split(',') {
        let (first, last) = parse_interval(interval, completions)?;
        if let Some(before) = before
            && before >= first
        {
            return Err(format!("non-increasing order, previous: {before}, current: {first}"));
        }
        total = total.saturating_add(last.saturating_sub(first).saturating_add(1));
        before = Some(last);
    }
    Ok(total)
}

fn parse_interval(text: &str, completions: i64) -> Result<(i64, i64), String> {
    let mut parts = text.split('-');
    let (first, last, more) = (parts.next().unwrap_or(""), parts.next(), parts.next());
    if more.is_some() {
        return Err(format!(
            "the fragment {} violates the requirement that an index interval can have at most two parts separated by \
             '-'",
            quoted(text)
        ));
    }
    let first = parse_index(first, completions)?;
    let Some(last) = last else { return Ok((first, first)) };
    let last = parse_index(last, completions)?;
    if first >= last {
        return Err(format!("non-increasing order, previous: {first}, current: {last}"));
    }
    Ok((first, last))
}

fn parse_index(text: &str, completions: i64) -> Result<i64, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let index: Option<i64> = digits.parse().ok().filter(|_| is_number);
    let index =
        index.ok_or_else(|| format!("cannot convert string to integer for index: {}", quoted(text)))?;
    if index >= completions {
        return Err(format!("too large index: {}", quoted(text)));
    }
    Ok(index)
}

/// The first index that two lists have in common. Intervals that cannot be read are passed over: they are told of
/// elsewhere.
pub(super) fn first_common(completed: &str, failed: &str, completions: i64) -> Option<i64> {
    if completed.is_empty() || failed.is_empty() {
        return None;
    }
    let (mut completed, mut failed) = (completed.split(',').peekable(), failed.split(',').peekable());
    loop {
        let Ok((start, end)) = parse_interval(completed.peek()?, completions) else {
            completed.next();
            continue;
        };
        let Ok((other_start, other_end)) = parse_interval(failed.peek()?, completions) else {
            failed.next();
            continue;
        };
        if start <= other_end && other_start <= end {
            return Some(start.max(other_start));
        }
        if start <= other_start {
            completed.next();
        } else {
            failed.next();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_read_as_upstream_reads_them() {
        let table = [
            ("", Ok(0)),
            ("0", Ok(1)),
            ("0,2-4,9", Ok(5)),
            ("0-9", Ok(10)),
            ("10", Err("too large index: \"10\"")),
            ("3-10", Err("too large index: \"10\"")),
            ("3-3", Err("non-increasing order, previous: 3, current: 3")),
            ("1,1", Err("non-increasing order, previous: 1, current: 1")),
            ("1-3,2", Err("non-increasing order, previous: 3, current: 2")),
            ("x", Err("cannot convert string to integer for index: \"x\"")),
            ("1-", Err("cannot convert string to integer for index: \"\"")),
            (
                "1-2-3",
                Err(
                    "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts \
                     separated by '-'",
                ),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(count_indexes(text, 10), expected.map_err(String::from), "{text}");
        }
    }

    #[test]
    fn common_indexes_are_found() {
        let table = [
            ("0,2", "1,3", None),
            ("0-3", "3", Some(3)),
            ("1,5-7", "0,6", Some(6)),
            ("x,4", "4", Some(4)),
            ("", "1", None),
        ];
        for (completed, failed, common) in table {
            assert_eq!(first_common(completed, failed, 10), common, "{completed} {failed}");
        }
    }
}
