//! Results of health checks, by check and probe.
//! k8s: staging/src/k8s.io/component-base/metrics/prometheus/slis/metrics.go

use std::collections::BTreeMap;

use super::text::MetricsWriter;
use steersman_core::answer::HealthResults;
use steersman_core::limits;

/// How often each check passed and failed, and its last result.
#[derive(Debug, Default)]
pub(super) struct HealthChecks {
    /// By name and probe.
    results: BTreeMap<(&'static str, &'static str), Results>,
}

#[derive(Debug, Default)]
struct Results {
    passed: u64,
    failed: u64,
    passed_last: bool,
}

impl HealthChecks {
    pub(super) fn add(&mut self, probed: &HealthResults) {
        for (passed, names) in [(true, &probed.passed), (false, &probed.failed)] {
            for name in names {
                let key = (*name, probed.probe);
                if self.results.len() >= limits::METRIC_SERIES && !self.results.contains_key(&key) {
                    continue;
                }
                let results = self.results.entry(key).or_default();
                results.passed += u64::from(passed);
                results.failed += u64::from(!passed);
                results.passed_last = passed;
            }
        }
    }

    pub(super) fn write(&self, out: &mut MetricsWriter) {
        if self.results.is_empty() {
            return;
        }
        let name = "kubernetes_healthcheck";
        out.head(name, "gauge", "[STABLE] This metric records the result of a single healthcheck.");
        for ((check, probe), results) in &self.results {
            out.sample(name, &[("name", check), ("type", probe)], u8::from(results.passed_last));
        }
        let name = "kubernetes_healthchecks_total";
        out.head(name, "counter", "[STABLE] This metric records the results of all healthcheck.");
        for ((check, probe), results) in &self.results {
            for (status, count) in [("error", results.failed), ("success", results.passed)] {
                if count > 0 {
                    out.sample(name, &[("name", check), ("status", status), ("type", probe)], count);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted_by_check_and_probe() {
        let mut checks = HealthChecks::default();
        let probes: [(&str, &[&str], &[&str]); 3] = [
            ("readyz", &["log", "ping"], &[]),
            ("livez", &["ping"], &["etcd"]),
            ("readyz", &["ping"], &["log"]),
        ];
        for (probe, passed, failed) in probes {
            checks.add(&HealthResults { probe, passed: passed.to_vec(), failed: failed.to_vec() });
        }
        let mut out = MetricsWriter::default();
        checks.write(&mut out);
        let expected = "\
# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.
# TYPE kubernetes_healthcheck gauge
kubernetes_healthcheck{name=\"etcd\",type=\"livez\"} 0
kubernetes_healthcheck{name=\"log\",type=\"readyz\"} 0
kubernetes_healthcheck{name=\"ping\",type=\"livez\"} 1
kubernetes_healthcheck{name=\"ping\",type=\"readyz\"} 1
# HELP kubernetes_healthchecks_total [STABLE] This metric records the results of all healthcheck.
# TYPE kubernetes_healthchecks_total counter
kubernetes_healthchecks_total{name=\"etcd\",status=\"error\",type=\"livez\"} 1
kubernetes_healthchecks_total{name=\"log\",status=\"error\",type=\"readyz\"} 1
kubernetes_healthchecks_total{name=\"log\",status=\"success\",type=\"readyz\"} 1
kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"livez\"} 1
kubernetes_healthchecks_total{name=\"ping\",status=\"success\",type=\"readyz\"} 2
";
        assert_eq!(out.into_text(), expected);
        HealthChecks::default().write(&mut MetricsWriter::default());
    }
}
