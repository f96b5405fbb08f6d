//! Compressed responses, for clients that ask for them and bodies that are large enough.
//! k8s: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/writers.go

use std::collections::VecDeque;
use std::io::Write;

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, HeaderMap};
use steersman_core::answer::ListBody;

/// Bodies smaller than this are not compressed.
pub(crate) const THRESHOLD_BYTES: usize = 128 * 1024;

/// How many bytes of a complete body are compressed at once.
const PIECE_BYTES: usize = 256 * 1024;

/// Whether a request allows gzip.
pub(crate) fn is_accepted(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| coding.trim() == "gzip")
}

/// A body that is compressed while the client reads it.
pub(crate) struct Compressor {
    /// The chunks that were rendered to find out that the body is large.
    begun: VecDeque<Bytes>,
    rest: Option<ListBody>,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl Compressor {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::new(VecDeque::from([bytes]), None)
    }

    /// Compresses a list. Err, with the whole body, if it is too small to compress.
    pub(crate) fn list(mut list: ListBody) -> Result<Self, Bytes> {
        let mut begun = VecDeque::new();
        let mut length = 0;
        while length < THRESHOLD_BYTES {
            let Some(chunk) = list.next_chunk() else {
                let mut whole = BytesMut::with_capacity(length);
                begun.iter().for_each(|chunk: &Bytes| whole.extend_from_slice(chunk));
                return Err(whole.freeze());
            };
            length += chunk.len();
            begun.push_back(chunk);
        }
        Ok(Self::new(begun, Some(list)))
    }

    fn new(begun: VecDeque<Bytes>, rest: Option<ListBody>) -> Self {
        Self { begun, rest, encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) }
    }

    /// The next compressed bytes; None at the end.
    pub(crate) fn next_chunk(&mut self) -> Option<Bytes> {
        loop {
            let plain = self.next_plain();
            let encoder = self.encoder.as_mut()?;
            match plain {
                Some(plain) => {
                    encoder.write_all(&plain).expect("writing to memory");
                    if !encoder.get_ref().is_empty() {
                        return Some(std::mem::take(encoder.get_mut()).into());
                    }
                }
                None => {
                    let encoder = self.encoder.take()?;
                    return Some(encoder.finish().expect("writing to memory").into());
                }
            }
        }
    }

    fn next_plain(&mut self) -> Option<Bytes> {
        if let Some(first) = self.begun.front_mut() {
            if first.len() > PIECE_BYTES {
                return Some(first.split_to(PIECE_BYTES));
            }
            return self.begun.pop_front();
        }
        self.rest.as_mut()?.next_chunk()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use http::HeaderValue;
    use std::io::Read;

    #[test]
    fn a_large_body_is_compressed_and_read_back() {
        let body: Vec<u8> = (0..1_000_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        let mut compressor = Compressor::whole(Bytes::from(body.clone()));
        let mut compressed = Vec::new();
        while let Some(chunk) = compressor.next_chunk() {
            compressed.extend_from_slice(&chunk);
        }
        let mut back = Vec::new();
        GzDecoder::new(compressed.as_slice()).read_to_end(&mut back).expect("gzip");
        assert!(back == body && compressed.len() < body.len());
    }

    #[test]
    fn gzip_must_be_named() {
        for (value, expected) in
            [("gzip", true), ("br, gzip", true), ("identity", false), ("gzip;q=0", false)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(value));
            assert_eq!(is_accepted(&headers), expected, "{value}");
        }
    }
}
