//! From words to a tree, by precedence.
//! cel-go: parser/parser.go, parser/gen/CEL.g4

mod aggregates;
mod members;

use super::lexer::{self, ExprToken, Word};
use super::{literals, macros};
use crate::cel::ast::{Expr, ExprId, ExprKind, Literal, operators};
use crate::cel::source::{Issues, Offset};
use crate::limits;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Words that cannot name a variable or a function.
pub(in crate::cel) const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Reads an expression and expands its macros.
///
/// # Errors
/// What is wrong with it: at least one issue. Only the first place that is wrong for the grammar is told.
pub fn parse(text: &str) -> Result<Expr, Issues> {
    parse_with(text, false)
}

/// The same, with the macro `cel.bind` if it is known.
pub(in crate::cel) fn parse_with(text: &str, has_bindings: bool) -> Result<Expr, Issues> {
    let mut issues = Issues::default();
    let characters = text.chars().count();
    if characters > limits::CEL_EXPRESSION_CHARACTERS {
        let most = limits::CEL_EXPRESSION_CHARACTERS;
        issues
            .add(None, format!("expression code point size exceeds limit: size: {characters}, limit {most}"));
        return Err(issues);
    }
    let tokens = lexer::tokens(text, &mut issues);
    let mut parser =
        ExprParser { tokens, next: 0, ids: 0, depth: 0, follow: Vec::from([END]), has_bindings, issues };
    let parsed = parser.whole();
    match parsed {
        Ok(expr) if parser.issues.is_empty() => Ok(expr),
        Ok(_) | Err(Stop) => Err(parser.issues),
    }
}

/// The grammar cannot go on; the issue is noted.
#[derive(Debug)]
pub(super) struct Stop;

type Parsed = Result<Node, Stop>;

/// A part of the tree, and how deeply upstream's parser has to recurse for it.
struct Node {
    expr: Expr,
    height: u32,
}

/// An operator between two operands.
struct Sign {
    /// How tightly it binds; the number of levels for `&&` and `||`.
    level: usize,
    function: &'static str,
    at: Offset,
}

const END: &[&str] = &["<EOF>"];

/// With what an operand begins.
const OPERAND: &str = "'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, \
                       STRING, BYTES, IDENTIFIER";

pub(super) struct ExprParser<'a> {
    tokens: Vec<ExprToken<'a>>,
    next: usize,
    ids: ExprId,
    /// How many expressions are open around this place.
    depth: u32,
    /// What can follow the expressions that are open.
    follow: Vec<&'static [&'static str]>,
    pub(super) has_bindings: bool,
    pub(super) issues: Issues,
}

/// The operators with their names as functions, by precedence from the lowest on.
const BINARY: [&[(&str, &str)]; 3] = [
    &[
        ("==", operators::EQUALS),
        ("!=", operators::NOT_EQUALS),
        ("<", operators::LESS),
        ("<=", operators::LESS_EQUALS),
        (">", operators::GREATER),
        (">=", operators::GREATER_EQUALS),
        ("in", operators::IN),
    ],
    &[("+", operators::ADD), ("-", operators::SUBTRACT)],
    &[("*", operators::MULTIPLY), ("/", operators::DIVIDE), ("%", operators::MODULO)],
];

impl<'a> ExprParser<'a> {
    fn peek(&self) -> ExprToken<'a> {
        self.ahead(0)
    }

    fn ahead(&self, more: usize) -> ExprToken<'a> {
        let end = ExprToken { word: Word::End, text: "<EOF>", at: 0 };
        self.tokens.get(self.next + more).or_else(|| self.tokens.last()).copied().unwrap_or(end)
    }

    fn take(&mut self) -> ExprToken<'a> {
        let token = self.peek();
        if token.word != Word::End {
            self.next += 1;
        }
        token
    }

    fn take_if(&mut self, sign: &str) -> Option<ExprToken<'a>> {
        self.peek().is(sign).then(|| self.take())
    }

    /// Whether macros have made so many nodes that they may make no more copies.
    pub(super) fn is_full(&self) -> bool {
        self.ids > limits::CEL_NODES
    }

    pub(super) fn node(&mut self, at: Offset, kind: ExprKind) -> Expr {
        self.ids += 1;
        Expr { id: self.ids, at, kind }
    }

    fn syntax(&mut self, at: Offset, what: &str) -> Stop {
        self.issues.add(at, format!("Syntax error: {what}"));
        Stop
    }

    fn mismatched(&mut self, expected: &str) -> Stop {
        let token = self.peek();
        let text = lexer::shown(token.text);
        self.syntax(token.at, &format!("mismatched input '{text}' expecting {expected}"))
    }

    fn extraneous(&mut self, expected: &str) {
        let token = self.take();
        let text = lexer::shown(token.text);
        self.syntax(token.at, &format!("extraneous input '{text}' expecting {expected}"));
    }

    /// Takes a sign that has to be here. One token too many before it, or its absence, is told and passed over.
    fn expect(&mut self, sign: &'static str) -> Result<ExprToken<'a>, Stop> {
        if let Some(token) = self.take_if(sign) {
            return Ok(token);
        }
        if self.ahead(1).is(sign) {
            self.extraneous(&format!("'{sign}'"));
            return Ok(self.take());
        }
        if matches!(sign, ")" | "]" | "}") && self.goes_on() {
            let token = self.peek();
            let text = lexer::shown(token.text);
            self.syntax(token.at, &format!("missing '{sign}' at '{text}'"));
            return Ok(token);
        }
        Err(self.mismatched(&format!("'{sign}'")))
    }

    /// Whether what comes next could follow an operand.
    fn goes_on(&self) -> bool {
        let token = self.peek();
        let operators = ["&&", "||", "?", ".", "["];
        let is_operator = BINARY.iter().any(|level| level.iter().any(|(sign, _)| token.is(sign)));
        let follow = self.follow.last().copied().unwrap_or(END);
        is_operator
            || operators.iter().any(|sign| token.is(sign))
            || follow.iter().any(|sign| token.is(sign))
            || (token.word == Word::End && follow == END)
    }

    /// Parses an expression that something of `follow` must follow.
    fn within(&mut self, follow: &'static [&'static str]) -> Parsed {
        self.follow.push(follow);
        let parsed = self.expr();
        self.follow.pop();
        parsed
    }

    fn whole(&mut self) -> Result<Expr, Stop> {
        let node = self.expr()?;
        if self.peek().word != Word::End {
            if self.ahead(1).word == Word::End {
                self.extraneous("<EOF>");
            } else {
                return Err(self.mismatched("<EOF>"));
            }
        }
        Ok(node.expr)
    }

    fn too_deep(&mut self, what: &str) -> Stop {
        self.issues.add(None, what);
        Stop
    }

    /// The height of a node above others, if upstream's parser could reach it.
    fn above(&mut self, heights: &[u32]) -> Result<u32, Stop> {
        let height = heights.iter().copied().max().unwrap_or(0) + 1;
        if height > limits::CEL_DEPTH {
            return Err(self.too_deep("max recursion depth exceeded"));
        }
        Ok(height)
    }

    fn expr(&mut self) -> Parsed {
        if self.depth >= limits::CEL_DEPTH {
            let most = limits::CEL_DEPTH;
            return Err(self.too_deep(&format!("expression recursion limit exceeded: {most}")));
        }
        self.depth += 1;
        let parsed = self.conditional();
        self.depth -= 1;
        parsed
    }

    fn conditional(&mut self) -> Parsed {
        let test = self.chain()?;
        if self.peek().is("?") { self.branches(test) } else { Ok(test) }
    }

    /// Both branches behind a test. As in the functions below, what most expressions do not have is read by a function
    /// of its own, so that brackets within brackets take little of the stack.
    fn branches(&mut self, test: Node) -> Parsed {
        let sign = self.take();
        self.follow.push(&[":"]);
        let then = self.chain();
        self.follow.pop();
        let then = then?;
        self.expect(":")?;
        let other = self.expr()?;
        let height = self.above(&[test.height, then.height, other.height])?;
        let args = Vec::from([test.expr, then.expr, other.expr]);
        Ok(Node { expr: self.call(sign.at, operators::CONDITIONAL, args), height })
    }

    /// Operands and the operators between them. They are read in a row and joined afterwards.
    fn chain(&mut self) -> Parsed {
        let first = self.unary()?;
        match self.operator() {
            Some(sign) => self.more(first, sign),
            None => Ok(first),
        }
    }

    fn more(&mut self, first: Node, sign: Sign) -> Parsed {
        let (mut operands, mut signs) = (Vec::from([first, self.unary()?]), Vec::from([sign]));
        while let Some(sign) = self.operator() {
            signs.push(sign);
            operands.push(self.unary()?);
        }
        self.join(operands, signs)
    }

    fn join(&mut self, mut operands: Vec<Node>, mut signs: Vec<Sign>) -> Parsed {
        for level in (0..BINARY.len()).rev() {
            (operands, signs) = self.joined(operands, signs, level)?;
        }
        self.disjunction(operands, &signs)
    }

    /// The operator that comes next.
    fn operator(&mut self) -> Option<Sign> {
        let token = self.peek();
        let found = BINARY.iter().enumerate().find_map(|(level, signs)| {
            signs.iter().find(|(sign, _)| token.is(sign)).map(|held| (level, held.1))
        });
        let logical = [("&&", operators::AND), ("||", operators::OR)];
        let logical = logical.iter().find(|(sign, _)| token.is(sign)).map(|held| (BINARY.len(), held.1));
        let (level, function) = found.or(logical)?;
        self.take();
        Some(Sign { level, function, at: token.at })
    }

    /// Joins the operands of the operators of one level, from the left.
    fn joined(
        &mut self,
        operands: Vec<Node>,
        signs: Vec<Sign>,
        level: usize,
    ) -> Result<(Vec<Node>, Vec<Sign>), Stop> {
        let mut operands = operands.into_iter();
        let (mut kept, mut left) = (Vec::from_iter(operands.next()), Vec::new());
        for (sign, right) in signs.into_iter().zip(operands) {
            if sign.level != level {
                kept.push(right);
                left.push(sign);
                continue;
            }
            let held = kept.pop().ok_or(Stop)?;
            let height = self.above(&[held.height, right.height])?;
            let expr = self.call(sign.at, sign.function, Vec::from([held.expr, right.expr]));
            kept.push(Node { expr, height });
        }
        Ok((kept, left))
    }

    /// Joins what is left: terms with `&&` and `||` between them.
    fn disjunction(&mut self, operands: Vec<Node>, signs: &[Sign]) -> Parsed {
        let mut height = 0;
        let (mut terms, mut places) = (Vec::new(), Vec::new());
        let (mut factors, mut inner) = (Vec::new(), Vec::new());
        let ors = signs.iter().map(Some).chain([None]);
        for (operand, sign) in operands.into_iter().zip(ors) {
            height = height.max(operand.height);
            factors.push(Some(operand.expr));
            match sign {
                Some(sign) if sign.function == operators::AND => inner.push(sign.at),
                _ => {
                    terms.push(Some(self.balanced(operators::AND, &mut factors, &inner, 0)));
                    factors.clear();
                    inner.clear();
                    places.extend(sign.map(|sign| sign.at));
                }
            }
        }
        let expr = self.balanced(operators::OR, &mut terms, &places, 0);
        Ok(Node { expr, height })
    }

    /// A chain of terms as a balanced tree: their order does not matter for the result.
    fn balanced(
        &mut self,
        function: &str,
        terms: &mut [Option<Expr>],
        places: &[Offset],
        low: usize,
    ) -> Expr {
        let Some(middle) = places.len().checked_sub(1).map(|last| last.div_ceil(2)) else {
            let term = terms.get_mut(low).and_then(Option::take);
            return term.unwrap_or(Expr { id: 0, at: 0, kind: ExprKind::Unspecified });
        };
        let (before, rest) = places.split_at_checked(middle).unwrap_or((places, &[]));
        let (at, after) = rest.split_first().unwrap_or((&0, &[]));
        let left = self.balanced(function, terms, before, low);
        let right = self.balanced(function, terms, after, low + middle + 1);
        self.call(*at, function, Vec::from([left, right]))
    }

    fn unary(&mut self) -> Parsed {
        if self.is_negated() { self.negated() } else { self.member() }
    }

    fn is_negated(&self) -> bool {
        let token = self.peek();
        let is_number = matches!(self.ahead(1).word, Word::Int | Word::Float);
        token.is("!") || (token.is("-") && !is_number)
    }

    fn negated(&mut self) -> Parsed {
        let token = self.peek();
        let sign = if token.is("!") { "!" } else { "-" };
        let function = if token.is("!") { operators::NOT } else { operators::NEGATE };
        let mut count = 0;
        while self.take_if(sign).is_some() {
            count += 1;
        }
        let member = self.member()?;
        if count % 2 == 0 {
            return Ok(member);
        }
        let expr = self.call(token.at, function, Vec::from([member.expr]));
        Ok(Node { expr, height: member.height })
    }

    /// The arguments of a call behind its bracket, and the greatest of their heights.
    fn arguments(&mut self) -> Result<(Vec<Expr>, u32), Stop> {
        let (mut args, mut height) = (Vec::new(), 0);
        if self.take_if(")").is_some() {
            return Ok((args, height));
        }
        self.expect_operand("')'")?;
        loop {
            let node = self.within(&[",", ")"])?;
            height = height.max(node.height);
            args.push(node.expr);
            if self.take_if(",").is_none() {
                self.expect(")")?;
                return Ok((args, height));
            }
        }
    }

    /// Checks that an operand begins here; `bracket` could have been here too. One token too many before an operand is
    /// told and passed over.
    fn expect_operand(&mut self, bracket: &str) -> Result<(), Stop> {
        if begins_operand(&self.peek()) { Ok(()) } else { self.no_operand(bracket) }
    }

    #[cold]
    fn no_operand(&mut self, bracket: &str) -> Result<(), Stop> {
        let expected = match bracket {
            "" => format!("{{{OPERAND}}}"),
            bracket => format!("{{{}}}", OPERAND.replacen("'(',", &format!("'(', {bracket},"), 1)),
        };
        if begins_operand(&self.ahead(1)) {
            self.extraneous(&expected);
            return Ok(());
        }
        Err(self.mismatched(&expected))
    }

    fn primary(&mut self) -> Parsed {
        self.expect_operand("")?;
        let token = self.take();
        match token.word {
            Word::Sign("(") => {
                let node = self.within(&[")"])?;
                self.expect(")")?;
                Ok(node)
            }
            Word::Sign("[") => self.list(token.at),
            Word::Sign("{") => self.map(token.at),
            Word::Sign(".") => {
                let name = self.peek();
                if name.word != Word::Ident {
                    return Err(self.mismatched("IDENTIFIER"));
                }
                self.take();
                self.name(name, true, token.at)
            }
            Word::Ident => self.name(token, false, token.at),
            Word::Sign(_)
            | Word::Int
            | Word::Uint
            | Word::Float
            | Word::Str
            | Word::Bytes
            | Word::EscapedIdent
            | Word::End => self.literal(&token),
        }
    }

    fn literal(&mut self, token: &ExprToken<'a>) -> Parsed {
        let literal = match token.word {
            Word::Sign("true") => Ok(Literal::Bool(true)),
            Word::Sign("false") => Ok(Literal::Bool(false)),
            Word::Sign("null") => Ok(Literal::Null),
            Word::Sign("-") => {
                let number = self.take();
                signed(&number, &format!("-{}", number.text))
            }
            Word::Int | Word::Float => signed(token, token.text),
            Word::Uint => uint(token.text),
            Word::Str => literals::unquote(token.text, false).map(text),
            Word::Bytes => {
                literals::unquote(token.text.get(1..).unwrap_or_default(), true).map(Literal::Bytes)
            }
            Word::Sign(_) | Word::Ident | Word::EscapedIdent | Word::End => return Err(Stop),
        };
        let kind = match literal {
            Ok(literal) => ExprKind::Literal(literal),
            Err(why) => {
                self.issues.add(token.at, why);
                ExprKind::Unspecified
            }
        };
        Ok(Node { expr: self.node(token.at, kind), height: 0 })
    }

    /// A variable, a call of a function, or the name of a type whose object is made.
    fn name(&mut self, token: ExprToken<'a>, is_global: bool, at: Offset) -> Parsed {
        if let Some(length) = self.type_name_length() {
            let mut name = String::from(if is_global { "." } else { "" });
            name.push_str(token.text);
            for _ in 0..length {
                name.push_str(self.take().text);
            }
            let open = self.take();
            return self.object(&name, open.at);
        }
        let is_reserved = RESERVED.contains(&token.text);
        let name = if is_global { format!(".{}", token.text) } else { token.text.into() };
        if let Some(open) = self.take_if("(") {
            let (args, height) = self.arguments()?;
            if is_reserved {
                return Ok(self.reserved(&token, at));
            }
            return Ok(Node { expr: macros::expand(self, open.at, &name, None, args), height });
        }
        if is_reserved {
            return Ok(self.reserved(&token, at));
        }
        Ok(Node { expr: self.node(token.at, ExprKind::Ident(name.into())), height: 0 })
    }

    fn reserved(&mut self, token: &ExprToken<'a>, at: Offset) -> Node {
        self.issues.add(at, format!("reserved identifier: {}", token.text));
        Node { expr: self.node(at, ExprKind::Unspecified), height: 0 }
    }

    /// How many tokens a qualified name still has, if a brace follows it.
    fn type_name_length(&self) -> Option<usize> {
        let mut length = 0;
        while self.ahead(length).is(".") && self.ahead(length + 1).word == Word::Ident {
            length += 2;
        }
        self.ahead(length).is("{").then_some(length)
    }

    pub(super) fn call(&mut self, at: Offset, function: &str, args: Vec<Expr>) -> Expr {
        self.node(at, ExprKind::Call { target: None, function: function.into(), args })
    }
}

fn begins_operand(token: &ExprToken<'_>) -> bool {
    match token.word {
        Word::Sign(sign) => ["[", "{", "(", ".", "-", "!", "true", "false", "null"].contains(&sign),
        Word::EscapedIdent | Word::End => false,
        Word::Int | Word::Uint | Word::Float | Word::Str | Word::Bytes | Word::Ident => true,
    }
}

fn text(bytes: Vec<u8>) -> Literal {
    Literal::Str(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// A number with its sign.
fn signed(token: &ExprToken<'_>, text: &str) -> Result<Literal, &'static str> {
    if token.word == Word::Float {
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        return number.map(Literal::Double).ok_or("invalid double literal");
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    let (digits, base) = digits.strip_prefix("0x").map_or((digits, 10), |digits| (digits, 16));
    let number = i64::from_str_radix(&format!("{sign}{digits}"), base);
    number.map(Literal::Int).map_err(|_| "invalid int literal")
}

fn uint(text: &str) -> Result<Literal, &'static str> {
    let digits = text.trim_end_matches(['u', 'U']);
    let (digits, base) = digits.strip_prefix("0x").map_or((digits, 10), |digits| (digits, 16));
    u64::from_str_radix(digits, base).map(Literal::Uint).map_err(|_| "invalid uint literal")
}
