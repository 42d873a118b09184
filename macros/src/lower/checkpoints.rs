//! Loops with checkpoints: over segments of their range, of which each is computed again when the adjoint comes to it
//! (Griewank & Walther, "Evaluating Derivatives", section 12; one level of it, which costs one more forward pass).
//!
//! `for i in a..b { … }` is read as `for segment in … { for i in (a..b).skip(…).take(…) { … } }`, and the inner loop is
//! marked: nothing is kept of its iterations. So the outer loop keeps the state at the beginning of each segment.

use super::loops::{Counted, Left};
use super::{Lower, Lowered, refuse};
use crate::args::Checkpoint;
use crate::error::text;
use crate::graph::{Body, Placed, Step};
use crate::rules::{Op, Scalar};
use crate::scope::{Hint, Inert, Value};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Expr, ExprForLoop};

/// The attribute that marks the loop over one segment.
const SEGMENT: &str = "__nalgrad_segment";

/// Methods that change nothing, besides those of numbers.
const QUESTIONS: &[&str] = &[
    "as_ref",
    "clone",
    "cloned",
    "column",
    "contains",
    "copied",
    "dot",
    "first",
    "get",
    "is_empty",
    "is_none",
    "is_some",
    "iter",
    "last",
    "len",
    "ncols",
    "norm",
    "nrows",
    "row",
    "unwrap",
    "unwrap_or",
];

/// Macros that do the same again.
const ASSERTIONS: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "matches",
];

pub(super) fn is_segment(each: &ExprForLoop) -> bool {
    each.attrs.iter().any(|attr| attr.path().is_ident(SEGMENT))
}

impl Lower<'_> {
    /// A loop over a range that is gone through segment by segment.
    pub(super) fn in_segments(
        &mut self,
        checkpoint: Checkpoint,
        (index, range): (Option<&Ident>, Inert),
        label: Option<&syn::Label>,
        body: &syn::Block,
        expr: &Expr,
    ) -> Lowered<Value> {
        let whole = self.keep_as("range", &range.tokens, range.reads.clone());
        let every = match checkpoint {
            Checkpoint::SquareRoot => quote!(::core::cmp::Ord::max(#whole.len().isqrt(), 1)),
            Checkpoint::Every(count) => quote!(#count),
        };
        let length = self.keep_as("length", &every, range.reads.clone());
        let segment = self.fresh("segment");
        let index = index.map_or_else(|| quote!(_), ToTokens::to_token_stream);
        let mark = Ident::new(SEGMENT, whole.span());
        // What is wrong with it is said of the user's loop.
        let body: syn::Block = syn::parse_quote_spanned!(expr.span()=> {
            #[#mark]
            #label for #index in #whole.clone().skip(#segment * #length).take(#length) #body
        });
        let segments = Counted::Range {
            index: Some(&segment),
            range: Inert {
                tokens: quote!(0..#whole.len().div_ceil(#length)),
                reads: Vec::new(),
                pure: true,
                ..range
            },
            recomputed: false,
        };
        self.has_segments = true;
        self.looped(segments, None, &body, expr)
    }

    /// The loop over one segment.
    pub(super) fn segment(&mut self, each: &ExprForLoop, expr: &Expr) -> Lowered<Value> {
        let index = match &*each.pat {
            syn::Pat::Ident(index) => Some(&index.ident),
            _ => None,
        };
        let range = Inert {
            pure: true,
            ..self.inert(each.expr.to_token_stream(), Hint::Unknown)
        };
        let counted = Counted::Range {
            index,
            range,
            recomputed: true,
        };
        self.looped(counted, each.label.as_ref(), &each.body, expr)
    }
}

/// Refuses what must not happen twice in a segment.
pub(super) fn check(
    body: &Body,
    exit: Left,
    options: &[(Ident, Ident)],
    expr: &Expr,
) -> Lowered<()> {
    if exit != Left::Never {
        return refuse(
            expr,
            "a loop with checkpoints that may be left before its range has ended is not supported\nhelp: leave `checkpoint` out, or go on without changes, as in `if !done { … }`",
        );
    }
    let found = effect(body);
    // What tells whether an `Option` has a value is a variable of the companion's own.
    let of_option = |tokens: &TokenStream| match tokens.clone().into_iter().next() {
        Some(TokenTree::Ident(first)) => options.iter().find(|(there, _)| *there == first),
        _ => None,
    };
    if let Some((_, option)) = found.as_ref().and_then(of_option) {
        return refuse(
            option,
            format!(
                "`{option}` changes in a loop whose iterations `checkpoint` runs again, and whether an `Option` has a value is not computed twice\nhelp: keep the value, and a number that tells whether there is one, as in `let mut found = 0.0;`, or leave `checkpoint` out"
            ),
        );
    }
    match found {
        Some(tokens) => refuse(
            &tokens,
            format!(
                "`{}` would happen twice: `checkpoint` runs the iterations of this loop again, and this may have an effect\nhelp: move it out of the loop, or leave `checkpoint` out",
                text(&tokens)
            ),
        ),
        None => Ok(()),
    }
}

/// What in an iteration may have an effect that shows if it is repeated.
fn effect(body: &Body) -> Option<TokenStream> {
    fn of_steps(steps: &[Placed], body: &Body) -> Option<TokenStream> {
        steps.iter().find_map(|placed| match &placed.step {
            Step::Verbatim { tokens, .. } | Step::Pin { tokens, .. } | Step::Let { tokens, .. } => {
                may_have_effect(tokens).then(|| tokens.clone())
            }
            Step::Branch {
                then, otherwise, ..
            } => of_steps(then, body).or_else(|| of_steps(otherwise, body)),
            Step::Loop(id) => match body.graph.op(*id) {
                Op::Loop(number) => effect(&body.graph.loops.get(number).body),
                _ => None,
            },
            Step::Evaluate(_) | Step::Fit(_) | Step::Leave { .. } => None,
        })
    }
    of_steps(&body.steps, body)
}

/// Whether a statement may do more than compute: it calls what the macro does not know, or assigns.
pub(super) fn may_have_effect(tokens: &TokenStream) -> bool {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let is_punct = |at: Option<usize>, of: &[char]| match at.and_then(|at| trees.get(at)) {
        Some(TokenTree::Punct(p)) => of.contains(&p.as_char()),
        _ => false,
    };
    let mut binds = false;
    trees.iter().enumerate().any(|(at, tree)| {
        let before = at.checked_sub(1);
        match tree {
            TokenTree::Ident(ident) if *ident == "let" => {
                binds = true;
                false
            }
            TokenTree::Ident(ident) if is_punct(Some(at + 1), &['!']) => {
                let is_macro = matches!(trees.get(at + 2), Some(TokenTree::Group(_)));
                is_macro && !ASSERTIONS.contains(&ident.to_string().as_str())
            }
            TokenTree::Ident(ident) => *ident == "mut" || *ident == "unsafe",
            TokenTree::Punct(p) if p.as_char() == '=' => {
                let compares = is_punct(before, &['=', '<', '>', '!', '.'])
                    || is_punct(Some(at + 1), &['=', '>']);
                !compares && !std::mem::take(&mut binds)
            }
            TokenTree::Group(group) => {
                let called = match before.map(|at| &trees[at]) {
                    Some(TokenTree::Ident(name)) if group.delimiter() == Delimiter::Parenthesis => {
                        Some(name.to_string())
                    }
                    _ => None,
                };
                let known = |name: &String| {
                    QUESTIONS.contains(&name.as_str())
                        || Scalar::from_surface(name).is_some()
                        || name.starts_with(char::is_uppercase)
                };
                called.is_some_and(|name| !known(&name)) || may_have_effect(&group.stream())
            }
            _ => false,
        }
    })
}
