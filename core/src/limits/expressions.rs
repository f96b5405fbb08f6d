//! The bounds of expressions, and of the policies that hold them.

/// Code points of an expression in the Common Expression Language. Beyond: an issue.
/// cel-go: parser/parser.go expressionSizeCodePointLimit
pub const CEL_EXPRESSION_CHARACTERS: usize = 100_000;

/// How deeply expressions may be nested. Beyond: an issue.
/// cel-go: parser/parser.go maxRecursionDepth
pub const CEL_DEPTH: u32 = 250;

/// Nodes of an expression beyond which macros copy no part of it. Beyond: an issue.
pub const CEL_NODES: u32 = 100_000;

/// Issues of one expression that are told. Beyond: the rest is counted.
/// cel-go: common/errors.go maxErrorsToReport
pub const CEL_ISSUES: usize = 100;

/// Bytes of a line that is shown with an issue. Beyond: it is not shown.
/// cel-go: common/error.go maxSnippetLength
pub const CEL_SNIPPET_BYTES: usize = 16_384;

/// Elements of a list that an expression makes. Beyond: the expression has no result, but an error.
pub const CEL_ELEMENTS: usize = 1_000_000;

/// What one evaluation of an expression may cost. Beyond: it has no result, but an error.
/// k8s: staging/src/k8s.io/apiserver/pkg/apis/cel/config.go PerCallLimit
pub const CEL_CALL_COST: u64 = 1_000_000;

/// What the expressions of a policy may cost together for a request and one parameter. Beyond: as for an expression
/// without a result.
/// k8s: staging/src/k8s.io/apiserver/pkg/apis/cel/config.go RuntimeCELCostBudget
pub const CEL_POLICY_COST: u64 = 10_000_000;

/// What the match conditions of a policy or a webhook may cost together. Beyond: as for a condition without a result.
/// k8s: staging/src/k8s.io/apiserver/pkg/apis/cel/config.go RuntimeCELCostBudgetMatchConditions
pub const CEL_MATCH_COST: u64 = 2_500_000;

/// Parameters that a binding of an admission policy selects, at most. Beyond: the policy cannot be asked, and its
/// `failurePolicy` decides.
pub const POLICY_PARAMS: usize = 1_000;

/// Bytes of a message that an admission policy makes. Beyond: its fixed message is told.
/// k8s: staging/src/k8s.io/apiserver/pkg/apis/cel/config.go MaxEvaluatedMessageExpressionSizeBytes
pub const POLICY_MESSAGE_BYTES: usize = 5 * 1024;

/// Variables of a policy that are evaluated inside each other. Beyond: one is evaluated first, and then the others
/// again.
pub const CEL_NESTED_VARIABLES: usize = 64;
