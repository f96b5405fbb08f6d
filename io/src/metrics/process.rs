//! The process's own metrics, read from Linux's /proc; left out on other systems.

use std::fs;

use steersman_core::now::Wall;

use super::text::MetricsWriter;

/// Clock ticks per second in /proc; the same on every Linux that Rust supports.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) fn write(out: &mut MetricsWriter, started: Wall) {
    let name = "process_start_time_seconds";
    out.head(name, "gauge", "When the process began to serve, seconds since 1970.");
    out.sample(name, &[], started.seconds());
    let figures = [
        ("process_cpu_seconds_total", "counter", "CPU time spent.", cpu_seconds()),
        ("process_resident_memory_bytes", "gauge", "Memory in use.", status_bytes("VmRSS:")),
        ("process_virtual_memory_bytes", "gauge", "Address space in use.", status_bytes("VmSize:")),
        ("process_open_fds", "gauge", "Open file descriptors.", open_descriptors()),
        ("process_max_fds", "gauge", "File descriptors that may be open.", most_descriptors()),
    ];
    for (name, kind, help, figure) in figures {
        if let Some(figure) = figure {
            out.head(name, kind, help);
            out.sample(name, &[], figure);
        }
    }
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The command's name, in parentheses, may contain blanks.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn status_bytes(field: &str) -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: f64 = line.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib * 1024.0)
}

fn open_descriptors() -> Option<f64> {
    Some(fs::read_dir("/proc/self/fd").ok()?.count() as f64)
}

fn most_descriptors() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}
