//! Bugs of watches: several changes of one revision, and the end of their server.

use super::{
    Flaw, KEYS, config, make, put, seen, server, server_with, stored, version, watch, write_unheard,
};
use steersman_core::config::Config;
use steersman_core::limits::Bounds;
use steersman_core::machine::{Drain, Input};
use steersman_sim::driver::Driver;

pub(super) fn rest_of_revision_lost(flaw: Flaw) -> bool {
    let bounds = Bounds { watcher_queue_frames: 2, ..Bounds::PRODUCTION };
    let mut driver = server_with(Config { bounds, ..config(flaw) });
    let from = version(&make(&mut driver, "a", "x"));
    let id = watch(&mut driver, &format!("resourceVersion={from}"));
    driver.stop_reading(id);
    make(&mut driver, "b", "x");
    write_together(&mut driver, ["c", "d", "e"]);
    driver.read_again(id);
    seen(&mut driver, id) != ["ADDED b", "ADDED c", "ADDED d", "ADDED e"]
}

/// Copies the object `a` under other names, all in one revision.
fn write_together<const N: usize>(driver: &mut Driver, names: [&str; N]) {
    let text = stored(driver, "a");
    let copy = |name: &str| put(&format!("{KEYS}{name}"), &text.replace("\"a\"", &format!("\"{name}\"")));
    write_unheard(driver, names.map(copy).into());
    driver.pass(1);
}

pub(super) fn revision_in_pieces(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let from = version(&make(&mut driver, "a", "x"));
    let id = watch(&mut driver, &format!("resourceVersion={from}"));
    driver.stop_reading(id);
    write_together(&mut driver, ["b", "c", "d"]);
    let frames = driver.untaken(id);
    driver.read_again(id);
    assert_eq!(seen(&mut driver, id), ["ADDED b", "ADDED c", "ADDED d"]);
    let late = watch(&mut driver, &format!("resourceVersion={from}"));
    assert_eq!(seen(&mut driver, late), ["ADDED b", "ADDED c", "ADDED d"]);
    frames != 1
}

pub(super) fn drain_leaves_watches(flaw: Flaw) -> bool {
    let mut driver = server(flaw);
    let id = watch(&mut driver, "");
    driver.give(Input::Drain(Drain::default()));
    driver.pass(1_000);
    driver.is_open(id)
}
