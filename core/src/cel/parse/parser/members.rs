//! What follows an operand: fields, elements and methods.
//! cel-go: parser/gen/CEL.g4 member

use super::super::lexer::{self, Word};
use super::super::macros;
use super::{ExprParser, ExprToken, Node, Parsed, Stop};
use crate::cel::ast::{ExprKind, Literal, operators};
use crate::cel::source::Offset;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

impl<'a> ExprParser<'a> {
    pub(super) fn member(&mut self) -> Parsed {
        let node = self.primary()?;
        if self.peek().is(".") || self.peek().is("[") { self.parts(node) } else { Ok(node) }
    }

    fn parts(&mut self, mut node: Node) -> Parsed {
        loop {
            if let Some(dot) = self.take_if(".") {
                node = self.selection(node, dot)?;
            } else if let Some(open) = self.take_if("[") {
                node = self.index(node, open.at)?;
            } else {
                return Ok(node);
            }
        }
    }

    fn index(&mut self, operand: Node, at: Offset) -> Parsed {
        let function = if self.take_if("?").is_some() { operators::OPT_INDEX } else { operators::INDEX };
        let index = self.within(&["]"])?;
        self.expect("]")?;
        let height = self.above(&[operand.height, index.height])?;
        let args = Vec::from([operand.expr, index.expr]);
        Ok(Node { expr: self.call(at, function, args), height })
    }

    fn selection(&mut self, operand: Node, dot: ExprToken<'a>) -> Parsed {
        let is_optional = self.take_if("?").is_some();
        let token = self.peek();
        let field = match token.word {
            Word::Ident => token.text,
            Word::EscapedIdent => token.text.trim_matches('`'),
            _ => return Err(self.no_field(dot, is_optional)),
        };
        self.take();
        if token.word == Word::EscapedIdent {
            // Upstream's parser knows the notation, and its server does not turn it on.
            self.issues.add(token.at, "unsupported syntax: '`'");
        }
        if is_optional {
            let height = self.above(&[operand.height])?;
            let field = self.node(token.at, ExprKind::Literal(Literal::Str(field.into())));
            let args = Vec::from([operand.expr, field]);
            return Ok(Node { expr: self.call(dot.at, operators::OPT_SELECT, args), height });
        }
        if token.word == Word::Ident && self.peek().is("(") {
            return self.method(operand, field);
        }
        let height = self.above(&[operand.height])?;
        let kind =
            ExprKind::Select { operand: Box::new(operand.expr), field: field.into(), test_only: false };
        Ok(Node { expr: self.node(dot.at, kind), height })
    }

    fn method(&mut self, operand: Node, function: &str) -> Parsed {
        let open = self.take();
        let (args, heights) = self.arguments()?;
        let height = self.above(&[operand.height, heights])?;
        let expr = macros::expand(self, open.at, function, Some(operand.expr), args);
        Ok(Node { expr, height })
    }

    fn no_field(&mut self, dot: ExprToken<'a>, is_optional: bool) -> Stop {
        let token = self.peek();
        if is_optional {
            return self.mismatched("{IDENTIFIER, ESC_IDENTIFIER}");
        }
        if ["true", "false", "null"].iter().any(|word| token.is(word)) {
            let text = token.text;
            return self.syntax(token.at, &format!("mismatched input '{text}' expecting IDENTIFIER"));
        }
        let text = if token.word == Word::End { "" } else { token.text };
        let text = lexer::shown(text);
        self.syntax(token.at, &format!("no viable alternative at input '{}{text}'", dot.text))
    }
}
