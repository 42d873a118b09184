//! Loops: one iteration is read as a graph of its own, in which what changes from one iteration to the next, and what is
//! read from outside, are leaves.

use super::adaptors::Through;
use super::assigned::assigned;
use super::declared::Declared;
use super::functions::Function;
use super::options::Attempt;
use super::{Lower, Lowered, Refusal, checkpoints, fields, refuse};
use crate::error::text;
use crate::graph::{
    Body, Dim, Elem, Extent, Form, Graph, Header, Id, IdMap, Ids, Kind, Leaf, Loop, Placed, Shape,
    Step,
};
use crate::rules::Op;
use crate::scope::{
    Binding, Geometric, Hint, Inert, Lent, Maybe, Pending, Scope, Value, variables,
};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, Pat, Stmt};

/// Under which condition an iteration has been left already.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Left {
    Never,
    Always,
    If(Id),
}

/// The loop that is being read.
#[derive(Clone)]
pub(super) struct Around {
    label: Option<String>,
    /// Whether the loop is left: by `break`.
    broken: Left,
    /// Whether the rest of the iteration is left out: by `break` or `continue`.
    left: Left,
    /// What is carried, as it was at the beginning of the iteration: variables, or parts of them.
    carried: Vec<(String, Option<usize>, Id)>,
    /// Whether it goes through all of a range, which can be gone through again.
    pub(super) repeats: bool,
}

/// What waits outside while a loop is read.
struct Outside {
    graph: Graph,
    scope: Scope,
    steps: Vec<Vec<Placed>>,
    active: Vec<bool>,
    sources: Vec<Id>,
    fields: Vec<fields::Source>,
    pins: Vec<(String, Id)>,
    items: Vec<(Id, Vec<usize>, Id)>,
    attempts: Vec<Attempt>,
    presences: Vec<Id>,
    elements_of_columns: HashSet<Id>,
    called_names: Vec<(Id, Vec<usize>, Ident)>,
    kept_names: HashSet<String>,
    expected: Option<Shape>,
    around: Option<Around>,
    /// The leaves that stand for its values, in the order of their first use.
    inputs: Vec<(Id, Id)>,
    known: IdMap<Id>,
    closure_depth: usize,
}

/// What a `loop` gives: the variables that `break` gives a value to.
#[derive(Clone)]
pub(super) struct BrokenWith {
    label: Option<String>,
    names: Vec<Ident>,
    /// Of which kinds these have to be, once that has turned out.
    kinds: Option<Vec<Kind>>,
}

/// A variable that a loop changes.
struct Carried {
    name: Ident,
    /// Of a tuple or a rotation, the number of the part.
    part: Option<usize>,
    start: Id,
    /// Its name in the companion.
    own: Ident,
    /// Whether that was the name of its first value.
    taken_over: bool,
}

/// One iteration as it was read.
struct Iteration {
    header: Header,
    /// What the header reads by name.
    named: Vec<Id>,
    body: Body,
    /// What is carried, after it.
    next: Vec<Id>,
    exit: Left,
    recomputed: bool,
}

/// What is counted or gone through.
pub(super) enum Counted<'a> {
    Range {
        index: Option<&'a Ident>,
        range: Inert,
        /// Whether it is a segment of a loop with checkpoints.
        recomputed: bool,
    },
    Each {
        pattern: &'a Pat,
        iterator: Inert,
        /// What is known of the items, by their names.
        declared: Vec<(Ident, Declared)>,
    },
    While(&'a Expr),
    Endless,
}

impl Lower<'_> {
    /// `for pattern in iterator { … }`
    pub(super) fn for_loop(&mut self, each: &syn::ExprForLoop, expr: &Expr) -> Lowered<Value> {
        if checkpoints::is_segment(each) {
            return self.segment(each, expr);
        }
        if let Some(whole) = nested_loops(each) {
            return self.for_loop(&whole, &Expr::ForLoop(whole.clone()));
        }
        if let Some((mut block, source)) = self.made_once(&each.expr, expr)? {
            let mut whole = each.clone();
            *whole.expr = source;
            block.stmts.push(Stmt::Expr(Expr::ForLoop(whole), None));
            return self.nested_block(&block);
        }
        if let Some(done) = self.unrolled(each)? {
            return Ok(done);
        }
        if let Some(done) = self.growing(each, expr)? {
            return Ok(done);
        }
        let (mark, errors) = (self.mark(), std::mem::take(&mut self.errors));
        let (left_out, types) = (self.left_out.len(), self.types.len());
        let (scope, bound) = (self.scope.clone(), self.bound.clone());
        let sum = self.accumulation(each, expr);
        let found = std::mem::replace(&mut self.errors, errors);
        if let (Ok(Some(sum)), true) = (sum, found.is_empty()) {
            return Ok(sum);
        }
        self.left_out.truncate(left_out);
        self.types.truncate(types);
        // It is no sum of numbers.
        (self.scope, self.bound) = (scope, bound);
        self.roll_back(mark);
        let changed = self.changed_in(expr);
        if let Some(range) = self.range(&each.expr, &changed)? {
            let index = match &*each.pat {
                Pat::Ident(index) if index.mutability.is_none() && index.subpat.is_none() => {
                    Some(&index.ident)
                }
                Pat::Wild(_) => None,
                other => {
                    return refuse(
                        other,
                        "the pattern of this loop cannot be followed\nhelp: count with a plain name, as in `for i in 0..n`",
                    );
                }
            };
            let label = each.label.as_ref();
            return self.over_range(index, range, label, &each.body, expr);
        }
        let plain = self.is_inert(&each.expr);
        if plain {
            let iterator = self.inert(each.expr.to_token_stream(), Hint::Unknown);
            let counted = Counted::Each {
                pattern: &each.pat,
                iterator,
                declared: self.declared_items(&each.expr).taken_by(&each.pat),
            };
            return self.looped(counted, each.label.as_ref(), &each.body, expr);
        }
        // What it goes through is read entry by entry.
        let place = self.fresh("i");
        let index: Expr = syn::parse_quote!(#place);
        let Some(items) = self.gone_through(&each.expr, &index) else {
            return refuse(
                &each.expr,
                format!(
                    "cannot follow what `{}` goes through\nhelp: count the entries, as in `for i in 0..x.len()`, and read `x[i]` in the loop",
                    text(&each.expr)
                ),
            );
        };
        let mut least: Option<Inert> = None;
        for count in &items.counts {
            let count = self.bound(count, &changed)?;
            least = Some(match least {
                None => count,
                Some(least) if least.tokens.to_string() == count.tokens.to_string() => least,
                Some(least) => {
                    let (a, b) = (&least.tokens, &count.tokens);
                    Inert {
                        tokens: quote!(::core::cmp::Ord::min(#a, #b)),
                        ..joined(least, count)
                    }
                }
            });
        }
        let endless = || Inert {
            hint: Hint::Int,
            ..Inert::plain(quote!(::core::primitive::usize::MAX), false)
        };
        let least = least.unwrap_or_else(endless);
        let label = each.label.as_ref();
        let Through {
            variables,
            label,
            body,
        } = self.through(&items, &each.pat, &each.body.stmts, label)?;
        let end = &least.tokens;
        let range = Inert {
            tokens: quote!(0..#end),
            ..least
        };
        if items.is_plain() {
            return self.over_range(Some(&place), range, label.as_ref(), &body, expr);
        }
        self.scope.push();
        self.nested += 1;
        let mut bound = Ok(());
        for stmt in &variables {
            if let (Ok(()), Stmt::Local(local)) = (&bound, stmt) {
                bound = self.local(local, stmt);
            }
        }
        // What is bound there is read in the loop.
        let whole: syn::ExprForLoop =
            syn::parse_quote_spanned!(expr.span()=> for #place in 0..0 #body);
        let iterator = &each.expr;
        let whole: Expr = syn::parse_quote!({ #iterator; #whole });
        let done = match bound {
            Ok(()) => self.over_range(Some(&place), range, label.as_ref(), &body, &whole),
            Err(refusal) => Err(refusal),
        };
        self.nested -= 1;
        self.scope.pop();
        done
    }

    /// A loop over a range; one with checkpoints goes through it segment by segment.
    fn over_range(
        &mut self,
        index: Option<&Ident>,
        range: Inert,
        label: Option<&syn::Label>,
        body: &syn::Block,
        expr: &Expr,
    ) -> Lowered<Value> {
        if let (Some(checkpoint), false) = (self.checkpoint, self.is_in_loop()) {
            return self.in_segments(checkpoint, (index, range), label, body, expr);
        }
        let counted = Counted::Range {
            index,
            range,
            recomputed: false,
        };
        self.looped(counted, label, body, expr)
    }

    /// A loop over a list that is written out, of what cannot be counted through: its body once for each.
    fn unrolled(&mut self, each: &syn::ExprForLoop) -> Lowered<Option<Value>> {
        const MOST: usize = 16;
        let mut list = &*each.expr;
        loop {
            list = match list {
                Expr::Reference(of) if of.mutability.is_none() => &of.expr,
                Expr::Paren(of) => &of.expr,
                Expr::MethodCall(call)
                    if call.args.is_empty()
                        && (call.method == "iter" || call.method == "into_iter") =>
                {
                    &call.receiver
                }
                _ => break,
            };
        }
        let written = match list {
            Expr::Array(_) => true,
            Expr::Macro(mac) => mac.mac.path.is_ident("vec"),
            _ => false,
        };
        if self.is_inert(&each.expr) || !written && !matches!(list, Expr::Path(_)) {
            return Ok(None);
        }
        let mut block: syn::Block = syn::parse_quote!({});
        let list: Expr = match written {
            true => {
                // It is made once.
                let name = self.fresh("list");
                let stmt: Stmt = syn::parse_quote!(let #name = #list;);
                block.stmts.push(stmt);
                syn::parse_quote!(#name)
            }
            false => list.clone(),
        };
        let mark = self.mark();
        let value = match block.stmts.first() {
            Some(Stmt::Local(local)) => match &local.init {
                Some(init) => self.expr(&init.expr)?,
                None => return Ok(None),
            },
            _ => self.expr(&list)?,
        };
        self.roll_back(mark);
        let Value::List(entries) = value else {
            return Ok(None);
        };
        let numbers = entries
            .iter()
            .all(|entry| matches!(entry, Value::Node(id) if !self.graph.is_matrix(*id)));
        if numbers && !written {
            return Ok(None);
        }
        if numbers {
            let mut whole = each.clone();
            *whole.expr = list;
            block.stmts.push(Stmt::Expr(Expr::ForLoop(whole), None));
            return self.nested_block(&block).map(Some);
        }
        if entries.len() > MOST || crate::scope::leaves_loop(&each.body.to_token_stream()).is_some()
        {
            return refuse(
                &each.expr,
                "a list of vectors, matrices or tuples is gone through by writing the body once for each, which cannot be done here\nhelp: keep them as the columns of one matrix, and take `column(i)`",
            );
        }
        let (pattern, stmts) = (&each.pat, &each.body.stmts);
        for k in 0..entries.len() {
            let k = syn::Index::from(k);
            let once: Stmt = syn::parse_quote!({ let #pattern = #list[#k]; #(#stmts)* });
            block.stmts.push(once);
        }
        self.nested_block(&block).map(Some)
    }

    /// `while condition { … }`
    pub(super) fn while_loop(&mut self, each: &syn::ExprWhile, expr: &Expr) -> Lowered<Value> {
        if let Expr::Let(cond) = &*each.cond {
            return self.while_let(cond, each);
        }
        let counted = Counted::While(&each.cond);
        self.looped(counted, each.label.as_ref(), &each.body, expr)
    }

    /// `loop { … }`
    pub(super) fn endless(&mut self, each: &syn::ExprLoop, expr: &Expr) -> Lowered<Value> {
        let label = each.label.as_ref().map(|l| l.name.ident.to_string());
        let Some(parts) = broken_with(each.body.to_token_stream(), label.as_deref(), false) else {
            return self.looped(Counted::Endless, each.label.as_ref(), &each.body, expr);
        };
        // The kinds of what it gives are known when it has been read: then it is read again.
        let mut kinds = vec![Kind::SCALAR; parts];
        for _ in 0..2 {
            let before = self.before();
            let errors = std::mem::take(&mut self.errors);
            self.scope.push();
            let mut names = Vec::new();
            for kind in &kinds {
                let name = self.fresh("value");
                let zero = self.graph.constant(0.0);
                let start = match kind.is_matrix() {
                    true => self.graph.insert(Op::Fill, vec![zero], kind.clone()),
                    false => zero,
                };
                self.scope
                    .bind(Binding::active(name.clone(), Value::Node(start)));
                names.push(name);
            }
            self.broken_with.push(BrokenWith {
                label: label.clone(),
                names: names.clone(),
                kinds: None,
            });
            let result = self.looped(Counted::Endless, each.label.as_ref(), &each.body, expr);
            let found = self.broken_with.pop().and_then(|b| b.kinds);
            let values = names
                .iter()
                .filter_map(|name| self.scope.get(&name.to_string()));
            let mut values: Vec<Value> = values.map(|b| b.value.clone()).collect();
            self.scope.pop();
            if let Some(found) = found {
                self.restore(before);
                kinds = found;
                continue;
            }
            let found = std::mem::replace(&mut self.errors, errors);
            if let Err(error) = found.finish() {
                self.errors.add(error);
            }
            result?;
            return Ok(match parts {
                1 => values.remove(0),
                _ => Value::Tuple(values),
            });
        }
        refuse(
            expr,
            "what `break` gives here is not of one type, as far as the macro can see\nhelp: assign it to a variable of outside the loop, and leave with `break`",
        )
    }

    /// `break value`
    pub(super) fn keep_broken_with(
        &mut self,
        label: Option<&syn::Lifetime>,
        value: &Expr,
        at: &Expr,
    ) -> Lowered<()> {
        let label = label.map(|l| l.ident.to_string());
        let known = self.broken_with.iter().rposition(|known| match &label {
            Some(_) => known.label == label,
            None => true,
        });
        let Some(known) = known else {
            return refuse(at, "what this `break` leaves cannot be seen");
        };
        let names = self.broken_with[known].names.clone();
        let values = match self.expr(value)? {
            Value::Tuple(values) if names.len() == values.len() && names.len() > 1 => values,
            one if names.len() == 1 => vec![one],
            _ => return refuse(value, "the parts of this tuple cannot be told apart"),
        };
        let (mut wanted, mut given) = (Vec::new(), Vec::new());
        for (name, one) in names.iter().zip(&values) {
            let start = self.variable(name, at)?;
            let start = self.node(&start, at, &Kind::SCALAR)?;
            let kind = self.graph.kind(start);
            let id = self.node(one, value, &kind)?;
            if self.graph.kind(id).elem != kind.elem {
                return refuse(value, format!("`{}` is no real number", text(value)));
            }
            wanted.push(kind);
            given.push(id);
        }
        let kinds = given.iter().map(|id| self.graph.kind(*id));
        let kinds: Vec<Kind> = kinds.collect();
        let dynamic = |kind: &Kind| kind.shape.as_ref().is_some_and(Shape::is_dynamic);
        if kinds.iter().any(dynamic) {
            return refuse(
                value,
                "`break` gives numbers and matrices of known size only\nhelp: assign the value to a variable of outside the loop, and leave with `break`",
            );
        }
        if wanted.iter().zip(&kinds).any(|(a, b)| a.shape != b.shape) {
            self.broken_with[known].kinds = Some(kinds);
            return Err(Refusal(None));
        }
        for (name, id) in names.iter().zip(given) {
            self.assign(name, Value::Node(id));
        }
        Ok(())
    }

    /// `while let pattern = value { … }`
    fn while_let(&mut self, cond: &syn::ExprLet, each: &syn::ExprWhile) -> Lowered<Value> {
        let (pattern, value, stmts) = (&cond.pat, &cond.expr, &each.body.stmts);
        if !self.is_inert(value) {
            let value = match &**value {
                block @ Expr::Block(_) => quote!((#block)),
                value => value.to_token_stream(),
            };
            let body = quote!({
                let #pattern = #value else { break; };
                #(#stmts)*
            });
            let whole = syn::ExprLoop {
                attrs: Vec::new(),
                label: each.label.clone(),
                loop_token: Default::default(),
                body: syn::parse2(body).map_err(|error| Refusal(Some(error)))?,
            };
            return self.endless(&whole, &Expr::Loop(whole.clone()));
        }
        let (next, fits) = (self.fresh("next"), self.fresh("fits"));
        let shown = super::matching::without_names(pattern);
        let whole = syn::ExprLoop {
            attrs: Vec::new(),
            label: each.label.clone(),
            loop_token: Default::default(),
            body: syn::parse_quote!({
                let #next = #value;
                let #fits = ::core::matches!(#next, #shown);
                if !#fits {
                    break;
                }
                let #pattern = #next else { ::core::unreachable!() };
                #(#stmts)*
            }),
        };
        self.endless(&whole, &Expr::Loop(whole.clone()))
    }

    /// A range of integers, forwards or backwards; `None` if it is something else.
    fn range(&mut self, expr: &Expr, changed: &[Id]) -> Lowered<Option<Inert>> {
        let range = match expr {
            Expr::Paren(inner) => return self.range(&inner.expr, changed),
            Expr::Group(inner) => return self.range(&inner.expr, changed),
            Expr::Range(range) => range,
            Expr::MethodCall(call) if call.method == "rev" && call.args.is_empty() => {
                let range = self.range(&call.receiver, changed)?;
                return Ok(range.map(|range| {
                    let tokens = &range.tokens;
                    Inert {
                        tokens: quote!((#tokens).rev()),
                        ..range
                    }
                }));
            }
            Expr::MethodCall(call) if call.method == "step_by" && call.args.len() == 1 => {
                let Some(range) = self.range(&call.receiver, changed)? else {
                    return Ok(None);
                };
                let step = self.bound(&call.args[0], changed)?;
                let (tokens, by) = (&range.tokens, &step.tokens);
                return Ok(Some(Inert {
                    tokens: quote!((#tokens).step_by(#by)),
                    ..joined(range, step)
                }));
            }
            _ => return Ok(None),
        };
        let (Some(start), Some(end)) = (&range.start, &range.end) else {
            return Ok(None);
        };
        let (start, end) = (self.bound(start, changed)?, self.bound(end, changed)?);
        let (a, limits, b) = (&start.tokens, &range.limits, &end.tokens);
        Ok(Some(Inert {
            tokens: quote!(#a #limits #b),
            ..joined(start, end)
        }))
    }

    /// The values of the variables that a loop changes.
    fn changed_in(&self, each: &Expr) -> Vec<Id> {
        let names = self.scope.with_fields(assigned(each.to_token_stream()));
        let bindings = names.iter().filter_map(|name| self.scope.get(name));
        let ids = bindings.filter_map(|binding| match &binding.value {
            Value::Lent(lent) => match self.scope.get(&lent.name.to_string())?.value {
                Value::Node(id) | Value::Slice(id) | Value::Columns(id, _) => Some(id),
                _ => None,
            },
            Value::Node(id) | Value::Slice(id) | Value::Columns(id, _) => Some(*id),
            _ => None,
        });
        ids.collect()
    }

    /// One end of a range, which is an integer.
    fn bound(&mut self, expr: &Expr, changed: &[Id]) -> Lowered<Inert> {
        let assigned = assigned(expr.to_token_stream());
        if let Some(name) = assigned.iter().find(|name| self.scope.get(name).is_some())
            && !self.is_inert(expr)
        {
            return refuse(
                expr,
                format!(
                    "`{name}` is changed in the header of this loop, which cannot be followed\nhelp: assign to it before the loop"
                ),
            );
        }
        let mut value = self.expr(expr)?;
        // Rust counts by integers only.
        if let Value::Untyped(place) = &value
            && let Some(integer) = fields::integer(place)
        {
            value = Value::Inert(integer);
        }
        match value {
            // What the loop changes may have another size, or another name, when derivatives count again.
            Value::Inert(inert) if inert.reads.iter().any(|id| changed.contains(id)) => {
                let known = self
                    .count_of(expr)?
                    .filter(|dim| !matches!(dim, Dim::Dynamic(_)));
                let (tokens, leaf) = match known {
                    Some(known) => (crate::ty::dim_tokens(&known), None),
                    None => {
                        let hint = Hint::Int;
                        let leaf = self.pin(
                            &Inert {
                                hint,
                                ..inert.clone()
                            },
                            Kind::INT,
                        )?;
                        let name = self.graph.leaf_of(leaf).map(|leaf| leaf.name);
                        (name.unwrap_or_default(), Some(leaf))
                    }
                };
                Ok(Inert {
                    tokens,
                    hint: Hint::Int,
                    reads: leaf.into_iter().collect(),
                    varies: inert.varies,
                    pure: true,
                    mutable: false,
                    leaf,
                })
            }
            Value::Inert(inert) if matches!(inert.hint, Hint::Int | Hint::Unknown) => {
                // A block would be taken for the body.
                let is_block = |t: TokenTree| matches!(t, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
                let simple = matches!(expr, Expr::MethodCall(_) | Expr::Field(_) | Expr::Binary(_))
                    || super::inert::is_single(&inert.tokens);
                let parens = !simple || inert.tokens.clone().into_iter().any(is_block);
                let tokens = &inert.tokens;
                let tokens = if parens {
                    quote!((#tokens))
                } else {
                    quote!(#tokens)
                };
                Ok(Inert { tokens, ..inert })
            }
            _ => refuse(
                expr,
                format!(
                    "`{}` is not an integer that the macro can follow",
                    text(expr)
                ),
            ),
        }
    }

    pub(super) fn looped(
        &mut self,
        counted: Counted,
        label: Option<&syn::Label>,
        block: &syn::Block,
        expr: &Expr,
    ) -> Lowered<Value> {
        if self.closures > 0 {
            return refuse(
                expr,
                "a loop inside the closure of another method is not supported\nhelp: put the loop into a function of its own, with `#[differentiable]`",
            );
        }
        if self.bodies > 0
            && let Some(found) = super::exits::value_returned(expr.to_token_stream(), self.wrapped)
        {
            return refuse(
                found,
                "`return` or `break 'label` out of a loop in a closure or a block is not supported\nhelp: assign the value to a variable, and leave the loop with `break`",
            );
        }
        let mut counted = counted;
        // The size of what changes in the loop is read before.
        let changing = self.scope.with_fields(assigned(expr.to_token_stream()));
        let resized = |lower: &Self, range: &Inert| {
            changing.iter().any(|name| {
                let known = lower.scope.get(name).map(|b| &b.value);
                let dynamic = matches!(known, Some(Value::Node(id) | Value::Slice(id)) if lower.graph.shape(*id).is_some_and(|s| s.is_dynamic()));
                dynamic && crate::scope::contains(range.tokens.clone(), name)
            })
        };
        if let Counted::Range { range, .. } = &mut counted
            && (!range.pure || !self.is_in_loop() && resized(self, range))
        {
            // It is evaluated here, and may be gone through twice.
            let reads = std::mem::take(&mut range.reads);
            let aside = self.is_in_loop() || !self.graph.guards.borrow().is_empty();
            let name = if aside {
                self.keep_as("range", &range.tokens, reads)
            } else {
                // A loop that goes through it again comes after it.
                let name = self.fresh("range");
                let leaf = self.graph.leaf(Leaf {
                    name: name.to_token_stream(),
                    kind: Kind::INERT,
                    form: Form::Owned,
                    varies: range.varies,
                });
                self.graph.keep_local(leaf);
                let tokens = &range.tokens;
                self.place(Step::Pin {
                    leaf,
                    tokens: quote!(let #name = #tokens;),
                    reads,
                    pure: false,
                    fixed: false,
                });
                self.kept_names.insert(name.to_string());
                range.reads.push(leaf);
                name
            };
            range.tokens = quote!(::core::clone::Clone::clone(&#name));
        }
        if let Counted::Each { iterator, .. } = &mut counted {
            let changed = self.changed_in(expr);
            if iterator.reads.iter().any(|id| changed.contains(id)) {
                // What the loop changes is read before it.
                let reads = std::mem::take(&mut iterator.reads);
                let name = self.keep_as("items", &iterator.tokens, reads);
                iterator.tokens = name.to_token_stream();
            }
        }
        let tokens = expr.to_token_stream();
        let known_ways = self.ways_out.len();
        let ways = self.ways_out(&tokens, expr)?;
        let names = assigned(tokens);
        let mut carried: Vec<Carried> = Vec::new();
        for name in ways.iter().flat_map(Lower::variables_of) {
            carried.extend(self.carried(name, expr)?);
        }
        let given = self
            .broken_with
            .iter()
            .flat_map(|given| given.names.clone());
        for name in given.collect::<Vec<_>>() {
            if self.scope.get(&name.to_string()).is_some() {
                carried.extend(self.carried(name, expr)?);
            }
        }
        for name in &names {
            let Some(binding) = self.scope.get(name).cloned() else {
                continue;
            };
            // A name that borrows a part of a variable changes that.
            let binding = match &binding.value {
                Value::Lent(lent) => match self.scope.get(&lent.name.to_string()).cloned() {
                    Some(binding) => binding,
                    None => continue,
                },
                _ => binding,
            };
            if binding.active && !carried.iter().any(|c| c.name == binding.ident) {
                carried.extend(self.carried(binding.ident, expr)?);
            }
        }
        // The next iteration may change what is not its own.
        let mut own = Vec::new();
        bound_in(block.to_token_stream(), &mut own);
        let changed = names
            .into_iter()
            .filter(|name| !own.iter().any(|own| own == name));
        let later: Rc<HashSet<String>> = Rc::new(changed.collect());
        // What turns out to be given a differentiated value in the loop is carried as well.
        loop {
            let before = self.before();
            std::mem::take(&mut self.errors);
            self.later.push(later.clone());
            let (newly, result) = self.iteration(&counted, label, block, &carried, expr);
            self.later.pop();
            if newly.is_none() && self.wanted_fields.is_empty() {
                let found = std::mem::replace(&mut self.errors, before.errors);
                if let Err(error) = found.finish() {
                    self.errors.add(error);
                    // What is wrong with it has been said.
                    return result.and(Err(Refusal(None)));
                }
                result?;
                self.look_at(&ways);
                if !self.is_in_loop() {
                    self.ways_out.truncate(known_ways);
                }
                return Ok(Value::Unit);
            }
            self.restore(before);
            self.find_wanted_fields()?;
            if let Some(name) = newly {
                carried.extend(self.carried(name, expr)?);
            }
        }
    }

    /// A variable that the loop changes, with its first value; a rotation or a tuple by its parts.
    fn carried(&mut self, name: Ident, at: &Expr) -> Lowered<Vec<Carried>> {
        if self.scope.depth_of(&name.to_string()) < Some(self.closure_depth) {
            return self.captured_by_closure(&name, &name);
        }
        if let Some(Value::Fields(fields)) = self.scope.get(&name.to_string()).map(|b| &b.value) {
            let mut carried = Vec::new();
            for (_, variable) in fields.clone().iter() {
                let known = self.scope.get(&variable.to_string()).map(|b| &b.value);
                // What is no value of the graph changes as it stands.
                if !matches!(known, Some(Value::Inert(_))) {
                    carried.extend(self.carried(variable.clone(), at)?);
                }
            }
            return Ok(carried);
        }
        let value = self.variable(&name, at)?;
        if let Value::Geometric(_) | Value::Tuple(_) = value {
            let parts = self.numbers_of(&value, &name, at)?;
            let value = with_parts(&value, &parts);
            self.assign(&name, value);
            let parts = parts.into_iter().enumerate().map(|(k, start)| Carried {
                name: name.clone(),
                part: Some(k),
                start,
                own: self.fresh(&name.to_string()),
                taken_over: false,
            });
            return Ok(parts.collect());
        }
        let start = self.node(&value, at, &Kind::SCALAR)?;
        // The name of a value that nothing else is known by goes over to the variable.
        let known = self.graph.names.borrow().get(&start).cloned();
        let known = known.filter(|own| *own == name && !self.is_read_by_name(start));
        let taken_over = known.is_some();
        let own = match known {
            Some(own) => {
                self.graph.names.borrow_mut().remove(&start);
                own
            }
            None => self.own_name(&name),
        };
        Ok(vec![Carried {
            name,
            part: None,
            start,
            own,
            taken_over,
        }])
    }

    /// The numbers and matrices that a tuple or a rotation is made of.
    fn numbers_of(&mut self, value: &Value, name: &Ident, at: &Expr) -> Lowered<Vec<Id>> {
        let Value::Tuple(parts) = value else {
            let geometric = self.geometric(value)?;
            return geometric.map(|g| g.coordinates).ok_or(Refusal(None));
        };
        let mut numbers = Vec::new();
        for part in parts {
            let part = match part {
                Value::Inert(inert) => self.taken_over(name, inert, at)?,
                part => part.clone(),
            };
            let id = match part {
                Value::Tuple(_) | Value::Geometric(_) | Value::List(_) => None,
                part => Some(self.node(&part, at, &Kind::SCALAR)?),
            };
            let smooth = id.filter(|id| self.graph.kind(*id).elem == Elem::Real);
            let Some(id) = smooth else {
                return refuse(
                    at,
                    format!(
                        "cannot follow the parts of `{name}` through this loop\nhelp: use a variable for each part"
                    ),
                );
            };
            numbers.push(id);
        }
        Ok(numbers)
    }

    /// Whether something that is kept as it stands reads a value by its name.
    fn is_read_by_name(&self, id: Id) -> bool {
        fn reads(steps: &[Placed], id: Id) -> bool {
            steps.iter().any(|placed| match &placed.step {
                Step::Verbatim { reads, .. } | Step::Pin { reads, .. } => reads.contains(&id),
                Step::Branch {
                    then, otherwise, ..
                } => reads_of(then, otherwise, id),
                _ => false,
            })
        }
        fn reads_of(then: &[Placed], otherwise: &[Placed], id: Id) -> bool {
            reads(then, id) || reads(otherwise, id)
        }
        let inert =
            |value: &Value| matches!(value, Value::Inert(inert) if inert.reads.contains(&id));
        let in_loop = |of: &Id| match self.graph.op(*of) {
            Op::Loop(number) => {
                let carried = self.graph.loops.get(number).next.len();
                self.graph.args(*of)[carried..].contains(&id)
            }
            _ => false,
        };
        self.steps.iter().any(|steps| reads(steps, id))
            || (id.0..self.graph.count()).map(Id).any(|of| in_loop(&of))
            || self.scope.names().iter().any(|name| {
                self.scope
                    .get(name)
                    .is_some_and(|binding| inert(&binding.value))
            })
    }

    /// Reads one iteration. A variable that has to be carried too comes back.
    fn iteration(
        &mut self,
        counted: &Counted,
        label: Option<&syn::Label>,
        block: &syn::Block,
        carried: &[Carried],
        expr: &Expr,
    ) -> (Option<Ident>, Lowered<()>) {
        let mut outside = self.enter(expr.to_token_stream(), carried);
        let (known_ways, name) = (self.ways_out.len(), label.map(|l| l.name.ident.to_string()));
        self.labels.extend(name.clone());
        let leaves: Vec<Id> = outside.inputs.iter().map(|i| i.1).collect();
        let exits = |ident: &Ident| *ident == "break" || *ident == "return";
        let exits = crate::ty::mentions(block.to_token_stream(), &exits)
            || has_label_or_question(block.to_token_stream());
        let repeats = matches!(counted, Counted::Range { .. }) && !exits;
        self.around = Some(Around {
            repeats,
            label: label.map(|l| l.name.ident.to_string()),
            broken: Left::Never,
            left: Left::Never,
            carried: carried
                .iter()
                .zip(&leaves)
                .map(|(c, leaf)| (c.name.to_string(), c.part, *leaf))
                .collect(),
        });
        if let Counted::Range { range, .. } = counted {
            // What is evaluated on one side of a branch is out of reach on the way back.
            let aside = !outside.graph.guards.borrow().is_empty();
            let names = outside.kept_names.iter().filter(|_| aside);
            let read = names.filter(|name| crate::scope::contains(range.tokens.clone(), name));
            self.kept_names.extend(read.cloned());
        }
        let before = self.scope.clone();
        let header = self.header(counted);
        if let (Ok(Header::Range { index, .. }), false) = (&header, repeats) {
            // Where it is not counted again, the index is out of reach.
            let name = self.graph.leaf_of(*index).map(|leaf| leaf.name.to_string());
            self.kept_names.extend(name);
        }
        let read = match header {
            Ok(header) => self.block(block).map(|_| header),
            Err(refusal) => Err(refusal),
        };
        // A variable of outside that was inert so far.
        let newly = before.names().into_iter().find_map(|name| {
            let (old, new) = (before.get(&name)?, self.scope.get(&name)?);
            let changed = matches!(old.value, Value::Inert(_))
                && !matches!(new.value, Value::Inert(_) | Value::Poison)
                || !carried.iter().any(|c| c.name == old.ident)
                    && self.scope.differs(&before, &name);
            changed.then(|| old.ident.clone())
        });
        let read = if newly.is_some() {
            Err(Refusal(None))
        } else {
            read
        };
        let read = read.and_then(|header| {
            let mut next = Vec::new();
            for (variable, leaf) in carried.iter().zip(&leaves) {
                next.push(self.next_value(variable, *leaf, expr)?);
            }
            Ok((header, next))
        });
        let exit = self.around.as_ref().map_or(Left::Never, |a| a.broken);
        // Those of inner loops are variables of this one.
        self.ways_out.truncate(known_ways);
        if name.is_some() {
            self.labels.pop();
        }
        let body = self.leave(&mut outside);
        match read {
            Ok((header, next)) => {
                let (named, recomputed) = match counted {
                    Counted::Range {
                        range, recomputed, ..
                    } => (range.reads.clone(), *recomputed),
                    Counted::Each { iterator, .. } => (iterator.reads.clone(), false),
                    Counted::While(_) => (self.header_reads(&header, &outside), false),
                    Counted::Endless => (Vec::new(), false),
                };
                if recomputed && let Err(refusal) = checkpoints::check(&body, exit, expr) {
                    return (None, Err(refusal));
                }
                let iteration = Iteration {
                    header,
                    named,
                    body,
                    next,
                    exit,
                    recomputed,
                };
                let finished = self.finish_loop(iteration, outside, carried, expr);
                (None, finished)
            }
            Err(refusal) => (newly, Err(refusal)),
        }
    }

    /// What a variable is at the end of the iteration.
    fn next_value(&mut self, variable: &Carried, leaf: Id, expr: &Expr) -> Lowered<Id> {
        let name = &variable.name;
        let Some(binding) = self.scope.get(&name.to_string()).cloned() else {
            return Ok(leaf);
        };
        let kind = self.graph.kind(leaf);
        let id = match (binding.value, variable.part) {
            (Value::Slice(id) | Value::Columns(id, _), _) => id,
            (value, None) => self.node(&value, expr, &kind)?,
            (value, Some(part)) => match part_of(&value, part) {
                Some(value) => self.node(&value, expr, &kind)?,
                None => return Err(Refusal(None)),
            },
        };
        let new = self.graph.kind(id);
        let same = match (&kind.shape, &new.shape) {
            (Some(a), Some(b)) => a.same_type(b),
            (a, b) => a.is_none() == b.is_none(),
        };
        if !same || new.elem != kind.elem {
            return refuse(
                expr,
                format!(
                    "`{name}` changes its type in this loop, as far as the macro can see\nhelp: give it its type before the loop, as in `let mut {name}: DVector<f64> = …;`"
                ),
            );
        }
        Ok(id)
    }

    /// The header of a loop, and the names that it binds.
    fn header(&mut self, counted: &Counted) -> Lowered<Header> {
        match counted {
            Counted::Range { index, range, .. } => {
                let name = match index {
                    // It is known in the loop only.
                    Some(index) if self.bound.insert(index.unraw().to_string()) => (*index).clone(),
                    Some(index) => self.own_name(index),
                    None => self.fresh("i"),
                };
                let leaf = self.graph.leaf(Leaf {
                    name: name.to_token_stream(),
                    kind: Kind::INT,
                    form: Form::Owned,
                    varies: range.varies,
                });
                if let Some(index) = index {
                    self.scope.bind(Binding::inert(
                        (*index).clone(),
                        Value::Inert(Inert {
                            tokens: name.to_token_stream(),
                            hint: Hint::Int,
                            reads: Vec::new(),
                            varies: range.varies,
                            pure: true,
                            mutable: false,
                            leaf: Some(leaf),
                        }),
                        range.varies,
                    ));
                }
                Ok(Header::Range {
                    index: leaf,
                    range: range.tokens.clone(),
                })
            }
            Counted::Each {
                pattern,
                iterator,
                declared,
            } => {
                let mut names = Vec::new();
                super::pattern_names(pattern, &mut names);
                let new: Vec<Ident> = names.iter().map(|n| self.own_name(n)).collect();
                let tokens = crate::scope::rename(pattern.to_token_stream(), &|ident| {
                    let at = names.iter().position(|n| n == ident)?;
                    Some(new[at].to_token_stream())
                });
                for (name, new) in names.iter().zip(&new) {
                    self.kept_names.insert(new.to_string());
                    let known = declared.iter().find(|(own, _)| own == name).map(|d| &d.1);
                    let hint = known.map_or(Hint::Unknown, |known| self.hint_of_declared(known));
                    let value = Value::Inert(Inert {
                        hint,
                        ..Inert::plain(new.to_token_stream(), iterator.varies)
                    });
                    self.scope.bind(Binding {
                        declared: known.cloned().map(Rc::new),
                        ..Binding::inert(name.clone(), value, iterator.varies)
                    });
                }
                Ok(Header::Each {
                    pattern: tokens,
                    iterator: iterator.tokens.clone(),
                })
            }
            Counted::While(cond) => {
                let changed = super::assigned::assigned(cond.to_token_stream());
                if let Some(name) = changed.iter().find(|name| self.scope.get(name).is_some())
                    && !self.is_inert(cond)
                {
                    return refuse(
                        cond,
                        format!(
                            "the condition of this loop changes `{name}`, which cannot be followed\nhelp: write `loop {{ … }}` with the change in its body, and leave by `if … {{ break; }}`"
                        ),
                    );
                }
                if self.is_inert(cond) {
                    let inert = self.inert(cond.to_token_stream(), Hint::Bool);
                    self.check_kept(&cond.to_token_stream())?;
                    return Ok(Header::While(inert.tokens));
                }
                let value = self.expr(cond)?;
                let id = self.node(&value, cond, &Kind::BOOL)?;
                if self.graph.kind(id).elem != crate::graph::Elem::Bool {
                    return refuse(cond, format!("`{}` is not a condition", text(cond)));
                }
                self.place(Step::Leave {
                    cond: id,
                    when: false,
                });
                Ok(Header::Endless)
            }
            Counted::Endless => Ok(Header::Endless),
        }
    }

    /// Begins a graph of its own, in which the values of the names that the tokens mention are leaves.
    fn enter(&mut self, tokens: TokenStream, carried: &[Carried]) -> Outside {
        let mut outside = Outside {
            graph: std::mem::take(&mut self.graph),
            scope: std::mem::take(&mut self.scope),
            steps: std::mem::replace(&mut self.steps, vec![Vec::new()]),
            active: std::mem::take(&mut self.active),
            sources: std::mem::take(&mut self.sources),
            fields: std::mem::take(&mut self.fields),
            pins: std::mem::take(&mut self.pins),
            items: self.items.take(),
            attempts: std::mem::take(&mut self.attempts),
            presences: std::mem::take(&mut self.presences),
            elements_of_columns: std::mem::take(&mut self.elements_of_columns),
            called_names: std::mem::take(&mut self.called_names),
            kept_names: std::mem::take(&mut self.kept_names),
            expected: self.expected.take(),
            around: self.around.take(),
            inputs: Vec::new(),
            known: IdMap::default(),
            // All that may be assigned to is carried.
            closure_depth: std::mem::take(&mut self.closure_depth),
        };
        let within = outside
            .around
            .is_some()
            .then(|| outside.scope.names_within(1));
        self.of_iterations
            .push(within.into_iter().flatten().collect());
        // What the statements of a loop around this one bind is out of reach as well.
        if outside.around.is_some() {
            self.kept_names.clone_from(&outside.kept_names);
        }
        self.scope.push();
        for variable in carried {
            // A variable of its own, also where it begins as another value.
            let own = variable.own.to_token_stream();
            let leaf = self.copied_leaf(&mut outside, variable.start, own, true);
            self.sources.push(leaf);
            outside.inputs.push((variable.start, leaf));
            let name = variable.name.to_string();
            let known = self.scope.get(&name).or_else(|| outside.scope.get(&name));
            let value = match (known.map(|b| &b.value), variable.part) {
                (Some(whole), Some(part)) => with_part(whole, part, leaf),
                (Some(Value::Slice(_)), None) => Value::Slice(leaf),
                (Some(Value::Columns(_, columns)), None) => Value::Columns(leaf, *columns),
                _ => Value::Node(leaf),
            };
            self.scope
                .bind(Binding::active(variable.name.clone(), value));
        }
        for field in std::mem::take(&mut outside.fields) {
            let leaf = self.captured(&mut outside, field.id);
            self.fields.push(field.inside(leaf));
            outside.fields.push(field);
        }
        let mut names = Vec::new();
        variables(tokens, &mut names);
        for name in outside.scope.with_fields(names) {
            let Some(binding) = outside.scope.get(&name).cloned() else {
                continue;
            };
            if carried.iter().any(|c| c.name == binding.ident) {
                continue;
            }
            let value = self.brought_in(&mut outside, &binding.value);
            self.scope.bind(Binding { value, ..binding });
        }
        self.scope.push();
        outside
    }

    /// The same value as a leaf inside the loop.
    fn brought_in(&mut self, outside: &mut Outside, value: &Value) -> Value {
        let mut all = |lower: &mut Self, values: &[Value]| {
            let values = values.iter();
            values.map(|v| lower.brought_in(outside, v)).collect()
        };
        match value {
            Value::Tuple(values) => Value::Tuple(all(self, values)),
            Value::Record(fields) => {
                let fields = fields
                    .iter()
                    .map(|(name, field)| (name.clone(), self.brought_in(outside, field)));
                Value::Record(fields.collect())
            }
            Value::Fields(_) => value.clone(),
            Value::Wrapped(value) => Value::Wrapped(Box::new(self.brought_in(outside, value))),
            Value::Node(id) => Value::Node(self.captured(outside, *id)),
            Value::Entry(id) => Value::Entry(self.captured(outside, *id)),
            Value::Slice(id) => Value::Slice(self.captured(outside, *id)),
            Value::Columns(id, columns) => Value::Columns(self.captured(outside, *id), *columns),
            Value::List(values) => Value::List(all(self, values)),
            Value::Elements(id) => Value::Elements(self.captured(outside, *id)),
            Value::Inert(inert) => {
                let reads = inert.reads.iter().map(|id| self.captured(outside, *id));
                let reads = reads.collect();
                Value::Inert(Inert {
                    reads,
                    leaf: inert.leaf.map(|leaf| self.captured(outside, leaf)),
                    ..inert.clone()
                })
            }
            Value::Pending(pending) => Value::Pending(self.pending_in(outside, *pending)),
            Value::PendingOr(pending, error) => {
                Value::PendingOr(self.pending_in(outside, *pending), error.clone())
            }
            Value::Called(call, part) => {
                std::mem::swap(&mut self.graph, &mut outside.graph);
                if let Some(maybe) = self.looked_at_before(*call).filter(|_| part.is_empty()) {
                    std::mem::swap(&mut self.graph, &mut outside.graph);
                    return self.brought_in(outside, &Value::Maybe(maybe));
                }
                // Its type is decided here, if it was not before.
                self.items
                    .swap(&RefCell::new(std::mem::take(&mut outside.items)));
                let id = self.called(*call, part, &Kind::SCALAR);
                outside.items = self.items.take();
                std::mem::swap(&mut self.graph, &mut outside.graph);
                Value::Node(self.captured(outside, id))
            }
            Value::Lent(lent) => Value::Lent(Lent {
                name: lent.name.clone(),
                path: lent
                    .path
                    .iter()
                    .map(|(part, at)| {
                        let at = at.iter().map(|id| self.captured(outside, *id));
                        (part.clone(), at.collect())
                    })
                    .collect(),
            }),
            Value::Geometric(geometric) => {
                let coordinates = geometric.coordinates.iter();
                Value::Geometric(Geometric {
                    coordinates: coordinates.map(|id| self.captured(outside, *id)).collect(),
                    ..geometric.clone()
                })
            }
            Value::Maybe(maybe) => Value::Maybe(Maybe {
                some: self.captured(outside, maybe.some),
                value: Box::new(self.brought_in(outside, &maybe.value)),
                absence: maybe.absence.clone(),
            }),
            Value::Unset(inert) => Value::Unset(Inert {
                reads: inert
                    .reads
                    .iter()
                    .map(|id| self.captured(outside, *id))
                    .collect(),
                leaf: inert.leaf.map(|leaf| self.captured(outside, leaf)),
                ..inert.clone()
            }),
            Value::Function(function) => Value::Function(self.function_in(outside, function)),
            // What is known of a field is read like any other value.
            Value::Untyped(_) => self.resolved(value.clone()),
            Value::Position(_)
            | Value::Unit
            | Value::Never
            | Value::Iterator(_)
            | Value::Poison => value.clone(),
        }
    }

    /// A closure that captures the same values.
    fn function_in(&mut self, outside: &mut Outside, function: &Rc<Function>) -> Rc<Function> {
        let Some(captured) = function.captured.as_ref() else {
            return function.clone();
        };
        let mut names = Vec::new();
        variables(function.body.to_token_stream(), &mut names);
        let mut scope = Scope::default();
        scope.push();
        for name in captured.with_fields(names) {
            if let Some(binding) = captured.get(&name).cloned() {
                let value = self.brought_in(outside, &binding.value);
                scope.bind(Binding { value, ..binding });
            }
        }
        Rc::new(function.capturing(scope))
    }

    fn pending_in(&mut self, outside: &mut Outside, pending: Pending) -> Pending {
        match pending {
            Pending::Inverse(a) => Pending::Inverse(self.captured(outside, a)),
            Pending::LuInverse(a) => Pending::LuInverse(self.captured(outside, a)),
            Pending::Cholesky(a) => Pending::Cholesky(self.captured(outside, a)),
            Pending::LuSolve(a, b) => {
                Pending::LuSolve(self.captured(outside, a), self.captured(outside, b))
            }
            Pending::Normalize(a, b) => {
                Pending::Normalize(self.captured(outside, a), self.captured(outside, b))
            }
            Pending::Triangular {
                triangle,
                rhs,
                upper,
                transposed,
            } => Pending::Triangular {
                triangle: self.captured(outside, triangle),
                rhs: self.captured(outside, rhs),
                upper,
                transposed,
            },
        }
    }

    fn captured(&mut self, outside: &mut Outside, id: Id) -> Id {
        if let Some(known) = outside.known.get(&id) {
            return *known;
        }
        let leaf = match (outside.graph.op(id), outside.graph.integer_value(id)) {
            (Op::Const(bits), _) => self.graph.constant(f64::from_bits(bits)),
            (_, Some(n)) => self.graph.integer(n).id,
            _ => {
                let name = self.name_outside(outside, id);
                let leaf = self.copied_leaf(outside, id, name, false);
                outside.inputs.push((id, leaf));
                leaf
            }
        };
        outside.known.insert(id, leaf);
        if outside.elements_of_columns.contains(&id) {
            self.elements_of_columns.insert(leaf);
        }
        if is_active(outside, id) {
            self.sources.push(leaf);
        }
        let list = outside.graph.lists.borrow().get(&id).cloned();
        if let Some(list) = list {
            self.graph.lists.borrow_mut().insert(leaf, list);
        }
        leaf
    }

    /// The name of a value outside, which it gets if it has none.
    fn name_outside(&mut self, outside: &mut Outside, id: Id) -> TokenStream {
        if let Some(leaf) = outside.graph.leaf_of(id) {
            return leaf.name;
        }
        let known = outside.graph.names.borrow().get(&id).cloned();
        let name = known.unwrap_or_else(|| {
            let wish = if outside.graph.is_matrix(id) {
                "whole"
            } else {
                "real"
            };
            let name = self.fresh(wish);
            outside.graph.names.borrow_mut().insert(id, name.clone());
            outside.graph.mentioned.borrow_mut().insert(id);
            name
        });
        name.to_token_stream()
    }

    /// A leaf of the kind of a value outside. Of what is carried, sizes are its own.
    fn copied_leaf(
        &mut self,
        outside: &mut Outside,
        id: Id,
        name: TokenStream,
        carried: bool,
    ) -> Id {
        let kind = outside.graph.kind(id);
        let form = match outside.graph.leaf_of(id) {
            Some(leaf) if !carried => leaf.form,
            _ => Form::Owned,
        };
        let varies = carried || outside.graph.varies(id);
        let own_size = |dim: &Dim| match outside.graph.extent(dim) {
            Some(Extent::Rows(of) | Extent::Cols(of)) => carried || of == id,
            _ => carried,
        };
        let kind = match &kind.shape {
            Some(shape) if own_size(&shape.rows) || own_size(&shape.cols) => {
                self.graph.kind_like(&kind)
            }
            Some(shape) => {
                let shape = shape.clone();
                let rows = self.dim_inside(outside, &shape.rows);
                let cols = self.dim_inside(outside, &shape.cols);
                Kind {
                    elem: kind.elem,
                    shape: Some(Shape::new(rows, cols)),
                }
            }
            None => kind,
        };
        self.graph.leaf(Leaf {
            name,
            kind,
            form,
            varies,
        })
    }

    /// The same extent, read from the leaf that stands for what it is read from.
    fn dim_inside(&mut self, outside: &mut Outside, dim: &Dim) -> Dim {
        let extent = match outside.graph.extent(dim) {
            None => return dim.clone(),
            Some(Extent::Rows(id)) => Extent::Rows(self.captured(outside, id)),
            Some(Extent::Cols(id)) => Extent::Cols(self.captured(outside, id)),
            Some(Extent::Int(id)) => Extent::Int(self.captured(outside, id)),
            Some(Extent::Fixed(dim)) => Extent::Fixed(dim),
            Some(Extent::Product(a, b)) => {
                Extent::Product(self.dim_inside(outside, &a), self.dim_inside(outside, &b))
            }
        };
        self.graph.dynamic(extent)
    }

    /// Ends the graph of the loop, and goes on with that outside.
    fn leave(&mut self, outside: &mut Outside) -> Body {
        let mut steps = self.steps.pop().unwrap_or_default();
        self.leave_out(&mut steps);
        self.steps = std::mem::take(&mut outside.steps);
        let graph = std::mem::replace(&mut self.graph, std::mem::take(&mut outside.graph));
        graph.user_nodes.set(graph.count());
        self.scope = std::mem::take(&mut outside.scope);
        self.active = std::mem::take(&mut outside.active);
        self.sources = std::mem::take(&mut outside.sources);
        self.fields = std::mem::take(&mut outside.fields);
        self.pins = std::mem::take(&mut outside.pins);
        self.items = RefCell::new(std::mem::take(&mut outside.items));
        self.attempts = std::mem::take(&mut outside.attempts);
        self.presences = std::mem::take(&mut outside.presences);
        self.elements_of_columns = std::mem::take(&mut outside.elements_of_columns);
        self.called_names = std::mem::take(&mut outside.called_names);
        let names = std::mem::replace(
            &mut self.kept_names,
            std::mem::take(&mut outside.kept_names),
        );
        let mut names = names;
        names_in(&steps, &mut names);
        self.expected = outside.expected.take();
        self.around = outside.around.take();
        self.closure_depth = outside.closure_depth;
        self.of_iterations.pop();
        self.loops_read += 1;
        Body {
            number: self.loops_read,
            graph,
            steps,
            names,
        }
    }

    /// The node of the loop, and what its variables are after it.
    fn finish_loop(
        &mut self,
        iteration: Iteration,
        outside: Outside,
        carried: &[Carried],
        expr: &Expr,
    ) -> Lowered<()> {
        let Iteration {
            header,
            named,
            body,
            next,
            exit,
            recomputed,
        } = iteration;
        let exit = match exit {
            Left::Never => None,
            Left::If(id) => Some(id),
            Left::Always => {
                return refuse(
                    expr,
                    "this loop is always left in its first iteration\nhelp: write its body without the loop",
                );
            }
        };
        let mut this = Loop {
            header,
            body: Rc::new(body),
            inputs: Vec::new(),
            next: Vec::new(),
            exit,
            records: RefCell::default(),
            backwards: false,
            recomputed,
            sums: Vec::new(),
            tangents: Vec::new(),
        };
        let body = this.body.clone();
        // What is not changed is not carried, but read.
        let (mut inputs, mut args, mut nexts, mut names) = (vec![], vec![], vec![], vec![]);
        for ((variable, next), (start, leaf)) in carried.iter().zip(&next).zip(&outside.inputs) {
            // What a statement reads by its name is a variable of that name.
            let named = !variable.taken_over && this.mentions(&variable.own);
            if next != leaf || named {
                inputs.push(*leaf);
                args.push(*start);
                nexts.push(*next);
                names.push(variable);
            } else if variable.taken_over {
                let own = variable.own.clone();
                self.graph.names.borrow_mut().insert(variable.start, own);
            }
        }
        let needed = needed_in(&body, &nexts, exit);
        for (id, leaf) in &outside.inputs {
            if !inputs.contains(leaf) && needed.contains(leaf) {
                inputs.push(*leaf);
                args.push(*id);
            }
        }
        args.extend(named);
        let effects = !body.steps.is_empty();
        let wishes: Vec<Option<TokenStream>> = inputs[..nexts.len()]
            .iter()
            .map(|leaf| body.graph.leaf_of(*leaf).map(|l| l.name))
            .collect();
        // What changes its entries only has the size that it began with.
        let stays = |leaf: Id, next: Id| {
            let keeps = |side: fn(&Shape) -> &Dim| keeps_size(&body.graph, leaf, next, side);
            (keeps(|shape| &shape.rows), keeps(|shape| &shape.cols))
        };
        let stays: Vec<_> = inputs
            .iter()
            .zip(&nexts)
            .map(|(a, b)| stays(*a, *b))
            .collect();
        (this.inputs, this.next) = (inputs, nexts);
        let number = self.graph.loops.add(this);
        let id = self
            .graph
            .insert_apart(Op::Loop(number), args.clone(), Kind::OPAQUE);
        if effects {
            self.place(Step::Loop(id));
        }
        for (k, variable) in names.into_iter().enumerate() {
            let start = self.graph.kind(args[k]);
            let mut kind = self.graph.kind_like(&start);
            if let (Some(shape), Some(start)) = (&mut kind.shape, start.shape) {
                let (rows, cols) = stays[k];
                if rows {
                    shape.rows = start.rows;
                }
                if cols {
                    shape.cols = start.cols;
                }
            }
            let item = self.graph.item(id, vec![k], kind);
            if let Some(Ok(own)) = wishes[k].clone().map(syn::parse2::<Ident>) {
                self.graph.names.borrow_mut().insert(item, own);
            }
            let own = self.graph.names.borrow().get(&item).cloned();
            let name = &variable.name;
            let known = self.scope.get(&name.to_string()).map(|b| &b.value);
            let value = match (known, variable.part) {
                (Some(whole), Some(part)) => with_part(whole, part, item),
                _ => Value::Node(item),
            };
            self.assign(name, value);
            if let Some(own) = own {
                self.graph.names.borrow_mut().insert(item, own);
            }
        }
        Ok(())
    }

    /// What the condition of a `while` reads by name.
    fn header_reads(&self, header: &Header, outside: &Outside) -> Vec<Id> {
        let Header::While(tokens) = header else {
            return Vec::new();
        };
        let mut names = Vec::new();
        variables(tokens.clone(), &mut names);
        let named = |id: &Id| {
            let leaf = self.graph.leaf_of(*id).map(|l| l.name.to_string());
            let own = || self.graph.names.borrow().get(id).map(ToString::to_string);
            let list = || {
                let lists = self.graph.lists.borrow();
                lists.get(id).map(|l| l.name.to_string())
            };
            [leaf, own(), list()]
                .into_iter()
                .flatten()
                .any(|n| names.contains(&n))
        };
        let inputs = outside.inputs.iter().map(|i| i.0);
        inputs.filter(named).collect()
    }

    /// `break` and `continue`
    pub(super) fn left(
        &mut self,
        label: Option<&syn::Lifetime>,
        breaks: bool,
        at: &Expr,
    ) -> Lowered<Value> {
        let Some(around) = &mut self.around else {
            return refuse(
                at,
                "leaving this block early is not supported\nhelp: use `if … { … } else { … }`",
            );
        };
        let outer = label.map(|l| l.ident.to_string());
        let outer = outer.filter(|l| around.label.as_ref() != Some(l));
        if let Some(outer) = outer {
            self.leave_outer(&outer, breaks)?;
            self.set_exits(Some((Left::Always, Left::Always)));
            return Ok(Value::Unit);
        }
        around.left = Left::Always;
        if breaks {
            around.broken = Left::Always;
        }
        Ok(Value::Unit)
    }

    /// Whether the loop that is being read has this label.
    pub(super) fn has_label(&self, label: Option<&str>) -> bool {
        let own = self
            .around
            .as_ref()
            .and_then(|around| around.label.as_deref());
        label.is_some() && label == own
    }

    /// Leaves the iteration under more conditions.
    pub(super) fn leave_also(&mut self, more: (Left, Left)) {
        if let Some(before) = self.exits() {
            let merged = (self.later(before.0, more.0), self.later(before.1, more.1));
            self.set_exits(Some(merged));
        }
    }

    /// Whether the body of a loop is being read.
    pub(super) fn is_in_loop(&self) -> bool {
        self.around.is_some()
    }

    /// Where the iteration may have been left before a statement: under which condition.
    pub(super) fn has_left(&self) -> Left {
        self.around.as_ref().map_or(Left::Never, |a| a.left)
    }

    pub(super) fn exits(&self) -> Option<(Left, Left)> {
        self.around.as_ref().map(|a| (a.broken, a.left))
    }

    pub(super) fn set_exits(&mut self, exits: Option<(Left, Left)>) {
        if let (Some(around), Some((broken, left))) = (&mut self.around, exits) {
            (around.broken, around.left) = (broken, left);
        }
    }

    /// After a branch, the iteration has been left where the side taken has left it.
    pub(super) fn merge_exits(
        &mut self,
        cond: Id,
        then: Option<(Left, Left)>,
        otherwise: Option<(Left, Left)>,
    ) {
        if let (Some(a), Some(b)) = (then, otherwise) {
            let merged = (self.either(cond, a.0, b.0), self.either(cond, a.1, b.1));
            self.set_exits(Some(merged));
        }
    }

    pub(super) fn either(&self, cond: Id, then: Left, otherwise: Left) -> Left {
        let logic = |op: Op, args: Vec<Id>| self.graph.insert(op, args, Kind::BOOL);
        let not = |id: Id| logic(Op::Not, vec![id]);
        if then == otherwise {
            return then;
        }
        let stays = |left: Left| matches!(left, Left::If(id) if self.stays_on_side(id, cond));
        if stays(then) || stays(otherwise) {
            let side = |left: Left| match left {
                Left::If(id) => id,
                Left::Always => self.graph.truth(true),
                Left::Never => self.graph.truth(false),
            };
            let sides = vec![cond, side(then), side(otherwise)];
            let leaves = logic(Op::Select, sides);
            let mut hints = self.graph.hints.borrow_mut();
            hints.entry(leaves).or_insert("leaves".to_string());
            return Left::If(leaves);
        }
        match (then, otherwise) {
            (Left::Always, Left::Never) => Left::If(cond),
            (Left::Never, Left::Always) => Left::If(not(cond)),
            (Left::If(a), Left::Never) => Left::If(logic(Op::And, vec![cond, a])),
            (Left::Never, Left::If(b)) => Left::If(logic(Op::And, vec![not(cond), b])),
            (Left::Always, Left::If(b)) => Left::If(logic(Op::Or, vec![cond, b])),
            (Left::If(a), Left::Always) => Left::If(logic(Op::Or, vec![not(cond), a])),
            (Left::If(a), Left::If(b)) => {
                let (a, b) = (
                    logic(Op::And, vec![cond, a]),
                    logic(Op::And, vec![not(cond), b]),
                );
                Left::If(logic(Op::Or, vec![a, b]))
            }
            _ => then,
        }
    }

    /// Whether a condition has to be asked on its side of a branch: it may panic, or reads what is there only.
    fn stays_on_side(&self, id: Id, cond: Id) -> bool {
        let mut pending = vec![id];
        let mut seen = HashSet::new();
        while let Some(id) = pending.pop() {
            let node = self.graph.node(id);
            if !seen.insert(id) || !node.guards.iter().any(|guard| guard.cond == cond) {
                continue;
            }
            let dynamic = node.kind.shape.as_ref().is_some_and(Shape::is_dynamic);
            if dynamic || node.op.is_opaque() || self.graph.may_panic(id) {
                return true;
            }
            pending.extend(node.args.iter());
        }
        false
    }

    /// Both of two exits, one after the other.
    fn later(&self, before: Left, after: Left) -> Left {
        match (before, after) {
            (Left::If(a), Left::If(b)) => {
                Left::If(self.graph.insert(Op::Or, vec![a, b], Kind::BOOL))
            }
            (Left::If(_), Left::Always) => Left::Always,
            (Left::Never, after) => after,
            (before, _) => before,
        }
    }

    /// The statements that are left out where the iteration has been left already.
    pub(super) fn unless_left(&mut self, left: Id, rest: &[Stmt]) -> Lowered<Value> {
        let before = self.exits();
        self.set_exits(Some((Left::Never, Left::Never)));
        let at = match rest.first() {
            Some(first) => first.to_token_stream(),
            None => TokenStream::new(),
        };
        let rest = syn::Block {
            brace_token: Default::default(),
            stmts: rest.to_vec(),
        };
        let value = self.fork(
            (&Value::Node(left), left),
            [false; 2],
            &Expr::Verbatim(at),
            |_| Ok(Value::Unit),
            |lower| lower.block(&rest).map(|_| Value::Unit),
        );
        if let (Some(before), Some(after)) = (before, self.exits()) {
            self.set_exits(Some((
                self.later(before.0, after.0),
                self.later(before.1, after.1),
            )));
        }
        value.map(|_| Value::Unit)
    }

    /// `if condition { break; }` before anything has changed in the iteration: it ends there.
    pub(super) fn leaves_at_once(&mut self, stmt: &Stmt) -> Lowered<bool> {
        let Some(around) = &self.around else {
            return Ok(false);
        };
        let Stmt::Expr(Expr::If(branch), _) = stmt else {
            return Ok(false);
        };
        let [Stmt::Expr(Expr::Break(leaving), _)] = &branch.then_branch.stmts[..] else {
            return Ok(false);
        };
        let unchanged = around.carried.iter().all(|(name, part, leaf)| {
            let value = self.scope.get(name).map(|b| b.value.clone());
            let value = match part {
                Some(part) => value.and_then(|whole| part_of(&whole, *part)),
                None => value,
            };
            matches!(value, Some(Value::Node(id) | Value::Slice(id) | Value::Columns(id, _)) if id == *leaf)
        });
        let plain = leaving.label.is_none()
            && leaving.expr.is_none()
            && branch.else_branch.is_none()
            && !matches!(&*branch.cond, Expr::Let(_))
            && around.left == Left::Never;
        if !plain || !unchanged || !self.graph.guards.borrow().is_empty() {
            return Ok(false);
        }
        let value = self.expr(&branch.cond)?;
        let cond = self.node(&value, &branch.cond, &Kind::BOOL)?;
        self.place(Step::Leave { cond, when: true });
        Ok(true)
    }
}

/// Whether a value outside depends on a differentiated parameter.
fn is_active(outside: &mut Outside, id: Id) -> bool {
    for number in outside.active.len() as u32..outside.graph.count() {
        let args = outside.graph.args(Id(number));
        let active = outside.sources.contains(&Id(number))
            || args.iter().any(|a| outside.active[a.0 as usize]);
        outside.active.push(active);
    }
    outside.active[id.0 as usize]
}

/// `for y in xs.flat_map(|x| ys) { … }` as two loops.
fn nested_loops(each: &syn::ExprForLoop) -> Option<syn::ExprForLoop> {
    let Expr::MethodCall(call) = &*each.expr else {
        return None;
    };
    if crate::scope::leaves_loop(&each.body.to_token_stream()).is_some() {
        return None;
    }
    let (outer, pattern) = (&call.receiver, &each.pat);
    let stmts = &each.body.stmts;
    // What the closure binds would hide what the body reads.
    let (mut known, mut names) = (Vec::new(), Vec::new());
    super::pattern_names(pattern, &mut known);
    bound_in(call.args.to_token_stream(), &mut names);
    let hidden = |name: &&Ident| {
        !known.contains(name)
            && crate::scope::contains(each.body.to_token_stream(), &name.to_string())
    };
    if names.iter().any(|name| hidden(&name)) {
        return None;
    }
    match (call.method.to_string().as_str(), call.args.first()) {
        ("flat_map", Some(Expr::Closure(closure))) if closure.inputs.len() == 1 => {
            let (item, inner) = (&closure.inputs[0], &closure.body);
            match &**inner {
                Expr::Block(block) => {
                    let (last, before) = block.block.stmts.split_last()?;
                    Some(
                        syn::parse_quote!(for #item in #outer { #(#before)* for #pattern in #last { #(#stmts)* } }),
                    )
                }
                inner => Some(
                    syn::parse_quote!(for #item in #outer { for #pattern in #inner { #(#stmts)* } }),
                ),
            }
        }
        _ => None,
    }
}

/// The names that tokens may bind: those of patterns.
pub(super) fn bound_in(tokens: TokenStream, names: &mut Vec<Ident>) {
    fn all(tokens: TokenStream, names: &mut Vec<Ident>) {
        for tree in tokens {
            match tree {
                TokenTree::Ident(word) => names.push(word),
                TokenTree::Group(group) => all(group.stream(), names),
                _ => {}
            }
        }
    }
    // What stands between `let`, `for` or a bar and the value binds names.
    let mut inside = false;
    for tree in tokens {
        match &tree {
            TokenTree::Ident(word) if *word == "let" || *word == "for" => inside = true,
            TokenTree::Ident(word) if *word == "in" => inside = false,
            TokenTree::Punct(p) if matches!(p.as_char(), '=' | ';') => inside = false,
            TokenTree::Punct(p) if p.as_char() == '|' => inside = !inside,
            TokenTree::Ident(word) if inside => names.push(word.clone()),
            TokenTree::Group(group) if inside => all(group.stream(), names),
            TokenTree::Group(group) => bound_in(group.stream(), names),
            _ => {}
        }
    }
}

/// Of how many parts what `break` gives is: those of other loops are not meant.
pub(super) fn broken_with(tokens: TokenStream, label: Option<&str>, inside: bool) -> Option<usize> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is =
        |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let mut header = false;
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(word) if *word == "for" || *word == "while" || *word == "loop" => {
                header = true;
            }
            TokenTree::Ident(word) if *word == "break" => {
                let labelled = is(i + 1, '\'');
                let own = match trees.get(i + 2) {
                    Some(TokenTree::Ident(name)) if labelled => {
                        Some(name.to_string()) == label.map(String::from)
                    }
                    _ => !inside,
                };
                let at = if labelled { i + 3 } else { i + 1 };
                match trees.get(at) {
                    _ if !own => {}
                    None => {}
                    Some(TokenTree::Punct(p)) if matches!(p.as_char(), ';' | ',') => {}
                    Some(TokenTree::Group(group))
                        if group.delimiter() == proc_macro2::Delimiter::Parenthesis
                            && trees
                                .get(at + 1)
                                .is_none_or(|_| is(at + 1, ';') || is(at + 1, ',')) =>
                    {
                        let value = syn::parse2::<syn::ExprTuple>(group.to_token_stream());
                        return Some(value.map_or(1, |tuple| tuple.elems.len()));
                    }
                    Some(_) => return Some(1),
                }
            }
            TokenTree::Group(group) => {
                let body = header && group.delimiter() == proc_macro2::Delimiter::Brace;
                header &= !body;
                if let Some(found) = broken_with(group.stream(), label, inside || body) {
                    return Some(found);
                }
            }
            _ => {}
        }
    }
    None
}

/// Two integers of one expression.
fn joined(a: Inert, b: Inert) -> Inert {
    Inert {
        tokens: TokenStream::new(),
        hint: Hint::Int,
        reads: a.reads.iter().chain(&b.reads).copied().collect(),
        varies: a.varies || b.varies,
        pure: a.pure && b.pure,
        mutable: a.mutable || b.mutable,
        leaf: None,
    }
}

/// Whether there is a label, to which a loop may be left, or a `?`.
fn has_label_or_question(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Punct(p) => matches!(p.as_char(), '?' | '\''),
        TokenTree::Group(group) => has_label_or_question(group.stream()),
        _ => false,
    })
}

/// The names that statements bind.
fn names_in(steps: &[Placed], into: &mut HashSet<String>) {
    fn patterns(tokens: TokenStream, into: &mut HashSet<String>) {
        let mut inside = false;
        for tree in tokens {
            match &tree {
                TokenTree::Ident(word) if *word == "let" => inside = true,
                TokenTree::Punct(p) if matches!(p.as_char(), '=' | ';') => inside = false,
                TokenTree::Ident(name) if inside => {
                    into.insert(name.to_string());
                }
                TokenTree::Group(group) if inside => {
                    let all = &mut Vec::new();
                    variables(group.stream(), all);
                    into.extend(all.drain(..));
                }
                _ => {}
            }
        }
    }
    for placed in steps {
        match &placed.step {
            Step::Verbatim { tokens, .. } => patterns(tokens.clone(), into),
            Step::Branch {
                then, otherwise, ..
            } => {
                names_in(then, into);
                names_in(otherwise, into);
            }
            _ => {}
        }
    }
}

/// All that an iteration computes and its statements read.
fn needed_in(body: &Body, next: &[Id], exit: Option<Id>) -> HashSet<Id> {
    fn reads(steps: &[Placed], into: &mut Vec<Id>) {
        for placed in steps {
            match &placed.step {
                Step::Verbatim { reads, .. } | Step::Pin { reads, .. } => into.extend(reads),
                Step::Evaluate(id) | Step::Fit(id) | Step::Loop(id) => into.push(*id),
                Step::Let { .. } => {}
                Step::Leave { cond, .. } => into.push(*cond),
                Step::Branch {
                    select,
                    values,
                    then,
                    otherwise,
                } => {
                    into.push(*select);
                    into.extend(values);
                    reads_of(then, otherwise, into);
                }
            }
        }
    }
    fn reads_of(then: &[Placed], otherwise: &[Placed], into: &mut Vec<Id>) {
        reads(then, into);
        reads(otherwise, into);
    }
    let mut pending: Vec<Id> = next.iter().copied().chain(exit).collect();
    reads(&body.steps, &mut pending);
    let mut needed = HashSet::new();
    while let Some(id) = pending.pop() {
        if needed.insert(id) {
            let node = body.graph.node(id);
            pending.extend(node.args.iter());
            pending.extend(node.guards.iter().map(|g| g.cond));
            pending.extend(body.graph.sizes_of(id));
        }
    }
    needed
}

/// A part of a tuple, or a coordinate.
fn part_of(whole: &Value, part: usize) -> Option<Value> {
    match whole {
        Value::Tuple(parts) => parts.get(part).cloned(),
        Value::Geometric(geometric) => geometric.coordinates.get(part).map(|id| Value::Node(*id)),
        _ => None,
    }
}

/// The same tuple, or rotation, with another part.
fn with_part(whole: &Value, part: usize, id: Id) -> Value {
    let mut whole = whole.clone();
    match &mut whole {
        Value::Tuple(parts) => parts[part] = Value::Node(id),
        Value::Geometric(geometric) => geometric.coordinates[part] = id,
        _ => {}
    }
    whole
}

fn with_parts(whole: &Value, parts: &[Id]) -> Value {
    let parts = parts.iter().enumerate();
    parts.fold(whole.clone(), |whole, (k, id)| with_part(&whole, k, *id))
}

/// Whether a value has as many rows, or columns, as another: what is computed entry by entry has those of its arguments.
fn keeps_size(graph: &Graph, like: Id, id: Id, side: fn(&Shape) -> &Dim) -> bool {
    let size = |id: Id| graph.shape(id).map(|shape| side(&shape).clone());
    let (mut pending, mut seen) = (vec![id], Ids::default());
    while let Some(id) = pending.pop() {
        if size(id).is_some() && size(id) == size(like) {
            return true;
        }
        let op = graph.op(id);
        if op.is_elementwise() && op != Op::Select && seen.insert(id) {
            pending.extend(graph.args(id).iter());
        }
    }
    false
}
