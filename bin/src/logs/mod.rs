//! The log: which lines are written (`-v`, `--vmodule`), and in which form (`--logging-format`).
//!
//! Upstream numbers what it logs by verbosity, and this program has levels: errors, warnings and information are always
//! written, requests from verbosity 3 on as upstream's, and what else helps to find errors from 4 on.
//! k8s: staging/src/k8s.io/component-base/logs/api/v1/options.go

mod fields;
mod json;
mod pattern;
mod text;

use std::io::Write;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::flags::{Flags, module_levels};
use pattern::Pattern;
use steersman_io::clock::wall_now;

/// The verbosity of the lines about requests.
/// k8s: staging/src/k8s.io/apiserver/pkg/server/httplog/httplog.go withLoggingLevel
const REQUESTS: u32 = 3;
/// The verbosity of what helps to find errors in this program, and of all that it can tell.
const DEBUG: u32 = 4;
const TRACE: u32 = 6;
/// The verbosity of what libraries tell.
const LIBRARIES: u32 = 8;

/// The form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LogFormat {
    Text,
    Json,
}

/// What the flags say of the log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogOptions {
    format: LogFormat,
    verbosity: u32,
    /// Verbosities of single files, by a pattern for their names.
    modules: Vec<(Pattern, u32)>,
}

impl LogOptions {
    /// # Errors
    /// Upstream's: a form that there is not, and patterns together with a form that does not have them.
    pub(crate) fn from_flags(flags: &Flags) -> Result<Self, String> {
        let levels =
            flags.list("vmodule").iter().map(|given| module_levels(given)).collect::<Result<Vec<_>, _>>()?;
        let modules: Vec<_> =
            levels.concat().into_iter().map(|(file, level)| (Pattern::new(&file), level)).collect();
        let given = flags.text("logging-format");
        let format = match given {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        };
        let mut errors = Vec::new();
        if format.is_none() {
            errors.push(format!("format: Invalid value: {given:?}: Unsupported log format"));
        }
        if !modules.is_empty() && !matches!(given, "" | "text") {
            errors.push("vmodule: Forbidden: Only supported for text log format".to_owned());
        }
        match (format, errors.as_slice()) {
            (Some(format), []) => {
                let verbosity = u32::try_from(flags.int("v")).unwrap_or_default();
                Ok(Self { format, verbosity, modules })
            }
            (_, [error]) => Err(error.clone()),
            (_, errors) => Err(format!("[{}]", errors.join(", "))),
        }
    }

    /// Writes the log to standard error from here on.
    pub(crate) fn start(self) {
        tracing_subscriber::registry().with(LogLayer { options: self, process: std::process::id() }).init();
    }

    /// Whether lines of this place and level are written.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let needed = verbosity_of(*metadata.level(), metadata.target());
        if needed <= self.verbosity {
            return true;
        }
        let Some(file) = metadata.file() else { return false };
        let name = file.rsplit('/').next().unwrap_or(file);
        let name = name.strip_suffix(".rs").unwrap_or(name);
        let found = self.modules.iter().find(|(pattern, _)| pattern.matches(name));
        found.is_some_and(|(_, level)| needed <= *level)
    }

    /// The most detailed level of which a line may be written.
    fn most(&self) -> LevelFilter {
        let most = self.modules.iter().map(|(_, level)| *level).chain([self.verbosity]).max();
        match most.unwrap_or_default() {
            ..REQUESTS => LevelFilter::INFO,
            REQUESTS..TRACE => LevelFilter::DEBUG,
            TRACE.. => LevelFilter::TRACE,
        }
    }
}

/// The verbosity from which on a line is written.
fn verbosity_of(level: Level, target: &str) -> u32 {
    match level {
        Level::ERROR | Level::WARN | Level::INFO => 0,
        _ if target == "httplog" => REQUESTS,
        Level::DEBUG if target.starts_with("steersman") => DEBUG,
        _ if target.starts_with("steersman") => TRACE,
        _ => LIBRARIES,
    }
}

/// Writes lines.
struct LogLayer {
    options: LogOptions,
    process: u32,
}

impl LogLayer {
    fn line(&self, event: &Event<'_>) -> String {
        let (metadata, now) = (event.metadata(), wall_now());
        let fields = fields::of(event);
        match self.options.format {
            LogFormat::Text => text::line(metadata, &fields, now, self.process),
            LogFormat::Json => {
                let verbosity = verbosity_of(*metadata.level(), metadata.target());
                json::line(metadata, &fields, now, verbosity)
            }
        }
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    /// The answer for a place in the program never changes, so that a line that is not written costs one comparison.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.options.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.options.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.options.most())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // Written at once, so that lines of different threads stay whole. There may be no reader any more.
        let _ = std::io::stderr().lock().write_all(self.line(event).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    fn told(line: &str) -> Result<LogOptions, String> {
        let given: Vec<String> = line.split_ascii_whitespace().map(String::from).collect();
        LogOptions::from_flags(&crate::flags::parse(&given)?)
    }

    #[test]
    fn wrong_values_are_refused_in_upstreams_words() {
        let cases = [
            ("--logging-format=xml", "format: Invalid value: \"xml\": Unsupported log format"),
            ("--logging-format=json --vmodule=a=1", "vmodule: Forbidden: Only supported for text log format"),
            (
                "--logging-format=xml --vmodule=a=1",
                "[format: Invalid value: \"xml\": Unsupported log format, vmodule: Forbidden: Only supported for text \
                 log format]",
            ),
            (
                "--vmodule=a",
                "invalid argument \"a\" for \"--vmodule\" flag: \"a\" does not have the pattern=N format",
            ),
            (
                "--vmodule=a=1,b=x",
                "invalid argument \"a=1,b=x\" for \"--vmodule\" flag: parsing verbosity in \"b=x\": \
                 strconv.ParseUint: parsing \"x\": invalid syntax",
            ),
            (
                "--v=-1",
                "invalid argument \"-1\" for \"-v, --v\" flag: strconv.ParseUint: parsing \"-1\": invalid syntax",
            ),
            (
                "--v=2147483648",
                "invalid argument \"2147483648\" for \"-v, --v\" flag: strconv.ParseUint: parsing \
                 \"2147483648\": value out of range",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(told(line).expect_err(line), expected, "{line}");
        }
    }

    /// Keeps the lines that are written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    struct KeepingLayer {
        inner: LogLayer,
        kept: Kept,
    }

    impl<S: Subscriber> Layer<S> for KeepingLayer {
        fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
            self.inner.options.wants(metadata)
        }

        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.kept.0.lock().expect("nobody panics").push(self.inner.line(event));
        }
    }

    fn lines(flags: &str, log: impl FnOnce()) -> Vec<String> {
        let (kept, options) = (Kept::default(), told(flags).expect(flags));
        let layer = KeepingLayer { inner: LogLayer { options, process: 7 }, kept: kept.clone() };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        std::mem::take(&mut *kept.0.lock().expect("nobody panics"))
    }

    fn request() {
        tracing::debug!(target: "httplog", verb = "GET", URI = "/a?b=\"", "audit-ID" = "x", resp = 200_u16, "HTTP");
    }

    #[test]
    fn what_is_written_depends_on_verbosity_and_files() {
        let all = || {
            tracing::info!("info");
            request();
            tracing::debug!("debug");
            tracing::trace!("trace");
            tracing::debug!(target: "h2::proto", "library");
        };
        let cases = [
            ("", "info"),
            ("-v=2", "info"),
            ("-v=3", "info HTTP"),
            ("-v=4", "info HTTP debug"),
            ("-v=6", "info HTTP debug trace"),
            ("-v=8", "info HTTP debug trace library"),
            ("--vmodule=mod=4", "info HTTP debug"),
            ("--vmodule=m?d=3", "info HTTP"),
            ("--vmodule=other=9,mo*=4,mod=9", "info HTTP debug"),
            ("--vmodule=other=9", "info"),
            ("-v=3 --vmodule=mod=0", "info HTTP"),
        ];
        for (flags, expected) in cases {
            let found = lines(flags, all);
            let words: Vec<&str> = found.iter().filter_map(|line| line.split('"').nth(1)).collect();
            assert_eq!(words.join(" "), expected, "{flags}: {found:?}");
        }
    }

    #[test]
    fn a_library_knows_the_most_detailed_level() {
        let cases = [("", LevelFilter::INFO), ("-v=3", LevelFilter::DEBUG), ("-v=6", LevelFilter::TRACE)];
        for (flags, expected) in cases {
            assert_eq!(told(flags).expect(flags).most(), expected, "{flags}");
        }
        assert_eq!(told("--vmodule=a=3").expect("flags").most(), LevelFilter::DEBUG);
    }

    #[test]
    fn a_request_is_a_line_as_klog_writes_it() {
        let found = lines("-v=3", request);
        let [line] = found.as_slice() else { panic!("{found:?}") };
        let (head, rest) = line.split_once("] ").expect("a head");
        assert_eq!(rest, "\"HTTP\" verb=\"GET\" URI=\"/a?b=\\\"\" audit-ID=\"x\" resp=200\n");
        let words: Vec<&str> = head.split_ascii_whitespace().collect();
        let [date, time, process, place] = words.as_slice() else { panic!("{head}") };
        assert!(date.len() == 5 && date.starts_with('I'), "{date}");
        assert_eq!((time.len(), *process), ("15:04:05.000000".len(), "7"));
        assert!(place.starts_with("mod.rs:"), "{place}");
        let found = lines("", || tracing::error!(error = %"no room", tries = 3, done = false, "it failed"));
        assert!(found[0].starts_with('E'), "{found:?}");
        assert!(found[0].ends_with("] \"it failed\" error=\"no room\" tries=3 done=false\n"), "{found:?}");
        assert!(lines("", || tracing::warn!("w"))[0].starts_with('W'));
    }

    #[test]
    fn a_request_is_a_json_text_as_upstream_writes_it() {
        let found = lines("-v=3 --logging-format=json", request);
        let [line] = found.as_slice() else { panic!("{found:?}") };
        assert!(line.starts_with("{\"ts\":") && line.ends_with("}\n"), "{line}");
        let read: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let caller = read["caller"].as_str().expect("a place");
        assert!(caller.starts_with("logs/mod.rs:"), "{caller}");
        assert!(read["ts"].as_f64().expect("milliseconds") > 1.7e12);
        let rest = "\"msg\":\"HTTP\",\"v\":3,\"verb\":\"GET\",\"URI\":\"/a?b=\\\"\",\"audit-ID\":\"x\",\"resp\":200}\n";
        assert!(line.ends_with(rest), "{line}");
        let found = lines("--logging-format=json", || tracing::error!(error = %"no room", "it failed"));
        assert!(found[0].ends_with("\"msg\":\"it failed\",\"error\":\"no room\"}\n"), "{found:?}");
        let found = lines("--logging-format=json", || tracing::info!("ready"));
        assert!(found[0].ends_with("\"msg\":\"ready\",\"v\":0}\n"), "{found:?}");
    }
}
