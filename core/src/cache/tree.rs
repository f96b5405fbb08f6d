//! A persistent ordered map: clones share everything, a write copies one path.
