//! Bodies, patches and queries that try to keep a server busy. The work for each is counted and not timed: bytes that
//! are allocated, compared and moved. Twice the input may cost only little more than twice the work.
//!
//! `HOSTILE_BYTES` sets how large the inputs are; with it the time of each is printed, to be read by people.

mod bodies;
mod patches;
mod work;

pub(crate) use work::held_bytes;

use crate::conditions::server;
use steersman_sim::driver::Driver;

/// A request that grows with a number of bytes.
struct Case {
    name: &'static str,
    /// Requests that prepare the server, of the same size.
    before: fn(usize) -> Vec<Request>,
    request: fn(usize) -> Request,
}

struct Request {
    method: &'static str,
    target: String,
    media: &'static str,
    body: Vec<u8>,
}

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

impl Request {
    fn new(method: &'static str, target: &str, media: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Self { method, target: target.into(), media, body: body.into() }
    }

    fn send(&self, driver: &mut Driver) -> u16 {
        let headers = [("content-type", self.media), ("accept", JSON)];
        driver.call(self.method, &self.target, &headers, &self.body).status
    }

    fn bytes(&self) -> usize {
        self.body.len() + self.target.len()
    }
}

/// Items until they are so many bytes, with commas between them.
fn items(bytes: usize, mut item: impl FnMut(usize) -> String) -> String {
    let mut out = String::with_capacity(bytes + 64);
    let mut number = 0;
    while out.len() < bytes {
        if number > 0 {
            out.push(',');
        }
        out.push_str(&item(number));
        number += 1;
    }
    out
}

/// What a request costs on a server of its own.
fn measured(case: &Case, bytes: usize) -> (u64, Request, u16, std::time::Duration) {
    let mut driver = server("h");
    for request in (case.before)(bytes) {
        let status = request.send(&mut driver);
        assert!(
            (200..300).contains(&status),
            "{}: {} {}: {status}",
            case.name,
            request.method,
            request.target
        );
    }
    let request = (case.request)(bytes);
    let start = std::time::Instant::now();
    let (status, work) = work::count(|| request.send(&mut driver));
    (work, request, status, start.elapsed())
}

/// Work for small inputs is mostly that of any request.
const SMALL_BYTES: usize = 24 * 1024;

/// Work of one byte of any input, at most. A string is read, kept, shaped, compared and written several times over.
const WORK_OF_A_BYTE: u64 = 2_500;

#[expect(clippy::print_stdout, reason = "what each case costs, for those who ask for it by HOSTILE_BYTES")]
#[test]
fn work_grows_with_the_input_and_no_faster() {
    let wanted = std::env::var("HOSTILE_BYTES").ok().and_then(|bytes| bytes.parse().ok());
    let only = std::env::var("HOSTILE_CASE").unwrap_or_default();
    let mut failures = Vec::new();
    for case in bodies::CASES.iter().chain(patches::CASES).filter(|case| case.name.contains(&only)) {
        if let Some(bytes) = wanted {
            let (work, request, status, time) = measured(case, bytes);
            let (kilobytes, each) = (request.bytes() / 1024, work / request.bytes() as u64);
            println!(
                "{:>7.1} ms {kilobytes:>5} KiB {each:>6} each {status} {}",
                time.as_secs_f64() * 1e3,
                case.name
            );
            continue;
        }
        let (once, ..) = measured(case, SMALL_BYTES);
        let (twice, request, ..) = measured(case, 2 * SMALL_BYTES);
        let each = twice / request.bytes() as u64;
        if twice > 3 * once || each > WORK_OF_A_BYTE {
            failures.push(format!("{}: {once}, then {twice}, {each} a byte", case.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_count_of_work_includes_allocations_comparisons_and_moves() {
    let square = |size: usize| {
        let texts: Vec<String> = (0..size).map(|number| format!("{number:08}")).collect();
        let (_, work) = work::count(|| texts.iter().filter(|text| texts.contains(text)).count());
        work
    };
    assert!(square(400) > 3 * square(200), "comparisons are counted");
    let moves = |size: usize| {
        let (_, work) = work::count(|| {
            (0..size as u64).fold(Vec::new(), |mut all, number| {
                all.insert(0, number);
                all
            })
        });
        work
    };
    assert!(moves(2000) > 3 * moves(1000), "moves are counted");
}
