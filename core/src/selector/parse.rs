//! The text form of label selectors: tokens, then requirements, with upstream's sentences for errors.
//! k8s: staging/src/k8s.io/apimachinery/pkg/labels/selector.go Lexer, Parser

use super::label::{Operator, Requirement, check_key};
use crate::status::{Causes, Path};
use crate::value::Text;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The requirements in the order written. The size of a text is bounded by that of a request line.
pub(super) fn requirements(text: &str) -> Result<Vec<Requirement>, String> {
    let mut parser = Parser { tokens: tokens(text), position: 0 };
    let mut found = Vec::new();
    loop {
        match parser.peek() {
            Token::End => return Ok(found),
            Token::Word(_) | Token::Not => {}
            token => {
                return Err(format!(
                    "found '{}', expected: !, identifier, or 'end of string'",
                    token.literal()
                ));
            }
        }
        let requirement = parser.requirement();
        found.push(requirement.map_err(|why| format!("unable to parse requirement: {why}"))?);
        match parser.take() {
            Token::End => return Ok(found),
            Token::Comma => match parser.peek() {
                Token::Word(_) | Token::Not => {}
                token => return Err(format!("found '{}', expected: identifier after ','", token.literal())),
            },
            token => return Err(format!("found '{}', expected: ',' or 'end of string'", token.literal())),
        }
    }
}

/// `in` and `notin` are words; where an operator may stand they are looked at by their text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    End,
    Word(&'a str),
    Not,
    Equals,
    DoubleEquals,
    NotEquals,
    Greater,
    Less,
    Open,
    Close,
    Comma,
}

impl<'a> Token<'a> {
    fn literal(self) -> &'a str {
        match self {
            Self::End => "",
            Self::Word(word) => word,
            Self::Not => "!",
            Self::Equals => "=",
            Self::DoubleEquals => "==",
            Self::NotEquals => "!=",
            Self::Greater => ">",
            Self::Less => "<",
            Self::Open => "(",
            Self::Close => ")",
            Self::Comma => ",",
        }
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_space);
        let Some(first) = rest.chars().next() else { return found };
        let (token, len) = match first {
            // Go's lexer takes a zero byte for the end of the text.
            '\0' => return found,
            '=' if rest.starts_with("==") => (Token::DoubleEquals, 2),
            '!' if rest.starts_with("!=") => (Token::NotEquals, 2),
            '=' => (Token::Equals, 1),
            '!' => (Token::Not, 1),
            '>' => (Token::Greater, 1),
            '<' => (Token::Less, 1),
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            _ => {
                let ends = |character| is_space(character) || "=!()<>,\0".contains(character);
                let len = rest.find(ends).unwrap_or(rest.len());
                let word = rest.split_at(len).0;
                let skipped = usize::from(rest.split_at(len).1.starts_with('\0'));
                (Token::Word(word), len + skipped)
            }
        };
        found.push(token);
        rest = rest.split_at(len).1;
    }
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    position: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        self.tokens.get(self.position).copied().unwrap_or(Token::End)
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        self.position += 1;
        token
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let (key, unary) = self.key()?;
        if let Some(operator) = unary {
            return build(key, operator, BTreeSet::new());
        }
        let operator = self.operator()?;
        let values = match operator {
            Operator::In | Operator::NotIn => self.value_set()?,
            Operator::Equals
            | Operator::DoubleEquals
            | Operator::NotEquals
            | Operator::GreaterThan
            | Operator::LessThan
            | Operator::Exists
            | Operator::DoesNotExist => self.exact_value()?,
        };
        build(key, operator, values)
    }

    /// The key, and the operator where none follows.
    fn key(&mut self) -> Result<(&'a str, Option<Operator>), String> {
        let mut token = self.take();
        let negated = token == Token::Not;
        if negated {
            token = self.take();
        }
        let Token::Word(key) = token else {
            return Err(format!("found '{}', expected: identifier", token.literal()));
        };
        let mut causes = Causes::new();
        // Upstream checks with a nil path here, and this is how one prints.
        check_key(key, &Path::new("<nil>"), &mut causes);
        if !causes.is_empty() {
            return Err(causes.summary());
        }
        let alone = matches!(self.peek(), Token::End | Token::Comma);
        let unary = if negated { Some(Operator::DoesNotExist) } else { alone.then_some(Operator::Exists) };
        Ok((key, unary))
    }

    fn operator(&mut self) -> Result<Operator, String> {
        match self.take() {
            Token::Word("in") => Ok(Operator::In),
            Token::Word("notin") => Ok(Operator::NotIn),
            Token::Equals => Ok(Operator::Equals),
            Token::DoubleEquals => Ok(Operator::DoubleEquals),
            Token::NotEquals => Ok(Operator::NotEquals),
            Token::Greater => Ok(Operator::GreaterThan),
            Token::Less => Ok(Operator::LessThan),
            token => Err(format!("found '{}', expected: in, notin, =, ==, !=, gt, lt", token.literal())),
        }
    }

    /// `(x,y,z)`, where a value may be missing and then is the empty text.
    fn value_set(&mut self) -> Result<BTreeSet<&'a str>, String> {
        let token = self.take();
        if token != Token::Open {
            return Err(format!("found '{}' expected: '('", token.literal()));
        }
        match self.peek() {
            Token::Word(_) | Token::Comma => {
                let values = self.value_list()?;
                self.take();
                Ok(values)
            }
            Token::Close => {
                self.take();
                Ok(BTreeSet::from([""]))
            }
            token => Err(format!("found '{}', expected: ',', ')' or identifier", token.literal())),
        }
    }

    /// Values up to the closing parenthesis, which is left.
    fn value_list(&mut self) -> Result<BTreeSet<&'a str>, String> {
        let mut values = BTreeSet::new();
        loop {
            match self.take() {
                Token::Word(value) => {
                    values.insert(value);
                    match self.peek() {
                        Token::Comma => {}
                        Token::Close => return Ok(values),
                        token => return Err(format!("found '{}', expected: ',' or ')'", token.literal())),
                    }
                }
                Token::Comma => {
                    if values.is_empty() || matches!(self.peek(), Token::Close | Token::Comma) {
                        values.insert("");
                    }
                    if self.peek() == Token::Close {
                        return Ok(values);
                    }
                }
                token => return Err(format!("found '{}', expected: ',', or identifier", token.literal())),
            }
        }
    }

    fn exact_value(&mut self) -> Result<BTreeSet<&'a str>, String> {
        if matches!(self.peek(), Token::End | Token::Comma) {
            return Ok(BTreeSet::from([""]));
        }
        match self.take() {
            Token::Word(value) => Ok(BTreeSet::from([value])),
            token => Err(format!("found '{}', expected: identifier", token.literal())),
        }
    }
}

fn build(key: &str, operator: Operator, values: BTreeSet<&str>) -> Result<Requirement, String> {
    let values = values.into_iter().map(Text::from).collect();
    Requirement::new(key, operator, values, None).map_err(|causes| causes.summary())
}

#[cfg(test)]
mod tests {
    use crate::selector::LabelSelector;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn errors_are_upstreams() {
        let table = [
            ("==", "found '==', expected: !, identifier, or 'end of string'"),
            ("a in (b", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("a in b", "unable to parse requirement: found 'b' expected: '('"),
            ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            ("a,", "found '', expected: identifier after ','"),
            ("!", "unable to parse requirement: found '', expected: identifier"),
            ("a=(", "unable to parse requirement: found '(', expected: identifier"),
            ("a in (=)", "unable to parse requirement: found '=', expected: ',', ')' or identifier"),
            (
                "a>x",
                "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' operators, \
                 the value must be an integer",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(LabelSelector::parse(text).unwrap_err(), expected, "{text}");
        }
        let key = LabelSelector::parse("-a=b").unwrap_err();
        assert!(
            key.starts_with("unable to parse requirement: <nil>: Invalid value: \"-a\": name part must"),
            "{key}"
        );
        let value = LabelSelector::parse("a=-b").unwrap_err();
        assert!(
            value.starts_with("unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid"),
            "{value}"
        );
    }

    #[test]
    fn unusual_selector_forms_are_parsed() {
        let table = [
            ("x in (foo,,baz),y,z notin ()", "x in (,baz,foo),y,z notin ()"),
            ("a in (,)", "a in ()"),
            ("in in (in,notin)", "in in (in,notin)"),
            ("b=,a=", "a=,b="),
            (" a = b ,\t! c", "!c,a=b"),
            ("a\0=b", "a=b"),
        ];
        for (text, expected) in table {
            let selector = LabelSelector::parse(text).unwrap().to_string();
            let sorted = LabelSelector::parse(expected).unwrap().to_string();
            assert_eq!(selector, sorted, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "[ a-c!=()<>,in\0é]{0,24}") {
            if let Ok(selector) = LabelSelector::parse(&text) {
                prop_assert_eq!(LabelSelector::parse(&selector.to_string()), Ok(selector));
            }
        }
    }
}
