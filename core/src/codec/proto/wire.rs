//! The protobuf wire: fields with numbers, payloads of four kinds.

/// Bytes that are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// The bytes do not begin with `k8s\0`.
    NoEnvelope,
    /// The bytes end in the middle of a field.
    UnexpectedEnd,
    /// A number takes more than 64 bits.
    Overflow,
    /// A wire type that is not in use, or a field number that is none.
    IllegalTag,
    InvalidUtf8,
}

impl WireError {
    /// As Go's generated code says it.
    pub fn text(self) -> &'static str {
        match self {
            Self::NoEnvelope => {
                "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
            }
            Self::UnexpectedEnd => "unexpected EOF",
            Self::Overflow => "proto: integer overflow",
            Self::IllegalTag => "proto: illegal tag",
            Self::InvalidUtf8 => "proto: invalid UTF-8",
        }
    }
}

/// The payload of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

/// Walks the fields of a message.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field; None at the end of the message.
    pub(crate) fn field(&mut self) -> Result<Option<(u32, Payload<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| WireError::IllegalTag)?;
        if number == 0 {
            return Err(WireError::IllegalTag);
        }
        let payload = match key & 7 {
            0 => Payload::Varint(self.varint()?),
            1 => Payload::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let len = usize::try_from(self.varint()?).map_err(|_| WireError::UnexpectedEnd)?;
                Payload::Bytes(self.take(len)?)
            }
            5 => Payload::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(WireError::IllegalTag),
        };
        Ok(Some((number, payload)))
    }

    pub(crate) fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array::<1>()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError::Overflow)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(WireError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(WireError::UnexpectedEnd)?;
        self.rest = rest;
        Ok(head)
    }
}

pub(crate) fn text(bytes: &[u8]) -> Result<&str, WireError> {
    core::str::from_utf8(bytes).map_err(|_| WireError::InvalidUtf8)
}
