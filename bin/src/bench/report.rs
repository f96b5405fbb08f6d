//! The figures as Markdown, beside kube-apiserver's and what is aimed at.

use std::fmt::Write;
use std::time::Duration;

use super::definitions::DefinitionFigures;
use super::operations::{BenchOperation, Measured, Results};
use super::options::BenchOptions;

/// What an operation costs kube-apiserver v1.36.2 on two cores with 10,000 pods, and what is aimed at;
/// microseconds of CPU time.
struct Reference {
    kube_micros: f64,
    target_micros: f64,
}

impl BenchOperation {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create a pod",
            Self::Get => "get a pod",
            Self::ListAll => "list all pods",
            Self::ListPage => "list a page of 500",
            Self::ListByNode => "list by node (1 of 100)",
            Self::ListByLabel => "list by label (1 of 50)",
            Self::StatusPatch => "patch a status",
            Self::WatchEvent => "deliver a watch event",
        }
    }

    fn reference(self) -> Reference {
        let (kube_micros, target_micros) = match self {
            Self::Create => (1600.0, 250.0),
            Self::Get => (490.0, 35.0),
            Self::ListAll => (680_000.0, 40_000.0),
            Self::ListPage => (32_000.0, 2500.0),
            Self::ListByNode => (6300.0, 500.0),
            Self::ListByLabel => (17_000.0, 1500.0),
            Self::StatusPatch => (2800.0, 300.0),
            Self::WatchEvent => (24.0, 2.4),
        };
        Reference { kube_micros, target_micros }
    }
}

pub(super) fn markdown(options: &BenchOptions, results: &Results) -> String {
    let mut out = String::new();
    let protocol = if options.is_http2 { "HTTP/2" } else { "HTTP/1.1" };
    let line = format!(
        "{} pods of {} bytes, {} storage, TLS and {protocol}, {} connections, {} watchers, {} on a connection{}\n\n",
        options.pods,
        options.pod_bytes,
        options.storage,
        options.connections,
        options.watchers,
        options.streams,
        if options.roles > 0 {
            format!(", RBAC with {} roles and bindings", options.roles)
        } else {
            String::new()
        }
    );
    out.push_str(&line);
    out.push_str("| operation | CPU | floor | ratio | p50 | p90 | p99 | bytes | target ");
    out.push_str("| kube-apiserver v1.36.2 | of it |\n");
    out.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for measured in &results.measured {
        row(&mut out, measured);
    }
    out.push_str("\n| | measured | target | kube-apiserver v1.36.2 |\n|---|--:|--:|--:|\n");
    let [first, next] = results.starts_in_process;
    let figures = [
        ("start to /readyz", time(results.start), "100 ms", "2.4 s"),
        ("start in process, the first", time(first), "10 ms", ""),
        ("start in process, a further one", time(next), "10 ms", ""),
        ("resident, idle", megabytes(results.idle_bytes), "30 MB", "258 MB"),
        ("resident, pods created", megabytes(results.full_bytes), "120 MB", "1190 MB"),
        ("resident, at the end", megabytes(results.end_bytes), "", ""),
    ];
    for (name, measured, target, kube) in figures {
        writeln!(out, "| {name} | {measured} | {target} | {kube} |").expect("writing to a string");
    }
    out
}

/// What definitions cost, with what is aimed at for 1,000 of them.
pub(super) fn of_definitions(figures: &DefinitionFigures) -> String {
    let DefinitionFigures { count, served: [p50, p90, p99], object, config_map, restart, .. } = figures;
    let ratio = object.cpu.as_secs_f64() / config_map.cpu.as_secs_f64();
    let [ready, all_served] = *restart;
    let rows = [
        ("a definition is served, p50".to_owned(), time(*p50), ""),
        ("p90".into(), time(*p90), ""),
        ("p99".into(), time(*p99), "50 ms"),
        ("CPU of a definition".into(), time(figures.cpu), "1.00 ms"),
        ("resident, idle, without definitions".into(), megabytes(figures.idle_bytes), "30 MB"),
        (format!("resident, {count} definitions"), megabytes(figures.full_bytes), "150 MB"),
        ("start with them to /readyz".into(), time(ready), ""),
        ("start with them until all are served".into(), time(all_served), ""),
        ("CPU of that start".into(), time(figures.restart_cpu), ""),
        ("resident after that start".into(), megabytes(figures.restart_bytes), "150 MB"),
        (format!("create a custom object of {} bytes", object.bytes), time(object.cpu), ""),
        (format!("create a ConfigMap of {} bytes", config_map.bytes), time(config_map.cpu), ""),
        ("ratio of these".into(), format!("{ratio:.1}"), "2"),
        ("apply the rule `self.a <= self.b`".into(), time(figures.comparison), "5.00 µs"),
    ];
    let mut out = String::from("| | measured | target |\n|---|--:|--:|\n");
    for (name, measured, target) in rows {
        writeln!(out, "| {name} | {measured} | {target} |").expect("writing to a string");
    }
    out
}

fn row(out: &mut String, measured: &Measured) {
    let Measured { operation, figures, floor } = measured;
    let Reference { kube_micros, target_micros } = operation.reference();
    let cpu_micros = figures.cpu.as_secs_f64() * 1e6;
    let ratio = floor.map(|floor| format!("{:.1}", cpu_micros / (floor.as_secs_f64() * 1e6)));
    let [p50, p90, p99] = match figures.percentiles {
        Some(percentiles) => percentiles.map(time),
        None => Default::default(),
    };
    let cells = [
        operation.name().to_owned(),
        time(figures.cpu),
        floor.map(time).unwrap_or_default(),
        ratio.unwrap_or_default(),
        p50,
        p90,
        p99,
        if figures.bytes == 0 { String::new() } else { figures.bytes.to_string() },
        micros(target_micros),
        micros(kube_micros),
        format!("1/{:.0}", kube_micros / cpu_micros),
    ];
    writeln!(out, "| {} |", cells.join(" | ")).expect("writing to a string");
}

fn time(duration: Duration) -> String {
    micros(duration.as_secs_f64() * 1e6)
}

/// Three digits or so, in the unit that suits.
fn micros(micros: f64) -> String {
    let (number, unit) = if micros < 1000.0 {
        (micros, "µs")
    } else if micros < 1e6 {
        (micros / 1000.0, "ms")
    } else {
        (micros / 1e6, "s")
    };
    let digits = match number {
        number if number < 10.0 => 2,
        number if number < 100.0 => 1,
        _ => 0,
    };
    format!("{number:.digits$} {unit}")
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_have_three_digits() {
        for (micros, expected) in
            [(2.4, "2.40 µs"), (35.0, "35.0 µs"), (250.0, "250 µs"), (2500.0, "2.50 ms"), (2.4e6, "2.40 s")]
        {
            assert_eq!(super::micros(micros), expected);
        }
    }
}
