//! Buffers that are sent together without copying them into one.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// A sequence of buffers, which hyper writes with one call. None of those in `rest` is empty.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    first: Bytes,
    rest: VecDeque<Bytes>,
    rest_bytes: usize,
}

impl From<Bytes> for Pieces {
    fn from(bytes: Bytes) -> Self {
        Self { first: bytes, rest: VecDeque::new(), rest_bytes: 0 }
    }
}

impl From<VecDeque<Bytes>> for Pieces {
    fn from(mut rest: VecDeque<Bytes>) -> Self {
        rest.retain(|bytes| !bytes.is_empty());
        let first = rest.pop_front().unwrap_or_default();
        Self { first, rest_bytes: rest.iter().map(Bytes::len).sum(), rest }
    }
}

impl Pieces {
    /// The first piece, as it is.
    pub(crate) fn take_first(&mut self) -> Option<Bytes> {
        let next = self.rest.pop_front().unwrap_or_default();
        self.rest_bytes -= next.len();
        Some(std::mem::replace(&mut self.first, next)).filter(|bytes| !bytes.is_empty())
    }

    /// The front, of at most so many bytes, which is all when there are no more.
    pub(crate) fn take_front(&mut self, most: usize) -> Self {
        if self.remaining() <= most {
            return std::mem::take(self);
        }
        let mut front = VecDeque::new();
        let mut left = most;
        while left > 0 {
            if self.first.len() > left {
                front.push_back(self.first.split_to(left));
                break;
            }
            let Some(whole) = self.take_first() else { break };
            left -= whole.len();
            front.push_back(whole);
        }
        Self::from(front)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

impl Buf for Pieces {
    fn remaining(&self) -> usize {
        self.first.len() + self.rest_bytes
    }

    fn chunk(&self) -> &[u8] {
        &self.first
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let pieces = std::iter::once(&self.first).chain(&self.rest).filter(|bytes| !bytes.is_empty());
        let filled = slices.iter_mut().zip(pieces).map(|(slice, bytes)| *slice = IoSlice::new(bytes));
        filled.count()
    }

    fn advance(&mut self, mut count: usize) {
        assert!(count <= self.remaining(), "no more is taken than there is");
        while count >= self.first.len() {
            let Some(next) = self.rest.pop_front() else { break };
            count -= self.first.len();
            self.rest_bytes -= next.len();
            self.first = next;
        }
        self.first.advance(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_reading_gives_the_same_bytes() {
        let parts = ["one", "", "three", "4", ""];
        let whole: String = parts.concat();
        let pieces = || {
            Pieces::from(
                parts.map(|part| Bytes::from_static(part.as_bytes())).into_iter().collect::<VecDeque<_>>(),
            )
        };
        for step in 1..=whole.len() {
            let (mut left, mut read) = (pieces(), Vec::new());
            while left.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 4];
                let count = left.chunks_vectored(&mut slices);
                let seen: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
                assert_eq!((seen.len(), left.chunk()), (left.remaining(), &seen[..left.chunk().len()]));
                let step = step.min(seen.len());
                read.extend_from_slice(&seen[..step]);
                left.advance(step);
            }
            assert_eq!((read.as_slice(), left.chunk()), (whole.as_bytes(), &b""[..]), "steps of {step}");
        }
        for most in 1..=whole.len() + 1 {
            let (mut left, mut read) = (pieces(), Vec::new());
            while !left.is_empty() {
                let mut front = left.take_front(most);
                let length = front.remaining();
                assert!(length == most || left.is_empty() && length <= most, "{length} of at most {most}");
                read.extend_from_slice(&front.copy_to_bytes(length));
            }
            assert_eq!(read, whole.as_bytes(), "at most {most}");
        }
        let mut left = pieces();
        let taken: Vec<Bytes> = std::iter::from_fn(|| left.take_first()).collect();
        assert_eq!((taken, left.has_remaining()), (vec!["one".into(), "three".into(), "4".into()], false));
        assert!(!Pieces::from(VecDeque::new()).has_remaining());
    }
}
