//! The timeline of a run that is written by hand.

use super::{Account, PAGE_MOMENTS_MAX, in_order, page, short, whole};
use crate::check::{Guarantee, Violation};
use crate::choose::Tape;
use crate::trace::{Lane, Moment, What};
use steersman_core::now::Mono;

fn moment(at: u64, lane: Lane, what: What, from: Option<(Lane, u64)>, text: &str) -> Moment {
    Moment { at: Mono(at), lane, what, text: text.to_owned(), from: from.map(|(lane, at)| (lane, Mono(at))) }
}

/// A run of some clients in which a reply is lost and an update with it, `ordinary` moments before that.
fn story(clients: usize, ordinary: usize) -> Vec<Moment> {
    let (server, member) = (Lane::Server(0), Lane::Member(1));
    let mut moments = vec![moment(0, Lane::Run, What::Phase, None, "chaos")];
    for index in 0..ordinary {
        let at = 1000 + index as u64 * 700;
        let client = Lane::Client(3 + index % clients);
        let (asked, text) = match index % 4 {
            0 => ((client, server), format!("GET configmaps/a-{index}")),
            1 => ((server, member), format!("range /registry/configmaps/default/a-{index}")),
            2 => ((member, server), "range: 1 of 1 at 41".to_owned()),
            _ => ((server, client), "200, resource version 41".to_owned()),
        };
        moments.push(moment(at, asked.1, What::Step, Some((asked.0, at - 450)), &text));
        if index % 97 == 96 {
            let fault = [
                "the link of client 4 is clogged for 300 ms",
                "server 1 crashes",
                "compacted at 38",
                "the reply of request 7 is lost",
            ];
            let lanes = [Lane::Run, Lane::Server(1), Lane::Member(0), Lane::Member(2)];
            moments.push(moment(at + 100, lanes[index % 4], What::Fault, None, fault[index % 4]));
        }
    }
    let end = moments.last().map_or(0, |moment| moment.at.0);
    let (one, two) = (Lane::Client(1), Lane::Client(2));
    moments.extend([
        moment(end + 12_500, server, What::Step, Some((one, end + 9_000)), "PUT configmaps/<b>&\"x\" v7"),
        moment(end + 13_000, member, What::Step, Some((server, end + 12_500)), "put if mod_revision = 7"),
        moment(end + 13_200, member, What::Fault, None, "the reply is lost after the effect"),
        moment(end + 14_000, server, What::Step, Some((two, end + 13_900)), "PUT configmaps/<b>&\"x\" v7"),
        moment(end + 15_750, two, What::Step, Some((server, end + 15_000)), "200, resource version 9"),
        moment(end + 15_750, two, What::Violation, None, "stored over version 8"),
    ]);
    moments
}

fn account<'a>(
    moments: &'a [Moment],
    names: &'a [(Lane, String)],
    violation: &'a (u64, Violation),
) -> Account<'a> {
    static TAPE: std::sync::LazyLock<Tape> = std::sync::LazyLock::new(|| {
        "steersman tape 1\nshape 0 0 2\nshape 0 1 1\nclient 1 0 3\nlink 7 0 9\nstore 4 0 1\n"
            .parse()
            .expect("a tape")
    });
    Account {
        reproduce: "steersman sim 17",
        swarm: "servers=2 members=3 clients=4 faults=lost-replies,compaction",
        facts: &[],
        names,
        violation: Some(violation),
        explained: None,
        tape: &TAPE,
        moments: in_order(moments),
    }
}

fn violation() -> (u64, Violation) {
    let detail = "update 31 of configmaps/<b>&\"x\" was made from version 7 and stored in place of version 8";
    (15, Violation::new(Guarantee::NoUpdateIsLost, detail))
}

fn names(clients: usize) -> Vec<(Lane, String)> {
    let sorts = ["updater", "reflector (configmaps, parity=1)", "elector", "garbage collector"];
    (1..clients + 3).map(|client| (Lane::Client(client), sorts[client % 4].to_owned())).collect()
}

#[test]
fn the_text_is_aligned_and_ends_in_the_violation() {
    let (moments, violation) = (story(1, 0), violation());
    let written = whole(&account(&moments, &names(0), &violation));
    let expected = r#"   client 1     reflector (configmaps, parity=1)
   client 2     elector
       ms  where                what
 =  0.000  run                  chaos
   12.500  client 1 > server 0  PUT configmaps/<b>&"x" v7
   13.000  server 0 > etcd 1    put if mod_revision = 7
 ! 13.200  etcd 1               the reply is lost after the effect
   14.000  client 2 > server 0  PUT configmaps/<b>&"x" v7
   15.750  server 0 > client 2  200, resource version 9
 X 15.750  client 2             stored over version 8
 X at 15 ms: A write that names the version it was made from is stored only in place of that version.
   update 31 of configmaps/<b>&"x" was made from version 7 and stored in place of version 8
"#;
    assert_eq!(written, expected);
    let mut noted = moments.clone();
    noted.swap(1, 3);
    noted.swap(5, 6);
    assert_eq!(whole(&account(&noted, &names(0), &violation)), expected, "noted as sent, told as arrived");
    assert_eq!(short(&account(&moments, &names(0), &violation)), written);
}

#[test]
fn a_long_run_shows_faults_and_what_the_violation_concerns() {
    let (mut moments, violation) = (story(3, 1000), violation());
    moments.insert(
        500,
        moment(400_000, Lane::Client(2), What::Step, None, "begins a long sentence ".repeat(9).as_str()),
    );
    let written = short(&account(&moments, &[], &violation));
    assert!(written.lines().count() < 60, "{written}");
    assert!(written.contains(" more\n") && written.contains("begins a long sentence"), "{written}");
    assert_eq!(written.matches("\n ! ").count(), 11, "{written}");
    assert!(written.lines().all(|line| line.chars().count() <= 120), "{written}");
    let all = whole(&account(&moments, &[], &violation));
    assert!(all.lines().count() >= moments.len());
}

#[test]
fn a_violation_of_the_run_concerns_those_that_it_names() {
    let (mut moments, (at, mut violation)) = (story(20, 400), violation());
    violation.detail = "client 14 does not hold configmaps/a".to_owned();
    let last = moments.last_mut().expect("a story has an end");
    (last.lane, last.text) = (Lane::Run, violation.to_string());
    let found = (at, violation);
    let shown = account(&moments, &[], &found);
    assert_eq!(shown.concerned().into_iter().collect::<Vec<_>>(), [Lane::Client(14)]);
    let written = short(&shown);
    assert!(written.contains("> client 14 ") && !written.contains("client 11"), "{written}");
    assert_eq!(written.matches("client 14 does not hold").count(), 1, "{written}");
    // One that names nobody concerns the client that was answered last.
    let found = (at, Violation::new(Guarantee::OneAnswer, "request 7"));
    assert_eq!(account(&moments, &[], &found).concerned().into_iter().collect::<Vec<_>>(), [Lane::Client(2)]);
}

#[test]
fn a_page_escapes_the_runs_texts_and_makes_no_requests() {
    let (mut moments, violation) = (story(1, 8), violation());
    moments[2].text = "</script><script>alert(1)</script>\u{2028}\u{1}".to_owned();
    let html = page(&account(&moments, &names(1), &violation));
    assert!(html.contains("configmaps/&lt;b&gt;&amp;&quot;x&quot;"), "the banner is escaped");
    assert!(!html.contains("<b>") && !html.contains("alert(1)</"));
    assert!(html.contains(r"\u003c/script\u003e\u003cscript\u003ealert(1)\u003c/script\u003e\u2028\u0001"));
    assert_eq!(html.matches("</script>").count(), 2);
    assert!(html.contains(Guarantee::NoUpdateIsLost.sentence()) && html.contains("steersman sim 17"));
    let address = |word: &str| html.matches(word).count();
    assert_eq!((address("https:"), address("@import"), address("url("), address("src=")), (0, 0, 0, 0));
}

#[test]
fn a_page_of_a_very_long_run_keeps_its_end_and_its_faults() {
    let (moments, violation) = (story(5, 120_000), violation());
    let html = page(&account(&moments, &[], &violation));
    let faults = moments.iter().filter(|moment| moment.what == What::Fault).count();
    let kept = html.matches(",1,\"").count();
    assert!(kept >= faults && html.contains("stored over version 8"), "{kept} of {faults}");
    let left_out: usize =
        html.split("\"leftOut\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap().parse().unwrap();
    assert!(left_out > 0 && moments.len() - left_out <= PAGE_MOMENTS_MAX);
}

/// Pages to look at: `STEERSMAN_PAGES=FOLDER cargo test -p steersman-sim pages_to_look_at`.
#[test]
fn pages_to_look_at() {
    for (clients, ordinary) in [(3, 120), (30, 20_000)] {
        let (moments, violation, names) = (story(clients, ordinary), violation(), names(clients));
        let violation = (moments.last().map_or(0, |moment| moment.at.0 / 1000), violation.1);
        let facts = [("steps", "812".to_owned()), ("requests", "96".to_owned()), ("choices", "5".to_owned())];
        let html = page(&Account { facts: &facts, ..account(&moments, &names, &violation) });
        assert!(html.ends_with("</html>\n"));
        if let Some(folder) = std::env::var_os("STEERSMAN_PAGES") {
            let file = std::path::Path::new(&folder).join(format!("run-{clients}.html"));
            std::fs::write(&file, html).expect("the page can be written");
        }
    }
}
