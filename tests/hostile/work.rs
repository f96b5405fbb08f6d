//! Counts the work of a piece of code in a way that does not depend on the machine: the bytes that it allocates,
//! compares and moves. Searches among texts compare, sorted insertion moves, copies allocate. The system's functions
//! for comparing and moving are replaced in the whole test binary, which works on Linux, so that the tests run only
//! there.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static WORK: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
}

/// What any allocation, comparison or move counts at least.
const STEP: u64 = 8;

fn add(bytes: usize) {
    // A thread that ends has no counter any more.
    let _ = WORK.try_with(|work| work.set(work.get().wrapping_add(STEP + bytes as u64)));
}

/// Notes that so many more bytes are allocated, or fewer.
fn hold(bytes: i64) {
    // A thread that ends has no counter any more.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

/// How many bytes this thread has allocated and not given back.
pub(crate) fn held_bytes() -> i64 {
    HELD.get()
}

/// The result of a piece of code, and the work that it was.
pub(super) fn count<T>(code: impl FnOnce() -> T) -> (T, u64) {
    let before = WORK.get();
    let result = code();
    (result, WORK.get().wrapping_sub(before))
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        hold(layout.size() as i64);
        // SAFETY: the caller's promises are those that are wanted here.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        hold(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(size);
        hold(size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        hold(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

/// The comparison that comparisons of texts are compiled to; this one takes the place of the system's.
///
/// # Safety
/// Both blocks have so many bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(one: *const u8, other: *const u8, bytes: usize) -> i32 {
    let mut at = 0;
    while at < bytes {
        // SAFETY: `at` is inside of both blocks. Volatile, so that the loop is not compiled to a call of itself.
        let (left, right) = unsafe { (one.add(at).read_volatile(), other.add(at).read_volatile()) };
        if left != right {
            add(at);
            return i32::from(left) - i32::from(right);
        }
        at += 1;
    }
    add(at);
    0
}

/// As `memcmp`, for those who ask only whether blocks are equal.
///
/// # Safety
/// Both blocks have so many bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(one: *const u8, other: *const u8, bytes: usize) -> i32 {
    // SAFETY: the caller's promise.
    unsafe { memcmp(one, other, bytes) }
}

/// What moves inside a block are compiled to; this one takes the place of the system's.
///
/// # Safety
/// Both blocks have so many bytes; they may overlap.
#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    add(bytes);
    let words = bytes / 8;
    // SAFETY: all places are inside of the blocks, and each is read before a write reaches it. Volatile, so that
    // the loops are not compiled to a call of this function.
    unsafe {
        if to.cast_const() < from {
            for word in 0..words {
                let value = from.add(word * 8).cast::<[u8; 8]>().read_volatile();
                to.add(word * 8).cast::<[u8; 8]>().write_volatile(value);
            }
            for at in words * 8..bytes {
                to.add(at).write_volatile(from.add(at).read_volatile());
            }
        } else {
            for at in (words * 8..bytes).rev() {
                to.add(at).write_volatile(from.add(at).read_volatile());
            }
            for word in (0..words).rev() {
                let value = from.add(word * 8).cast::<[u8; 8]>().read_volatile();
                to.add(word * 8).cast::<[u8; 8]>().write_volatile(value);
            }
        }
    }
    to
}
