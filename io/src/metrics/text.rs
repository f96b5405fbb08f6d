//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write};

use super::histogram::Histogram;

/// Writes metrics one after another.
#[derive(Default)]
pub(super) struct MetricsWriter {
    out: String,
}

impl MetricsWriter {
    pub(super) fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.out.push_str(name);
        self.labels(labels, None);
        self.write(format_args!(" {value}\n"));
    }

    pub(super) fn histogram(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        for (bound, count) in histogram.cumulated() {
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
            self.write(format_args!("{name}_bucket"));
            self.labels(labels, Some(&bound));
            self.write(format_args!(" {count}\n"));
        }
        self.write(format_args!("{name}_sum"));
        self.labels(labels, None);
        self.write(format_args!(" {}\n{name}_count", histogram.sum()));
        self.labels(labels, None);
        self.write(format_args!(" {}\n", histogram.count()));
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }

    fn labels(&mut self, labels: &[(&str, &str)], bound: Option<&str>) {
        let pairs = labels.iter().copied().chain(bound.map(|bound| ("le", bound)));
        let mut opened = false;
        for (name, value) in pairs {
            self.out.push(if opened { ',' } else { '{' });
            opened = true;
            self.write(format_args!("{name}=\""));
            for character in value.chars() {
                match character {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    other => self.out.push(other),
                }
            }
            self.out.push('"');
        }
        if opened {
            self.out.push('}');
        }
    }

    fn write(&mut self, arguments: std::fmt::Arguments<'_>) {
        self.out.write_fmt(arguments).expect("writing to a string");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn samples_and_histograms_read_as_prometheus_expects() {
        let mut out = MetricsWriter::default();
        out.head("a", "counter", "Help.");
        out.sample("a", &[("x", "q\"\\\n"), ("y", "")], 3);
        out.sample("b", &[], 1.5);
        let mut histogram = Histogram::new(&[0.5]);
        histogram.observe(Duration::from_secs(1));
        out.histogram("c", &[("v", "GET")], &histogram);
        let expected = "# HELP a Help.\n# TYPE a counter\na{x=\"q\\\"\\\\\\n\",y=\"\"} 3\nb 1.5\n\
            c_bucket{v=\"GET\",le=\"0.5\"} 0\nc_bucket{v=\"GET\",le=\"+Inf\"} 1\nc_sum{v=\"GET\"} 1\n\
            c_count{v=\"GET\"} 1\n";
        assert_eq!(out.into_text(), expected);
    }
}
