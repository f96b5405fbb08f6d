//! `steersman serve --help`: flags by section, one a line.

use std::fmt::Write;

use super::{Flag, FlagType, shown};

/// The whole help.
pub(crate) fn help(program: &str) -> String {
    let mut out = String::new();
    let mut line = |text: &str| writeln!(out, "{text}").expect("writing to a string");
    line("Serves the Kubernetes API.\n");
    line(
        "The flags are kube-apiserver's. Some have no effect yet. Those that promise protection which is not served",
    );
    line(
        "yet stop the start, unless they have their default value or --allow-unimplemented-flags names them.",
    );
    line("Without a flag that says who may connect, an administrator's certificate is made, and the server");
    line("listens on 127.0.0.1 only.\n");
    line(
        "Exit codes: 0 after a signal, 1 when the start or the server fails, 2 when a flag promises protection that",
    );
    line("is not served.\n");
    line(&format!("Usage:\n  {program} [flags]"));
    for section in shown() {
        line(&format!("\n{} flags:\n", section.name));
        let width = section.flags.iter().map(|flag| heading(flag).len()).max().unwrap_or(0);
        for flag in section.flags {
            line(format!("{:width$}   {}", heading(flag), description(flag)).trim_end());
        }
    }
    out
}

fn heading(flag: &Flag) -> String {
    let short = match flag.name {
        "v" => "-v, ",
        "help" => "-h, ",
        _ => "    ",
    };
    let word = match flag.kind {
        FlagType::Version => flag.kind.word().trim_start_matches("version").to_owned(),
        kind if kind.word().is_empty() => String::new(),
        kind => format!(" {}", kind.word()),
    };
    // Written out as well by those who look for a flag at the start of a line.
    format!("  {short}--{}{word}", flag.name)
}

/// What a flag does, and its default.
pub(super) fn description(flag: &Flag) -> String {
    let usage = flag.usage;
    match (flag.default, flag.kind) {
        ("", _) | ("false", FlagType::Bool) => usage.to_owned(),
        (
            default,
            FlagType::Str
            | FlagType::Duration
            | FlagType::Int
            | FlagType::Bool
            | FlagType::Ip
            | FlagType::PortRange,
        ) => {
            format!("{usage} (default {default})")
        }
        (default, _) => format!("{usage} (default [{default}])"),
    }
}
