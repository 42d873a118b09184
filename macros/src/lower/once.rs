//! What an iterator is made of is made once, before it gives anything: its lists, and its numbers as in `skip(n)`.

use super::{Lower, Lowered, refuse};
use crate::scope::contains;
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Stmt};

/// Macros that only make a list or a matrix.
const MADE: &[&str] = &[
    "vec", "vector", "dvector", "matrix", "dmatrix", "point", "stack",
];

/// An iterator whose parts get names.
struct Parts<'a, 'b> {
    lower: &'a mut Lower<'b>,
    /// What changes while it is gone through.
    changed: Vec<String>,
    lets: Vec<Stmt>,
    /// Whether what its closures move is copied before.
    copied: bool,
}

impl Lower<'_> {
    /// An iterator that reads names for what cannot be computed again while it is gone through by `all`, and what
    /// binds them; `None` if there is nothing of the kind.
    pub(super) fn made_once(
        &mut self,
        iterator: &Expr,
        all: impl ToTokens,
    ) -> Lowered<Option<(syn::Block, Expr)>> {
        // The ends of a plain range are read before it anyway.
        if self.is_inert(iterator) || is_range(iterator) {
            return Ok(None);
        }
        self.made_before(iterator, all, false)
    }

    /// The same of an iterator that is bound to a name, also of a range.
    pub(super) fn made_before(
        &mut self,
        iterator: &Expr,
        all: impl ToTokens,
        copied: bool,
    ) -> Lowered<Option<(syn::Block, Expr)>> {
        let mut changed = super::assigned::assigned(all.to_token_stream());
        changed.retain(|name| self.scope.get(name).is_some());
        let mut parts = Parts {
            lower: self,
            changed,
            lets: Vec::new(),
            copied,
        };
        let mut held = iterator.clone();
        parts.of(&mut held)?;
        let lets = parts.lets;
        Ok((!lets.is_empty()).then(|| (syn::parse_quote!({ #(#lets)* }), held)))
    }
}

impl Lower<'_> {
    /// Whether something may happen where an item is made, so that it matters how often it is: an assignment to a
    /// variable of outside, a macro, a call of what is not known for what it gives, or that the item is not given to.
    pub(super) fn acts(&self, item: &Expr) -> bool {
        let tokens = item.to_token_stream();
        let assigned = super::assigned::assigned(tokens.clone());
        assigned.iter().any(|name| self.scope.get(name).is_some()) || self.calls_act(tokens)
    }

    fn calls_act(&self, tokens: TokenStream) -> bool {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
        trees.iter().enumerate().any(|(i, tree)| match tree {
            TokenTree::Group(group) => self.calls_act(group.stream()),
            TokenTree::Ident(name) => {
                let text = name.to_string();
                if is(i + 1, '!') && matches!(trees.get(i + 2), Some(TokenTree::Group(_))) {
                    return !MADE.contains(&text.as_str());
                }
                let args = match trees.get(i + 1) {
                    Some(TokenTree::Group(group))
                        if group.delimiter() == Delimiter::Parenthesis =>
                    {
                        group.stream()
                    }
                    _ => return false,
                };
                let of_value = i > 0 && is(i - 1, '.');
                let of_type = i > 0 && is(i - 1, ':');
                let known = match of_value {
                    true => {
                        crate::surface::is_known_method(&text)
                            || super::iterators::is_adaptor(&text)
                    }
                    false => of_type || syn::parse_str::<Ident>(&text).is_err(),
                };
                let mut given = Vec::new();
                crate::scope::variables(args, &mut given);
                let of_item = given.iter().any(|name| self.scope.get(name).is_none());
                !known && (is(i + 2, ';') || !of_item)
            }
            _ => false,
        })
    }
}

impl Parts<'_, '_> {
    fn of(&mut self, iterator: &mut Expr) -> Lowered<()> {
        match iterator {
            Expr::Paren(inner) => self.of(&mut inner.expr),
            Expr::Group(inner) => self.of(&mut inner.expr),
            Expr::Reference(inner) if inner.mutability.is_none() => {
                self.borrowed(&mut inner.expr);
                Ok(())
            }
            Expr::Path(_) => {
                self.number_or_list(iterator);
                Ok(())
            }
            Expr::Range(range) => {
                let ends = range.start.iter_mut().chain(&mut range.end);
                ends.for_each(|end| self.number_or_list(end));
                Ok(())
            }
            Expr::Call(call) if super::adaptors::of_iter(call).is_some() => {
                let values = call.args.iter_mut();
                let values = values.filter(|arg| !matches!(arg, Expr::Closure(_)));
                values
                    // The first of `successors` is an `Option`.
                    .filter(|arg| super::adaptors::in_some(arg).is_none())
                    .for_each(|value| self.number_or_list(value));
                Ok(())
            }
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                match (name.as_str(), call.args.len()) {
                    ("iter" | "column_iter" | "row_iter", 0)
                    | ("windows" | "chunks" | "chunks_exact", 1) => {
                        self.borrowed(&mut call.receiver);
                    }
                    ("iter_mut" | "column_iter_mut" | "row_iter_mut" | "chunks_mut", _) => {
                        return Ok(());
                    }
                    _ if matches!(*call.receiver, Expr::Path(_)) => return Ok(()),
                    _ => self.of(&mut call.receiver)?,
                }
                for arg in &mut call.args {
                    match (name.as_str(), arg) {
                        (_, Expr::Closure(closure)) => self.keeps_nothing(closure)?,
                        ("zip" | "chain", arg) => self.of(arg)?,
                        (
                            "take" | "skip" | "step_by" | "nth" | "windows" | "chunks"
                            | "chunks_exact",
                            arg,
                        ) => self.number_or_list(arg),
                        _ => {}
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// What is iterated over by reference.
    fn borrowed(&mut self, list: &mut Expr) {
        if self.stays(list) {
            return;
        }
        let made: Expr = match &*list {
            Expr::Path(_) if self.lower.is_reference(list) => list.clone(),
            Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => syn::parse_quote!(&#list),
            made => made.clone(),
        };
        *list = self.bind("list", &made);
    }

    fn number_or_list(&mut self, part: &mut Expr) {
        if !self.stays(part) {
            *part = self.bind("count", &part.clone());
        }
    }

    /// Whether it makes no difference when it is computed, and how often.
    fn stays(&self, part: &Expr) -> bool {
        let is_read = |name: &String| contains(part.to_token_stream(), name);
        let again = super::growing::is_repeatable(part)
            || !self.lower.is_inert(part) && super::iterators::is_computed(part.to_token_stream());
        again && !self.changed.iter().any(is_read)
    }

    fn bind(&mut self, wish: &str, made: &Expr) -> Expr {
        let name: Ident = self.lower.fresh(wish);
        self.lets.push(syn::parse_quote!(let #name = #made;));
        syn::parse_quote!(#name)
    }

    /// A closure that moves what changes has a copy of its own.
    fn keeps_nothing(&self, closure: &syn::ExprClosure) -> Lowered<()> {
        let read = |name: &&String| contains(quote!(#closure), name);
        match self.changed.iter().find(read) {
            Some(name) if closure.capture.is_some() && !self.copied => refuse(
                closure,
                format!(
                    "this closure has a copy of `{name}`, which changes while the iterator is gone through\nhelp: leave out `move`, or bind the copy with `let` before"
                ),
            ),
            _ => Ok(()),
        }
    }
}

/// A range, also from behind and in steps.
fn is_range(iterator: &Expr) -> bool {
    match iterator {
        Expr::Range(_) => true,
        Expr::Paren(inner) => is_range(&inner.expr),
        Expr::Group(inner) => is_range(&inner.expr),
        Expr::MethodCall(call) => {
            matches!(call.method.to_string().as_str(), "rev" | "step_by")
                && is_range(&call.receiver)
        }
        _ => false,
    }
}
