//! Expressions on the claims of a token, and on the user that they make: issuers of tokens are configured with them.
//! k8s: staging/src/k8s.io/apiserver/pkg/authentication/cel/{compile,mapper}.go

use super::admission::{extra, texts, with_fields};
use super::expression::Expression;
use crate::cel::ast::{Expr, ExprKind, Literal, operators};
use crate::cel::{CelType, CelValue, Env, Identified, parse};
use crate::limits;
use crate::value::{Text, Value};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use once_cell::race::OnceBox;

/// What an expression is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSubject {
    Claims,
    User,
}

impl TokenSubject {
    /// The only variable of its expressions.
    fn variable(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::User => "user",
        }
    }

    fn env(self) -> &'static Env {
        static CLAIMS: OnceBox<Env> = OnceBox::new();
        static USER: OnceBox<Env> = OnceBox::new();
        match self {
            Self::Claims => CLAIMS.get_or_init(|| {
                let claims = CelType::map(CelType::Str, CelType::Dyn);
                Box::new(Env::new().with_variable(self.variable(), claims))
            }),
            Self::User => USER.get_or_init(|| {
                let name = "kubernetes.UserInfo";
                let fields = [
                    ("username", CelType::Str),
                    ("uid", CelType::Str),
                    ("groups", texts()),
                    ("extra", extra()),
                ];
                let env = with_fields(Env::new(), name, &fields);
                Box::new(env.with_variable(self.variable(), CelType::Object(name.into())))
            }),
        }
    }

    /// Compiles an expression that something is made of. Of what type it is shows only when it is evaluated.
    pub fn compile_mapping(self, text: &str) -> Expression {
        Expression::compile(self.env(), text, &[])
    }

    /// Compiles an expression that has to be true.
    pub fn compile_rule(self, text: &str) -> Expression {
        Expression::compile_to(self.env(), text, &CelType::Bool)
    }

    /// The result of an expression on these claims or this user.
    ///
    /// # Errors
    /// Why there is none.
    pub fn evaluate(self, expression: &Expression, value: &Value) -> Result<CelValue, String> {
        let program = expression.program()?;
        let given =
            |name: &str| (name == self.variable()).then(|| CelValue::Identified(Identified::whole(value)));
        let result = program.eval(&given, limits::CEL_CALL_COST).value;
        result.map_err(|why| format!("expression '{}' resulted in error: {why}", expression.text()))
    }
}

/// A text; None for any other result.
pub fn text_of(result: &CelValue) -> Option<Text> {
    let text = (result.type_name() == "string").then(|| result.to_data()).flatten()?;
    text.as_str().map(Text::from)
}

/// The texts of a result that is one, a list of them, or null. Empty ones are left out.
///
/// # Errors
/// It is something else.
pub fn texts_of(result: &CelValue) -> Result<Vec<Text>, String> {
    let wrong = || "expression must return a string or a list of strings".to_string();
    let texts = match (result.type_name(), result.to_data()) {
        ("null_type", _) => Vec::new(),
        ("string", Some(Value::Str(text))) => alloc::vec![text],
        ("list", Some(Value::List(items))) => {
            let texts = items.iter().map(|item| item.as_str().map(Text::from).ok_or_else(wrong));
            texts.collect::<Result<Vec<_>, _>>()?
        }
        _ => return Err(wrong()),
    };
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

/// Whether an expression selects this claim by its name.
pub fn selects_claim(text: &str, claim: &str) -> bool {
    parse(text).is_ok_and(|expr| selects(&expr, claim))
}

/// The depth of trees is bounded by their parser.
fn selects(expr: &Expr, claim: &str) -> bool {
    let is_claims = |expr: &Expr| matches!(&expr.kind, ExprKind::Ident(name) if name == "claims");
    let within = |expr: &Expr| selects(expr, claim);
    match &expr.kind {
        ExprKind::Unspecified | ExprKind::Literal(_) | ExprKind::Ident(_) => false,
        ExprKind::Select { operand, field, .. } => is_claims(operand) && field == claim || within(operand),
        ExprKind::Call { target, function, args } => {
            let is_optional_select = target.is_none() && function == operators::OPT_SELECT;
            match args.as_slice() {
                [operand, Expr { kind: ExprKind::Literal(Literal::Str(field)), .. }]
                    if is_optional_select && is_claims(operand) && field == claim =>
                {
                    true
                }
                args => args.iter().any(within) || target.as_deref().is_some_and(within),
            }
        }
        ExprKind::List(elements) => elements.iter().any(|element| within(&element.value)),
        ExprKind::Map(entries) => entries.iter().any(|entry| within(&entry.key) || within(&entry.value)),
        ExprKind::Struct { fields, .. } => fields.iter().any(|field| within(&field.value)),
        ExprKind::Comprehension(of) => {
            [&of.range, &of.accu_init, &of.condition, &of.step, &of.result].into_iter().any(within)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::json;

    fn value(text: &str) -> Value {
        json::parse(text.as_bytes()).expect(text).value
    }

    #[test]
    fn expressions_are_compiled_on_claims_and_on_users() {
        let claims = TokenSubject::Claims;
        assert_eq!(claims.compile_mapping("claims.a + 'x'").error(), None);
        assert_eq!(claims.compile_rule("claims.a == 1").error(), None);
        assert_eq!(claims.compile_rule("claims.a").error(), Some("must evaluate to bool"));
        assert_eq!(TokenSubject::User.compile_rule("user.groups.all(g, g != 'x')").error(), None);
        for (subject, text) in [(claims, "user.username"), (TokenSubject::User, "user.name == ''")] {
            let error = subject.compile_mapping(text);
            assert!(
                error.error().is_some_and(|why| why.starts_with("compilation failed: ERROR: ")),
                "{text}"
            );
        }
    }

    #[test]
    fn results_are_texts_or_lists_of_texts() {
        let claims = value(r#"{"sub":"s","roles":["a","","b"],"n":1,"none":null}"#);
        let texts = |text: &str| {
            let expression = TokenSubject::Claims.compile_mapping(text);
            let result = TokenSubject::Claims.evaluate(&expression, &claims)?;
            texts_of(&result).map(|texts| texts.join(","))
        };
        for (text, expected) in [
            ("claims.sub", "s"),
            ("claims.roles", "a,b"),
            ("claims.roles.map(r, 'x:' + r)", "x:a,x:,x:b"),
            ("[claims.sub]", "s"),
            ("''", ""),
            ("claims.none", ""),
        ] {
            assert_eq!(texts(text).as_deref(), Ok(expected), "{text}");
        }
        let wrong = "expression must return a string or a list of strings";
        for text in ["claims.n", "[1]", "claims", "true"] {
            assert_eq!(texts(text), Err(wrong.to_string()), "{text}");
        }
        let error = texts("claims.absent").expect_err("there is no such claim");
        assert_eq!(error, "expression 'claims.absent' resulted in error: no such key: absent");
    }

    /// k8s: staging/src/k8s.io/apiserver/plugin/pkg/authenticator/token/oidc/oidc_test.go
    #[test]
    fn members_are_found_by_the_identifiers_of_their_names() {
        let claims = value(
            r#"{"a.b":"dot","a__dot__b":"raw","in":"word","list":[{"c/d":"slash"}],"n":7,
            "deep":{"e-f":{"g__h":"under"},"x__dot__y":"raw","x__what__y":"kept"}}"#,
        );
        let texts = |text: &str| {
            let expression = TokenSubject::Claims.compile_mapping(text);
            let result = TokenSubject::Claims.evaluate(&expression, &claims)?;
            texts_of(&result).map(|texts| texts.join(","))
        };
        let missing =
            |key: &str, text: &str| Err(format!("expression '{text}' resulted in error: no such key: {key}"));
        for (text, expected) in [
            ("claims.a__dot__b", Ok("dot")),
            ("claims['a.b']", Ok("dot")),
            ("claims['a__dot__b']", Ok("dot")),
            ("claims['a' + '__dot__b']", Ok("dot")),
            ("claims.a__underscores__dot__underscores__b", Ok("raw")),
            ("claims.__in__", Ok("word")),
            ("claims.?a__dot__b.orValue('none')", Ok("dot")),
            ("claims.?a__dash__b.orValue('none')", Ok("none")),
            ("has(claims.a__dot__b) ? 'yes' : 'no'", Ok("yes")),
            ("claims.list[0].c__slash__d", Ok("slash")),
            ("claims.deep.e__dash__f.g__underscores__h", Ok("under")),
            ("claims.?deep.orValue({}).e__dash__f.g__h", Ok("under")),
            ("claims.deep.x__what__y", Ok("kept")),
            ("'a__dot__b' in claims ? 'yes' : 'no'", Ok("yes")),
            ("'e__dash__f' in claims.deep ? 'yes' : 'no'", Ok("no")),
            ("claims.list.map(one, one['c/d'])", Ok("slash")),
            ("type(claims.n) == double ? 'double' : 'int'", Ok("double")),
            ("string(claims.n)", Ok("7")),
            ("claims.n == 7 ? 'equal' : 'other'", Ok("equal")),
        ] {
            assert_eq!(texts(text).as_deref(), expected.as_deref(), "{text}");
        }
        for (text, key) in [
            ("claims.a__what__b", "a__what__b"),
            ("claims.deep.x__dot__y", "x__dot__y"),
            ("claims.list.map(one, one.c__slash__d)", "c__slash__d"),
        ] {
            assert_eq!(texts(text), missing(key, text), "{text}");
        }
        let user = value(r#"{"username":"u","extra":{"b.test/team":["x"]}}"#);
        let expression = TokenSubject::User.compile_rule("user.extra.b__dot__test__slash__team[0] == 'x'");
        assert!(matches!(TokenSubject::User.evaluate(&expression, &user), Ok(CelValue::Bool(true))));
    }

    #[test]
    fn claims_are_found_in_expressions() {
        for text in [
            "claims.email",
            "has(claims.email) ? claims.email : ''",
            "claims.?email.orValue('')",
            "[1].map(x, claims.email)",
            "{'a': claims.email.lowerAscii()}",
        ] {
            assert!(selects_claim(text, "email"), "{text}");
        }
        for text in ["claims.email_verified", "claims['email']", "x.email", "claims.a.email", "("] {
            assert!(!selects_claim(text, "email"), "{text}");
        }
    }
}
