//! The names of time zones, as the IANA's database has them: `time_zones.txt`, sorted.
//! Go: src/time/zoneinfo.go LoadLocation

use alloc::format;
use alloc::string::String;

static NAMES: &str = include_str!("time_zones.txt");

/// Checks that a time zone can be loaded, as Go's `time.LoadLocation` does: names are case sensitive.
///
/// # Errors
/// Go's sentence.
pub fn load_location(name: &str) -> Result<(), String> {
    if matches!(name, "" | "UTC" | "Local") {
        return Ok(());
    }
    if name.starts_with(['/', '\\']) || has_dot_dot(name) {
        return Err("time: invalid location name".into());
    }
    if NAMES.lines().any(|known| known == name) {
        return Ok(());
    }
    Err(format!("unknown time zone {name}"))
}

/// Two dots that are a whole part of a path.
fn has_dot_dot(name: &str) -> bool {
    name.split(['/', '\\']).any(|part| part == "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn names_are_those_of_the_database() {
        let good =
            ["", "UTC", "Local", "Europe/Zurich", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "EST5EDT"];
        for name in good {
            assert_eq!(load_location(name), Ok(()), "{name}");
        }
        let invalid = "time: invalid location name";
        let bad = [
            ("europe/zurich", "unknown time zone europe/zurich"),
            ("Mars/X", "unknown time zone Mars/X"),
            ("Europe", "unknown time zone Europe"),
            ("/Europe/Zurich", invalid),
            ("../Zurich", invalid),
            ("Europe/..", invalid),
        ];
        for (name, sentence) in bad {
            assert_eq!(load_location(name), Err(sentence.into()), "{name}");
        }
    }

    #[test]
    fn names_are_sorted() {
        let names: Vec<&str> = NAMES.lines().collect();
        assert!(names.len() > 500 && names.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
