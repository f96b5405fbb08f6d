//! Ranges of ports, as flags and stored allocations name them.
//! k8s: staging/src/k8s.io/apimachinery/pkg/util/net/port_range.go

use core::fmt;

/// A range of ports. Its text is `base-last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    base: u16,
    /// The number of ports.
    size: u32,
}

impl PortRange {
    /// The ports that nodes forward to services where nothing else is configured.
    pub const NODE_PORTS: Self = Self { base: 30_000, size: 2_768 };

    /// The range from one port to another; None when it would be empty.
    pub const fn between(base: u16, last: u16) -> Option<Self> {
        if last < base {
            return None;
        }
        Some(Self { base, size: last as u32 - base as u32 + 1 })
    }

    /// Reads `base-last`, `base+more` or a single port.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((base, last)) = text.split_once('-') {
            return Self::between(base.parse().ok()?, last.parse().ok()?);
        }
        if let Some((base, more)) = text.split_once('+') {
            let base: u16 = base.parse().ok()?;
            let last = u32::from(base) + more.parse::<u32>().ok()?;
            // A range that ends beyond the last port ends at the last port.
            return Self::between(base, u16::try_from(last).unwrap_or(u16::MAX));
        }
        let only = text.parse().ok()?;
        Self::between(only, only)
    }

    pub fn size(&self) -> u32 {
        self.size
    }

    pub fn contains(&self, port: i64) -> bool {
        self.index_of(port).is_some()
    }

    /// The place of a port in the range.
    pub fn index_of(&self, port: i64) -> Option<u32> {
        let index = u32::try_from(port.checked_sub(i64::from(self.base))?).ok()?;
        (index < self.size).then_some(index)
    }

    /// The port at a place in the range.
    pub fn port_at(&self, index: u32) -> i64 {
        i64::from(self.base) + i64::from(index)
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.base, self.port_at(self.size.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn ranges_are_read_and_shown() {
        let table = [
            ("30000-32767", Some("30000-32767")),
            ("30000+10", Some("30000-30010")),
            ("80", Some("80-80")),
            ("0-65535", Some("0-65535")),
            ("65530+10", Some("65530-65535")),
            ("2-1", None),
            ("1-65536", None),
            ("", None),
            ("x", None),
        ];
        for (text, shown) in table {
            assert_eq!(PortRange::parse(text).map(|range| range.to_string()).as_deref(), shown, "{text}");
        }
        let range = PortRange::NODE_PORTS;
        assert_eq!(range.to_string(), "30000-32767");
        let places = [29_999, 30_000, 32_767, 32_768].map(|port| range.index_of(port));
        assert_eq!(places, [None, Some(0), Some(2767), None]);
        assert_eq!(range.port_at(2767), 32_767);
    }
}
