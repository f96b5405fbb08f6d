//! Moves over a JSON text without making a tree of it.

use super::{Parser, Parsing};
use crate::codec::json::container_end;

impl Parser<'_> {
    /// Moves over a value that is kept as a text.
    pub(super) fn pass_text(&mut self) -> Parsing<()> {
        if self.stored
            && self.peek() == Some(b'{')
            && let Some(end) = container_end(self.text, self.at)
        {
            self.at = end;
            return Ok(());
        }
        self.pass()
    }

    /// Moves over a value, of which only the syntax is looked at.
    pub(crate) fn pass(&mut self) -> Parsing<()> {
        match self.peek() {
            Some(b'"') => self.text().map(drop),
            Some(b'{') => self.members(&mut |parser, _| parser.pass()),
            Some(b'[') => self.nested(|parser| parser.several(b']', "after array element", &mut Self::pass)),
            Some(_) | None => self.value().map(drop),
        }
    }

    /// Moves over an object. Its members are read by a function, which gets their names and moves over their values.
    pub(crate) fn members(&mut self, read: &mut dyn FnMut(&mut Self, &str) -> Parsing<()>) -> Parsing<()> {
        if self.peek() != Some(b'{') {
            return Err(self.unexpected("looking for beginning of object"));
        }
        self.nested(|parser| {
            parser.several(b'}', "after object key:value pair", &mut |parser| {
                let name = parser.name()?;
                read(parser, &name)
            })
        })
    }

    /// Moves over items and the bracket after them.
    fn several(
        &mut self,
        end: u8,
        context: &str,
        read: &mut dyn FnMut(&mut Self) -> Parsing<()>,
    ) -> Parsing<()> {
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            read(self)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == end => break,
                Some(_) | None => return Err(self.unexpected(context)),
            }
            self.space();
        }
        self.at += 1;
        Ok(())
    }
}
