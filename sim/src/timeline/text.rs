//! The timeline as text: aligned columns, faults marked with `!`, the violation last with its guarantee.

use super::{Account, lanes, millis, name};
use crate::trace::{Lane, Moment, What};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Columns of a line at most.
const WIDTH: usize = 120;
/// Moments that are shown without leaving any out.
const SHORT: usize = 60;
/// Moments before the end that are shown whatever they concern.
const ENDING: usize = 12;
/// Moments of a shortened timeline at most: the first quarter of them and the rest from the end.
pub const TEXT_LINES_MAX: usize = 200;

/// Every moment.
pub fn whole(account: &Account<'_>) -> String {
    write(account, account.moments.iter().copied().map(Some).collect())
}

/// What a failure prints: of a long run the faults, what concerns the violation's lanes, and the end.
pub fn short(account: &Account<'_>) -> String {
    let all = &account.moments;
    if all.len() <= SHORT {
        return whole(account);
    }
    let concerned = account.concerned();
    let tells = |(index, moment): &(usize, &Moment)| {
        index + ENDING >= all.len() || Account::tells(moment, &concerned)
    };
    let mut told: Vec<usize> =
        all.iter().copied().enumerate().filter(tells).map(|(index, _)| index).collect();
    if told.len() > TEXT_LINES_MAX {
        let cut = TEXT_LINES_MAX / 4;
        told.drain(cut..told.len() - (TEXT_LINES_MAX - cut));
    }
    let told: BTreeSet<usize> = told.into_iter().collect();
    write(
        account,
        all.iter().enumerate().map(|(index, moment)| told.contains(&index).then_some(*moment)).collect(),
    )
}

/// Writes moments; those that are None are counted in between.
fn write(account: &Account<'_>, moments: Vec<Option<&Moment>>) -> String {
    let mut out = String::new();
    let shown: Vec<&Moment> = moments.iter().copied().flatten().collect();
    let seen: BTreeSet<Lane> = shown.iter().flat_map(|moment| lanes(moment)).collect();
    for lane in seen {
        if let Some(name) = name(account.names, lane) {
            line(&mut out, &format!("   {:<11}  ", lane.to_string()), name);
        }
    }
    let time = shown.iter().map(|moment| millis(moment.at).len()).max().unwrap_or(0).max("ms".len());
    let place = shown.iter().map(|moment| between(moment).len()).max().unwrap_or(0).max("where".len());
    if !shown.is_empty() {
        line(&mut out, "", &format!("   {:>time$}  {:<place$}  what", "ms", "where"));
    }
    let last = account.violation.map(|(_, violation)| violation.to_string());
    let is_last = |moment: &Moment| last.as_deref() == Some(moment.text.as_str());
    let mut left_out = 0_usize;
    for moment in moments {
        match moment {
            None => left_out += 1,
            // What the last lines say is not said twice.
            Some(moment) if moment.what == What::Violation && is_last(moment) => {}
            Some(moment) => {
                more(&mut out, &mut left_out, time);
                let mark = match moment.what {
                    What::Step => ' ',
                    What::Fault => '!',
                    What::Phase => '=',
                    What::Violation => 'X',
                };
                let head = format!(" {mark} {:>time$}  {:<place$}  ", millis(moment.at), between(moment));
                line(&mut out, &head, &moment.text);
            }
        }
    }
    more(&mut out, &mut left_out, time);
    if let Some((millis, violation)) = account.violation {
        line(&mut out, &format!(" X at {millis} ms: "), violation.guarantee.sentence());
        for text in violation.detail.lines() {
            line(&mut out, "   ", text);
        }
    } else if let Some(explained) = account.explained {
        line(&mut out, "   did not converge, which is explained: ", explained);
    }
    out
}

fn more(out: &mut String, left_out: &mut usize, time: usize) {
    if *left_out > 0 {
        line(out, "", &format!("   {:>time$}  ... {left_out} more", ""));
        *left_out = 0;
    }
}

/// Where it happens, and where it came from when that is elsewhere.
fn between(moment: &Moment) -> String {
    match moment.from {
        Some((from, _)) if from != moment.lane => format!("{from} > {}", moment.lane),
        Some(_) | None => moment.lane.to_string(),
    }
}

/// A line, broken between words where it is too long; what follows stands below its beginning.
fn line(out: &mut String, head: &str, text: &str) {
    let indent = head.chars().count();
    let room = WIDTH.saturating_sub(indent).max(20);
    let mut head = head.to_owned();
    for part in wrapped(&printable(text), room) {
        let _ = writeln!(out, "{}", format!("{head}{part}").trim_end());
        head = " ".repeat(indent);
    }
}

/// Without characters that a terminal would act on.
fn printable(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\t' => ' ',
        _ if letter.is_control() => '\u{fffd}',
        _ => letter,
    };
    text.chars().map(shown).collect()
}

fn wrapped(text: &str, room: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let (mut parts, mut from) = (Vec::new(), 0);
    while letters.len() - from > room {
        let space = letters[from..from + room + 1].iter().rposition(|letter| *letter == ' ');
        let end = from + space.filter(|space| *space > room / 2).unwrap_or(room);
        parts.push(letters[from..end].iter().collect());
        from = end + usize::from(letters[end] == ' ');
    }
    parts.push(letters[from..].iter().collect());
    parts
}
