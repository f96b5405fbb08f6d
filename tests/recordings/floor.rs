//! In how many steps each group must agree. The file only rises.

use super::play::Outcome;
use std::path::PathBuf;
use std::sync::Mutex;

/// Raises the floors to what is found, when it is set.
const RAISE: &str = "STEERSMAN_RAISE_FLOORS";

/// Tests run side by side, and each rewrites the file when floors are raised.
static FILE: Mutex<()> = Mutex::new(());

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Agreement {
    pub(super) steps: u32,
    pub(super) agree: u32,
    pub(super) status: u32,
}

impl Agreement {
    pub(super) fn count(&mut self, outcome: &Outcome) {
        self.steps += 1;
        self.agree += u32::from(outcome.differences.is_empty());
        self.status += u32::from(outcome.is_status_equal);
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden-floor.tsv")
}

/// Rows of a group, its steps that agree and its steps whose status agrees.
fn rows(text: &str) -> Vec<(String, u32, u32)> {
    let row = |line: &str| {
        let mut words = line.split('\t');
        let mut next = || words.next().expect("three columns");
        let group = next().to_owned();
        let mut number = || next().parse().expect("a number");
        (group, number(), number())
    };
    text.lines().map(row).collect()
}

/// Fails when a group agrees in fewer steps than its floor says. A group whose subject is not served yet has none.
pub(super) fn hold(group: &str, found: Agreement) {
    let _alone = FILE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let text = std::fs::read_to_string(path()).expect("the floors can be read");
    let mut rows = rows(&text);
    let Some((_, agree, status)) = rows.iter_mut().find(|(name, _, _)| name == group) else { return };
    if std::env::var_os(RAISE).is_some() {
        (*agree, *status) = (found.agree.max(*agree), found.status.max(*status));
        let lines = rows.iter().map(|(group, agree, status)| format!("{group}\t{agree}\t{status}\n"));
        std::fs::write(path(), lines.collect::<String>()).expect("the floors can be written");
        return;
    }
    assert!(
        found.agree >= *agree && found.status >= *status,
        "{group}: {} of {} steps agree, {} in status; the floor is {agree}, {status} in status",
        found.agree,
        found.steps,
        found.status,
    );
}
