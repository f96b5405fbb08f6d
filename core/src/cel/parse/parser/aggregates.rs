//! Lists, maps and objects that a text holds.
//! cel-go: parser/gen/CEL.g4 listInit, mapInitializerList, fieldInitializerList

use super::super::lexer::Word;
use super::{ExprParser, Node, OPERAND, Parsed, Stop};
use crate::cel::ast::{ExprKind, FieldInit, ListElement, MapEntry};
use crate::cel::source::Offset;
use crate::value::Text;
use alloc::format;
use alloc::vec::Vec;

impl ExprParser<'_> {
    pub(super) fn list(&mut self, at: Offset) -> Parsed {
        let (mut elements, mut height) = (Vec::new(), 0);
        while self.peek().word != Word::End && self.take_if("]").is_none() {
            let optional = self.take_if("?").is_some();
            let node = self.within(&[",", "]"])?;
            height = height.max(node.height);
            elements.push(ListElement { value: node.expr, optional });
            if self.take_if(",").is_none() {
                if self.peek().word == Word::End {
                    return Err(self.mismatched("{']', ','}"));
                }
                self.expect("]")?;
                return self.listed(at, elements, height);
            }
        }
        if self.peek().word == Word::End && !self.is_closed("]") {
            return Err(self.unfinished_list());
        }
        self.listed(at, elements, height)
    }

    fn listed(&mut self, at: Offset, elements: Vec<ListElement>, height: u32) -> Parsed {
        Ok(Node { expr: self.node(at, ExprKind::List(elements)), height })
    }

    #[cold]
    fn unfinished_list(&mut self) -> Stop {
        let starts = OPERAND.replacen("'{',", "']', '{',", 1).replacen("'.',", "'.', ',',", 1);
        let starts = starts.replacen("'!',", "'!', '?',", 1);
        self.mismatched(&format!("{{{starts}}}"))
    }

    /// Whether the token that was taken last is this sign.
    fn is_closed(&self, sign: &str) -> bool {
        self.next.checked_sub(1).and_then(|last| self.tokens.get(last)).is_some_and(|token| token.is(sign))
    }

    pub(super) fn map(&mut self, at: Offset) -> Parsed {
        let (mut entries, mut height) = (Vec::new(), 0);
        while self.take_if("}").is_none() {
            if self.peek().word == Word::End {
                let starts = OPERAND.replacen("'(',", "'}', '(',", 1).replacen("'.',", "'.', ',',", 1);
                let starts = starts.replacen("'!',", "'!', '?',", 1);
                return Err(self.mismatched(&format!("{{{starts}}}")));
            }
            let optional = self.take_if("?").is_some();
            let key = self.within(&[":"])?;
            self.expect(":")?;
            let value = self.within(&[",", "}"])?;
            height = height.max(key.height).max(value.height);
            entries.push(MapEntry { key: key.expr, value: value.expr, optional });
            if self.take_if(",").is_none() {
                if self.peek().word == Word::End {
                    return Err(self.mismatched("{'}', ','}"));
                }
                self.expect("}")?;
                break;
            }
        }
        Ok(Node { expr: self.node(at, ExprKind::Map(entries)), height })
    }

    pub(super) fn object(&mut self, name: &str, at: Offset) -> Parsed {
        let (mut fields, mut height) = (Vec::new(), 0);
        while self.take_if("}").is_none() {
            let optional = self.take_if("?").is_some();
            let token = self.peek();
            if !matches!(token.word, Word::Ident | Word::EscapedIdent) {
                return Err(self.mismatched("{'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}"));
            }
            self.take();
            if token.word == Word::EscapedIdent {
                self.issues.add(at, "unsupported syntax: '`'");
            }
            let colon = self.expect(":")?;
            let value = self.within(&[",", "}"])?;
            height = height.max(value.height);
            let name = Text::from(token.text.trim_matches('`'));
            fields.push(FieldInit { at: colon.at, name, value: value.expr, optional });
            if self.take_if(",").is_none() {
                if self.peek().word == Word::End {
                    return Err(self.mismatched("{'}', ','}"));
                }
                self.expect("}")?;
                break;
            }
        }
        Ok(Node { expr: self.node(at, ExprKind::Struct { name: name.into(), fields }), height })
    }
}
