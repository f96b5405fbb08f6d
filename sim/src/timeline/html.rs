//! The timeline as one page that needs nothing else: lanes as columns, time flowing down, a line per moment.
//!
//! Texts of a run hold names that clients chose, so nothing of a run is markup: the static part is escaped, and
//! the moments are data that the page's script puts into text nodes.

use super::{Account, lanes, name, text};
use crate::trace::{Lane, Moment, What};
use std::collections::BTreeSet;
use std::fmt::Write;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Moments of a page at most: of a longer run the last ones, and before them faults and what the violation
/// concerns.
pub const PAGE_MOMENTS_MAX: usize = 50_000;

/// The page of a run.
pub fn page(account: &Account<'_>) -> String {
    let moments = kept(account);
    let left_out = account.moments.len() - moments.len();
    let lanes = seen(&moments);
    let mut out = String::with_capacity(64 * 1024 + moments.len() * 96);
    out.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // The page must not make requests, whatever a run's texts contain.
    out.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n",
    );
    let _ = write!(
        out,
        "<title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escaped(&title(account))
    );
    banner(&mut out, account);
    let _ = write!(out, "<main id=\"run\" hidden></main>\n<noscript><pre>{}</pre></noscript>\n", {
        escaped(&text::short(account))
    });
    out.push_str("<script type=\"application/json\" id=\"data\">");
    data(&mut out, &lanes, &moments, left_out, account);
    let _ = write!(out, "</script>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n");
    out
}

fn title(account: &Account<'_>) -> String {
    match account.violation {
        Some((_, violation)) => format!("{} · steersman sim", violation.guarantee.sentence()),
        None => "A run · steersman sim".to_owned(),
    }
}

/// What stands above the timeline: what did not hold, how to repeat it, what the run was.
fn banner(out: &mut String, account: &Account<'_>) {
    match account.violation {
        Some((millis, violation)) => {
            let _ = write!(
                out,
                "<header class=\"banner broken\">\n<p class=\"kind\"><span aria-hidden=\"true\">✕</span> Violated \
                 at {millis} ms · {:?}</p>\n<h1>{}</h1>\n<p class=\"detail\">{}</p>\n",
                violation.guarantee,
                escaped(violation.guarantee.sentence()),
                escaped(&violation.detail)
            );
        }
        None => {
            let explained = account.explained.unwrap_or_default();
            let said = if explained.is_empty() {
                "Every guarantee held"
            } else {
                "The run did not converge, and the faults that were left in place explain it"
            };
            let _ = write!(
                out,
                "<header class=\"banner held\">\n<h1>{said}</h1>\n<p class=\"detail\">{}</p>\n",
                escaped(explained)
            );
        }
    }
    let _ = writeln!(
        out,
        "<p class=\"reproduce\"><span>Reproduce</span><code id=\"reproduce\">{}</code></p>",
        escaped(account.reproduce)
    );
    out.push_str("<dl>");
    for (word, value) in account.facts {
        let _ = write!(out, "<div><dt>{}</dt><dd>{}</dd></div>", escaped(word), escaped(value));
    }
    out.push_str("</dl>\n");
    let _ = write!(
        out,
        "<details><summary>Swarm</summary><pre>{}</pre></details>\n<details><summary>Tape, {} \
         choices</summary><pre>{}</pre></details>\n</header>\n",
        escaped(account.swarm),
        account.tape.len(),
        escaped(&account.tape.to_string())
    );
}

/// The moments that a page has room for.
fn kept<'a>(account: &Account<'a>) -> Vec<&'a Moment> {
    let all = &account.moments;
    if all.len() <= PAGE_MOMENTS_MAX {
        return all.clone();
    }
    let concerned = account.concerned();
    let (before, ending) = all.split_at(all.len() - PAGE_MOMENTS_MAX / 2);
    let telling: Vec<&Moment> =
        before.iter().copied().filter(|moment| Account::tells(moment, &concerned)).collect();
    let room = PAGE_MOMENTS_MAX - ending.len();
    telling[telling.len().saturating_sub(room)..].iter().chain(ending).copied().collect()
}

/// The lanes in which something happens.
fn seen(moments: &[&Moment]) -> Vec<Lane> {
    let all: BTreeSet<Lane> = moments.iter().copied().flat_map(lanes).collect();
    all.into_iter().collect()
}

/// The moments as data: `[micros, lane, what, text, lane it came from, micros then]`, the last two only when it
/// came from somewhere.
fn data(out: &mut String, lanes: &[Lane], moments: &[&Moment], left_out: usize, account: &Account<'_>) {
    let concerned = account.concerned();
    let _ = write!(out, "{{\"leftOut\":{left_out},\"lanes\":[");
    for (index, lane) in lanes.iter().enumerate() {
        let kind = match lane {
            Lane::Run => "run",
            Lane::Client(_) => "client",
            Lane::Server(_) => "server",
            Lane::Member(_) => "member",
        };
        out.push_str(if index == 0 { "{\"id\":" } else { ",\n{\"id\":" });
        string(out, &lane.to_string());
        let _ = write!(out, ",\"kind\":\"{kind}\",\"concerned\":{},\"name\":", concerned.contains(lane));
        string(out, name(account.names, *lane).unwrap_or_default());
        out.push('}');
    }
    out.push_str("],\"moments\":[");
    let number = |lane: Lane| lanes.binary_search(&lane).expect("lanes holds the lane of every moment");
    for (index, moment) in moments.iter().enumerate() {
        let what = match moment.what {
            What::Step => 0,
            What::Fault => 1,
            What::Phase => 2,
            What::Violation => 3,
        };
        out.push_str(if index == 0 { "[" } else { ",\n[" });
        let _ = write!(out, "{},{},{what},", moment.at.0, number(moment.lane));
        string(out, &moment.text);
        if let Some((lane, at)) = moment.from {
            let _ = write!(out, ",{},{}", number(lane), at.0);
        }
        out.push(']');
    }
    out.push_str("]}");
}

/// A JSON string that no parser of HTML sees anything in.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", letter as u32);
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
    out
}
