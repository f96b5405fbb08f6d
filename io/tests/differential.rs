//! The core's machine answers as etcd does. It runs inside the embedded store without a disk.

use steersman_io::store::embedded::Embedded;

use crate::beside_etcd::compare_with_etcd;

#[test]
fn the_machine_answers_as_etcd_does() {
    compare_with_etcd(|| Box::new(Embedded::in_memory().expect("a store")));
}
