//! A frame of a watch, shared by its streams and rendered by the first of them that sends it.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use steersman_core::answer::Frame;

/// A frame that is rendered at most once.
#[derive(Debug)]
pub(crate) struct SharedFrame {
    frame: Frame,
    rendered: OnceLock<Bytes>,
}

impl SharedFrame {
    pub(crate) fn new(frame: Frame) -> Arc<Self> {
        Arc::new(Self { frame, rendered: OnceLock::new() })
    }

    /// The bytes of the frame. Streams that ask while another one renders it wait for that one.
    pub(crate) fn bytes(&self) -> Bytes {
        self.rendered.get_or_init(|| self.frame.render()).clone()
    }

    /// The number of bytes, or roughly that number before the frame is rendered.
    pub(crate) fn len_bytes(&self) -> usize {
        self.rendered.get().map_or_else(|| self.frame.len_bytes(), Bytes::len)
    }
}

#[cfg(test)]
impl From<Bytes> for SharedFrame {
    /// A frame that is rendered as these bytes.
    fn from(bytes: Bytes) -> Self {
        let failure = steersman_core::status::Failure::internal("a frame of a test");
        Self { frame: Frame::error(failure), rendered: OnceLock::from(bytes) }
    }
}
