//! Iterators that end in a sum: what they give at each place, added in order.

use super::{Lower, Lowered, refuse};
use crate::graph::{Dim, Id, Kind, Shape};
use crate::rules::Op;
use crate::scope::{Binding, Hint, Inert, Value, contains};
use crate::ty::{Class, Extent};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Expr;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

/// An iterator, as what it gives at place `i`.
pub(super) struct Items {
    /// How many there are: the least of these.
    pub counts: Vec<Expr>,
    pub item: Expr,
    /// What happens before it gives that, in order.
    pub steps: Vec<Before>,
}

/// What happens before an iterator gives something at a place.
pub(super) enum Before {
    /// What is looked at, and given later.
    Let(syn::Stmt),
    /// Whether it gives anything at that place.
    If(Expr),
    /// Whether it goes on.
    While(Expr),
}

impl Items {
    fn new(counts: Vec<Expr>, item: Expr) -> Self {
        Items {
            counts,
            item,
            steps: Vec::new(),
        }
    }

    /// Whether it gives something at every place.
    pub(super) fn is_plain(&self) -> bool {
        self.steps.is_empty()
    }

    /// The body of a loop, with what happens before it.
    pub(super) fn body(&self, pattern: &syn::Pat, stmts: &[syn::Stmt]) -> syn::Block {
        let item = &self.item;
        let mut body = quote!(let #pattern = #item; #(#stmts)*);
        for step in self.steps.iter().rev() {
            body = match step {
                Before::Let(stmt) => quote!(#stmt #body),
                Before::If(condition) => quote!(if #condition { #body }),
                Before::While(condition) => quote!(if !#condition { break; } #body),
            };
        }
        syn::parse_quote!({ #body })
    }

    pub(super) fn least(&self) -> Expr {
        let counts = self.counts.iter().cloned();
        let least =
            |a: Expr, b: Expr| -> Expr { syn::parse_quote!(::core::primitive::usize::min(#a, #b)) };
        counts.reduce(least).unwrap_or_else(|| syn::parse_quote!(0))
    }
}

impl Lower<'_> {
    /// `x.iter().zip(y.iter()).map(|(a, b)| …).sum::<f64>()`, or `fold(start, |s, x| s + …)`; `None` if it is no iterator.
    pub(crate) fn iterated(
        &mut self,
        call: &syn::ExprMethodCall,
        expr: &Expr,
    ) -> Lowered<Option<Value>> {
        let name = call.method.to_string();
        let args: Vec<&Expr> = call.args.iter().collect();
        if let ("for_each", [Expr::Closure(closure)], 0) = (name.as_str(), &args[..], self.closures)
            && closure.inputs.len() == 1
        {
            return self.each_in_turn(&call.receiver, closure).map(Some);
        }
        let gathers = matches!(
            (name.as_str(), args.len()),
            ("sum" | "product" | "collect", 0) | ("fold", 2)
        );
        if (gathers || is_pick(call))
            && self.closures == 0
            && self.items(&call.receiver, &syn::parse_quote!(i)).is_some()
            && let Some((mut block, whole)) = self.made_once(expr, expr)?
        {
            block.stmts.push(syn::Stmt::Expr(whole, None));
            return self.nested_block(&block).map(Some);
        }
        if let Some(picked) = self.picked(call)? {
            return Ok(Some(picked));
        }
        self.refuse_iterator(call, &syn::parse_quote!(i), false)?;
        if !matches!(
            (name.as_str(), &args[..]),
            ("sum" | "product" | "collect", []) | ("fold", [_, _])
        ) {
            return Ok(None);
        }
        // What the `let` around it, or the call itself, says of it.
        let (ty, wish) = self.wanted.take().unwrap_or_default();
        let ty = match call.turbofish.as_ref().and_then(|t| t.args.first()) {
            Some(syn::GenericArgument::Type(ty)) => Some(ty.clone()),
            _ => ty,
        };
        let place = self.fresh("i");
        let index: Expr = syn::parse_quote!(#place);
        let items = self.items(&call.receiver, &index);
        // What an iterator gives for each item of another is gone through by two loops.
        if items.is_none()
            && self.closures == 0
            && let Expr::MethodCall(flat) = &*call.receiver
            && flat.method == "flat_map"
            && let Some(whole) = self.as_loop(call, wish.as_ref())
        {
            return self.nested_block(&whole).map(Some);
        }
        let Some(items) = items else {
            if let Expr::MethodCall(inner) = &*call.receiver {
                self.refuse_iterator(inner, &index, true)?;
            }
            return Ok(None);
        };
        if self.closures > 0 {
            return refuse(
                expr,
                "an iterator inside the closure of another method is not supported yet\nhelp: bind it with `let` before the closure",
            );
        }
        if let ("sum", Some(ty)) = (name.as_str(), &ty)
            && let Class::Value(value) = self.context.classify(ty)
            && value.extents.is_some()
        {
            return self
                .sum_of_matrices(&call.receiver, (ty, value), expr)
                .map(Some);
        }
        let (mark, left_out) = (self.mark(), self.left_out.len());
        let errors = std::mem::take(&mut self.errors);
        let sum = self.added_up(&name, &args, &items, &place, expr);
        let found = std::mem::replace(&mut self.errors, errors);
        if let (Ok(Some(sum)), true) = (sum, found.is_empty()) {
            return Ok(Some(sum));
        }
        self.roll_back(mark);
        self.left_out.truncate(left_out);
        let Some(whole) = self.as_loop(call, wish.as_ref()) else {
            return refuse(
                expr,
                "cannot follow what this iterator makes of a differentiated value\nhelp: write it as a `for` loop",
            );
        };
        self.nested_block(&whole).map(Some)
    }

    /// `any`, `all`, `position` and `count`: what they give carries no derivative, and they only look at the items.
    pub(crate) fn looked_at(
        &mut self,
        call: &syn::ExprMethodCall,
        expr: &Expr,
    ) -> Lowered<Option<Value>> {
        let name = call.method.to_string();
        if let (Expr::MethodCall(inner), true) = (
            &*call.receiver,
            matches!(
                name.as_str(),
                "unwrap" | "expect" | "unwrap_or" | "is_some" | "is_none"
            ),
        ) {
            if inner.method != "position"
                || !call.args.iter().all(|arg| self.is_inert(arg))
                || self.looked_at(inner, &call.receiver)?.is_none()
            {
                return Ok(None);
            }
            let hint = match name.starts_with("is_") {
                true => Hint::Bool,
                false => Hint::Int,
            };
            return Ok(Some(Value::Inert(self.inert_expression(expr, hint))));
        }
        let hint = match (name.as_str(), call.args.first()) {
            ("any" | "all", Some(Expr::Closure(_))) => Hint::Bool,
            ("position", Some(Expr::Closure(_))) => Hint::Unknown,
            ("count", None) => Hint::Int,
            _ => return Ok(None),
        };
        let place = self.fresh("i");
        if self.closures > 0
            || self
                .items(&call.receiver, &syn::parse_quote!(#place))
                .is_none()
        {
            return Ok(None);
        }
        if !self.only_observes(expr) {
            return refuse(
                &call.method,
                format!(
                    "cannot see what happens to a differentiated value inside of this `{name}`\nhelp: compare with plain expressions there, or write it as a `for` loop"
                ),
            );
        }
        let tokens = quote!(#expr);
        self.check_kept(&tokens)?;
        self.name_parts(&tokens);
        Ok(Some(Value::Inert(self.inert_expression(expr, hint))))
    }

    /// One item of an iterator, or two lists of them: the loop that this stands for; `None` if it is nothing of the kind.
    fn picked(&mut self, call: &syn::ExprMethodCall) -> Lowered<Option<Value>> {
        let name = call.method.to_string();
        let args: Vec<&Expr> = call.args.iter().collect();
        let source = &call.receiver;
        if !is_pick(call) || self.closures > 0 || !matches!(**source, Expr::MethodCall(_)) {
            return Ok(None);
        }
        let place = self.fresh("i");
        let index: Expr = syn::parse_quote!(#place);
        let Some(items) = self.items(source, &index) else {
            return Ok(None);
        };
        // An item at a known place, if nobody sees that the others are not made.
        let only_one = items.is_plain() && is_computed(items.item.to_token_stream());
        if only_one && matches!(name.as_str(), "last" | "next" | "nth") {
            let least = items.least();
            let at: Expr = match (name.as_str(), &args[..]) {
                ("nth", [at]) => (*at).clone(),
                ("next", _) => syn::parse_quote!(0),
                _ => syn::parse_quote!((#least) - 1),
            };
            let Some(item) = self.items(source, &at).map(|items| items.item) else {
                return Ok(None);
            };
            let there: Expr = match name.as_str() {
                "nth" => syn::parse_quote!(#at < #least),
                _ => syn::parse_quote!((#least) > 0),
            };
            let picked = syn::parse_quote!(if #there { Some(#item) } else { None });
            return self.expr(&picked).map(Some);
        }
        let item = self.fresh("item");
        let found = self.fresh("found");
        self.changing.insert(found.to_string());
        let block: syn::Block = match (name.as_str(), &args[..]) {
            ("last", _) => syn::parse_quote!({
                let mut #found = None;
                for #item in #source { #found = Some(#item); }
                #found
            }),
            ("next", _) => syn::parse_quote!({
                let mut #found = None;
                for #item in #source { #found = Some(#item); break; }
                #found
            }),
            ("find", [closure]) => {
                let Some((pattern, body)) = one_parameter(closure) else {
                    return Ok(None);
                };
                syn::parse_quote!({
                    let mut #found = None;
                    for #item in #source {
                        if { let #pattern = &#item; #body } { #found = Some(#item); break; }
                    }
                    #found
                })
            }
            ("find_map", [closure]) => {
                let first = syn::parse_quote!(#source.filter_map(#closure).next());
                return self.expr(&first).map(Some);
            }
            ("reduce", [function]) => {
                let state = self.fresh("state");
                let both: Expr = match two_parameters(function) {
                    Some((a, b, body)) => {
                        syn::parse_quote!({ let #a = #state; let #b = #item; #body })
                    }
                    None => syn::parse_quote!(#function(#state, #item)),
                };
                syn::parse_quote!({
                    let mut #found = None;
                    for #item in #source {
                        #found = Some(match #found { None => #item, Some(#state) => #both });
                    }
                    #found
                })
            }
            ("max_by" | "min_by", [compare]) => {
                let (best, better) = (self.fresh("best"), self.fresh("better"));
                let (left, right) = (self.fresh("left"), self.fresh("right"));
                let Some((lets, order)) = order_of(compare, (&best, &item), (&left, &right)) else {
                    return Ok(None);
                };
                let wins: Expr = match name.as_str() {
                    "max_by" => syn::parse_quote!(#order != ::core::cmp::Ordering::Greater),
                    _ => syn::parse_quote!(#order == ::core::cmp::Ordering::Greater),
                };
                syn::parse_quote!({
                    let mut #found = None;
                    for #item in #source {
                        let #better = match #found {
                            None => true,
                            Some(#best) => { #lets #wins }
                        };
                        if #better { #found = Some(#item); }
                    }
                    #found
                })
            }
            ("unzip", _) => {
                let (a, b) = (self.fresh("list"), self.fresh("list"));
                let (one, other) = (self.fresh("one"), self.fresh("other"));
                self.changing.extend([a.to_string(), b.to_string()]);
                syn::parse_quote!({
                    let mut #a = ::std::vec::Vec::new();
                    let mut #b = ::std::vec::Vec::new();
                    for (#one, #other) in #source { #a.push(#one); #b.push(#other); }
                    (#a, #b)
                })
            }
            (_, [closure]) => {
                let Some((pattern, body)) = one_parameter(closure) else {
                    return Ok(None);
                };
                let (a, b) = (self.fresh("list"), self.fresh("list"));
                self.changing.extend([a.to_string(), b.to_string()]);
                syn::parse_quote!({
                    let mut #a = ::std::vec::Vec::new();
                    let mut #b = ::std::vec::Vec::new();
                    for #item in #source {
                        if { let #pattern = &#item; #body } { #a.push(#item); } else { #b.push(#item); }
                    }
                    (#a, #b)
                })
            }
            _ => return Ok(None),
        };
        if !matches!(name.as_str(), "unzip" | "partition") {
            let value = self.value_of_item(&items, &place)?;
            if self.nothing_like(&value, source).is_err() {
                return refuse(
                    &call.method,
                    format!(
                        "`{name}` is followed of numbers, of matrices of known size, and of tuples of these\nhelp: write a `for` loop with the best so far in a variable"
                    ),
                );
            }
            self.none_of.push((found.to_string(), value));
        }
        self.nested_block(&block).map(Some)
    }

    /// A value like the items of an iterator: their kinds.
    fn value_of_item(&mut self, items: &Items, place: &Ident) -> Lowered<Value> {
        let mark = self.mark();
        self.scope.push();
        let index = Value::Inert(Inert {
            hint: Hint::Int,
            ..Inert::plain(quote!(#place), true)
        });
        self.scope.bind(Binding::inert(place.clone(), index, true));
        let lets = items.steps.iter().filter_map(|step| match step {
            Before::Let(stmt @ syn::Stmt::Local(local)) => Some((local, stmt)),
            _ => None,
        });
        let held: Lowered<Vec<()>> = lets.map(|(local, stmt)| self.local(local, stmt)).collect();
        let value = held.and_then(|_| self.expr(&items.item));
        self.scope.pop();
        self.roll_back(mark);
        value
    }

    /// Iterators that are not followed, and what to write in their place.
    fn refuse_iterator(
        &self,
        call: &syn::ExprMethodCall,
        place: &Expr,
        with_sources: bool,
    ) -> Lowered<()> {
        let source = match &*call.receiver {
            Expr::MethodCall(source) if with_sources => Some(source),
            _ => None,
        };
        let of_source =
            || source.map_or(Ok(()), |source| self.refuse_iterator(source, place, true));
        let instead = match call.method.to_string().as_str() {
            "scan" => "carry the state in a variable, and `push` in a `for` loop",
            "max_by" | "min_by" => {
                "compare with `partial_cmp` or `total_cmp` there, or write a `for` loop with the best so far in a variable"
            }
            "max_by_key" | "min_by_key" => {
                "use `fold`, or a `for` loop with the best so far in a variable"
            }
            "skip_while" => "carry whether it still skips in a variable, in a `for` loop",
            "zip" | "rev" if self.acts_unseen(call, place) => {
                return refuse(
                    &call.method,
                    format!(
                        "it cannot be seen how often what happens in the iterator before this `{}` does\nhelp: `collect` its items before",
                        call.method
                    ),
                );
            }
            "zip" => {
                let other = call
                    .args
                    .first()
                    .and_then(|other| self.gone_through(other, place));
                let (Some(other), Some(at)) = (other, call.args.first()) else {
                    return of_source();
                };
                if other.is_plain() {
                    return of_source();
                }
                return refuse(
                    at,
                    "this iterator leaves some items out, so that it is not known which of the others go with them\nhelp: `collect` it before",
                );
            }
            _ => return of_source(),
        };
        match self.items(&call.receiver, place) {
            Some(_) => refuse(
                &call.method,
                format!(
                    "`{}` of differentiated values is not followed yet\nhelp: {instead}",
                    call.method
                ),
            ),
            None => Ok(()),
        }
    }

    /// `iterator.sum::<Vector3<f64>>()`: nalgebra begins with zeros.
    fn sum_of_matrices(
        &mut self,
        iterator: &Expr,
        (ty, value): (&syn::Type, crate::ty::Value),
        expr: &Expr,
    ) -> Lowered<Value> {
        let shape = match &value.extents {
            Some((Extent::Known(rows), Extent::Known(cols))) if value.real == self.real => {
                Shape::new(rows.clone(), cols.clone())
            }
            _ => {
                return refuse(
                    ty,
                    "a sum of matrices is followed where their size is known to the compiler\nhelp: begin with zeros, as in `fold(DVector::zeros(n), |sum, v| sum + v)`",
                );
            }
        };
        self.types.push((value.written.clone(), value));
        let zero = self.graph.constant(0.0);
        let start = self.exact_of(Op::Fill, vec![zero], Kind::matrix(shape), expr)?;
        self.scope.push();
        let (total, item) = (self.local_name("total", start), self.fresh("item"));
        let whole: syn::ExprForLoop = syn::parse_quote_spanned!(expr.span()=>
            for #item in #iterator { #total = #total + #item; }
        );
        let done = self.for_loop(&whole, &Expr::ForLoop(whole.clone()));
        let sum = self.scope.get(&total.to_string()).map(|b| b.value.clone());
        self.scope.pop();
        done.map(|_| sum.unwrap_or(Value::Poison))
    }

    /// `iterator.for_each(|item| …)` as a loop.
    fn each_in_turn(&mut self, iterator: &Expr, closure: &syn::ExprClosure) -> Lowered<Value> {
        if let Some((found, _)) = crate::scope::control_flow(quote!(#closure), false) {
            return refuse(
                found,
                "`return` inside of this closure is not supported\nhelp: write a `for` loop with `continue`",
            );
        }
        let (pattern, body) = (&closure.inputs[0], &closure.body);
        let pattern = match pattern {
            syn::Pat::Type(typed) => &*typed.pat,
            pattern => pattern,
        };
        let whole: syn::ExprForLoop =
            syn::parse_quote_spanned!(iterator.span()=> for #pattern in #iterator { #body; });
        self.for_loop(&whole, &Expr::ForLoop(whole.clone()))
    }

    /// `map`, `zip_map`, `zip_zip_map`.
    pub(crate) fn mapped(&mut self, of: &[Id], closure: &Expr, expr: &Expr) -> Lowered<Value> {
        self.or_in_turn(
            closure,
            |lower| lower.elementwise(of, closure, expr),
            |lower, closure| lower.mapped_in_turn(of, closure),
        )
    }

    /// What a closure gives for all entries: by one operation entry by entry, or by a loop over them where the closure
    /// has loops or iterators of its own.
    pub(crate) fn or_in_turn(
        &mut self,
        closure: &Expr,
        at_once: impl FnOnce(&mut Self) -> Lowered<Value>,
        in_turn: impl FnOnce(&mut Self, &syn::ExprClosure) -> Lowered<Value>,
    ) -> Lowered<Value> {
        let loops = |word: &Ident| {
            ["for", "while", "loop", "sum", "product", "fold"].contains(&word.to_string().as_str())
        };
        let closure = match closure {
            Expr::Closure(written)
                if self.closures == 0 && crate::ty::mentions(quote!(#written), &loops) =>
            {
                written
            }
            _ => return at_once(self),
        };
        let (mark, left_out) = (self.mark(), self.left_out.len());
        let errors = std::mem::take(&mut self.errors);
        let value = at_once(self);
        let found = std::mem::replace(&mut self.errors, errors);
        if let (Ok(value), true) = (value, found.is_empty()) {
            return Ok(value);
        }
        self.roll_back(mark);
        self.left_out.truncate(left_out);
        in_turn(self, closure)
    }

    /// A variable of the companion's own, which stands for a value.
    pub(super) fn local_name(&mut self, wish: &str, id: Id) -> Ident {
        let name = self.fresh(wish);
        let value = Value::Node(id);
        self.name_value(&value, &name);
        self.scope.bind(Binding::active(name.clone(), value));
        name
    }

    fn mapped_in_turn(&mut self, of: &[Id], closure: &syn::ExprClosure) -> Lowered<Value> {
        self.scope.push();
        let names: Vec<Ident> = of.iter().map(|id| self.local_name("filled", *id)).collect();
        let (name, at) = (&names[0], self.fresh("k"));
        let (patterns, body) = (closure.inputs.iter(), &closure.body);
        let whole: syn::ExprForLoop = syn::parse_quote_spanned!(closure.span()=> for #at in 0..#name.len() {
            #(let #patterns = #names[#at];)*
            #name[#at] = #body;
        });
        let value = self.for_loop(&whole, &Expr::ForLoop(whole.clone()));
        let filled = self.scope.get(&name.to_string()).map(|b| b.value.clone());
        self.scope.pop();
        value.map(|_| filled.unwrap_or(Value::Poison))
    }

    /// `from_fn`: column by column, as nalgebra does it.
    pub(crate) fn placed_in_turn(
        &mut self,
        kind: Kind,
        sizes: &[&Expr],
        closure: &syn::ExprClosure,
        expr: &Expr,
    ) -> Lowered<Value> {
        let shape = kind.shape.clone().unwrap_or(Shape::fixed(1, 1));
        let sizes = [(&shape.rows, sizes.first()), (&shape.cols, sizes.last())];
        let mut counts: Vec<Expr> = Vec::new();
        for (dim, size) in sizes {
            counts.push(match (dim, size) {
                (Dim::Dynamic(_), Some(size)) => {
                    // The parameters of the closure may have the names that it reads.
                    let name = self.fresh("count");
                    let stmt: syn::Stmt = syn::parse_quote!(let #name: usize = #size;);
                    if let syn::Stmt::Local(local) = &stmt {
                        self.local(local, &stmt)?;
                    }
                    syn::parse_quote!(#name)
                }
                _ => {
                    let count = crate::ty::dim_tokens(dim);
                    syn::parse_quote!(#count)
                }
            });
        }
        let (rows, columns) = (&counts[0], &counts[1]);
        let zero = self.graph.constant(0.0);
        let start = self.exact_of(Op::Fill, vec![zero], kind, expr)?;
        self.scope.push();
        let name = self.local_name("filled", start);
        let mut indices = Vec::new();
        let mut lets: Vec<syn::Stmt> = Vec::new();
        for pattern in &closure.inputs {
            indices.push(match pattern {
                syn::Pat::Ident(index) => index.ident.clone(),
                pattern => {
                    let index = self.fresh("k");
                    lets.push(syn::parse_quote!(let #pattern = #index;));
                    index
                }
            });
        }
        let ([i, j], body) = (&indices[..], &closure.body) else {
            return refuse(closure, "this closure takes two indices");
        };
        let whole: syn::ExprForLoop = syn::parse_quote_spanned!(closure.span()=> for #j in 0..#columns {
            for #i in 0..#rows {
                #(#lets)*
                #name[(#i, #j)] = #body;
            }
        });
        let value = self.for_loop(&whole, &Expr::ForLoop(whole.clone()));
        let filled = self.scope.get(&name.to_string()).map(|b| b.value.clone());
        self.scope.pop();
        value.map(|_| filled.unwrap_or(Value::Poison))
    }

    /// The sum of what an iterator gives, as one pass; `None` if it is something else.
    fn added_up(
        &mut self,
        name: &str,
        args: &[&Expr],
        items: &Items,
        place: &Ident,
        expr: &Expr,
    ) -> Lowered<Option<Value>> {
        let item = &items.item;
        let (closure, start): (Expr, Option<&Expr>) = match (name, args) {
            _ if !items.is_plain() => return Ok(None),
            ("fold", [start, closure]) => {
                let Some((pattern, term)) = added(closure) else {
                    return Ok(None);
                };
                let closure = syn::parse_quote!(|#place, _| { let #pattern = #item; #term });
                (closure, Some(start))
            }
            ("sum", _) => (syn::parse_quote!(|#place, _| #item), None),
            _ => return Ok(None),
        };
        let terms = self.terms_over(&items.counts, &closure, expr)?;
        let start = match start {
            Some(start) => {
                let start_value = self.expr(start)?;
                self.node(&start_value, start, &Kind::SCALAR)?
            }
            // So begins the sum of an iterator.
            None => self.graph.constant(-0.0),
        };
        self.step(Op::Fold, vec![terms, start], expr).map(Some)
    }

    /// The loop that an iterator stands for.
    fn as_loop(&mut self, call: &syn::ExprMethodCall, wish: Option<&Ident>) -> Option<syn::Block> {
        let source = &call.receiver;
        let args: Vec<&Expr> = call.args.iter().collect();
        let variable = |lower: &mut Self, wish: &str| {
            let name = lower.fresh(wish);
            lower.changing.insert(name.to_string());
            name
        };
        let item = self.fresh("item");
        Some(match (call.method.to_string().as_str(), &args[..]) {
            ("sum", _) => {
                let total = variable(self, "total");
                syn::parse_quote!({ let mut #total = -0.0; for #item in #source { #total = #total + #item; } #total })
            }
            ("product", _) => {
                let product = variable(self, "product");
                syn::parse_quote!({ let mut #product = 1.0; for #item in #source { #product = #product * #item; } #product })
            }
            ("collect", _) => {
                let hidden = |name: &&Ident| !contains(quote!(#source), &name.to_string());
                let list = match wish.filter(hidden) {
                    Some(name) => {
                        self.changing.insert(name.unraw().to_string());
                        name.clone()
                    }
                    None => variable(self, "list"),
                };
                syn::parse_quote_spanned!(call.span()=> { let mut #list = ::std::vec::Vec::new(); for #item in #source { #list.push(#item); } #list })
            }
            ("fold", [start, closure]) => match (start, closure) {
                (Expr::Tuple(starts), Expr::Closure(closure)) if closure.inputs.len() == 2 => {
                    let (state, pattern) = (&closure.inputs[0], &closure.inputs[1]);
                    let (starts, body) = (&starts.elems, &closure.body);
                    let names = starts.iter().map(|_| variable(self, "state"));
                    let names: Vec<Ident> = names.collect();
                    let starts = starts.iter();
                    syn::parse_quote!({
                        #(let mut #names = #starts;)*
                        for #item in #source {
                            (#(#names),*) = { let #state = (#(#names),*); let #pattern = #item; #body };
                        }
                        (#(#names),*)
                    })
                }
                (start, Expr::Closure(closure)) if closure.inputs.len() == 2 => {
                    let (state, pattern) = (&closure.inputs[0], &closure.inputs[1]);
                    let (body, name) = (&closure.body, variable(self, "state"));
                    syn::parse_quote!({
                        let mut #name = #start;
                        for #item in #source {
                            #name = { let #state = #name; let #pattern = #item; #body };
                        }
                        #name
                    })
                }
                (start, Expr::Path(function)) => {
                    let name = variable(self, "state");
                    syn::parse_quote!({
                        let mut #name = #start;
                        for #item in #source { #name = #function(#name, #item); }
                        #name
                    })
                }
                _ => return None,
            },
            _ => return None,
        })
    }

    /// What a loop goes through, or what is zipped with an iterator: an iterator, or what can be made one.
    pub(super) fn gone_through(&self, iterable: &Expr, place: &Expr) -> Option<Items> {
        match iterable {
            Expr::Reference(reference) => {
                let of = &reference.expr;
                let item = match reference.mutability {
                    Some(_) => syn::parse_quote!(&mut #of[#place]),
                    None => self.item_of(of, place),
                };
                Some(Items::new(vec![syn::parse_quote!(#of.len())], item))
            }
            Expr::Path(_) => {
                let item = match self.is_reference(iterable) {
                    true => self.item_of(iterable, place),
                    false => syn::parse_quote!(#iterable[#place]),
                };
                Some(Items::new(vec![syn::parse_quote!(#iterable.len())], item))
            }
            iterator => self.items(iterator, place),
        }
    }

    /// What `iter` gives at a place: of what carries no derivative and stays Rust, a reference.
    fn item_of(&self, list: &Expr, place: &Expr) -> Expr {
        syn::parse_quote!(&#list[#place])
    }

    /// A few items of a list of vectors or matrices, one by one.
    fn written_out(&self, list: &Expr, start: &Expr, count: &Expr) -> Option<Expr> {
        const MOST: usize = 4;
        let Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Int(count),
            ..
        }) = count
        else {
            return None;
        };
        let count = count.base10_parse::<usize>().ok()?;
        if !(1..=MOST).contains(&count) || !self.is_list_of_vectors(list) {
            return None;
        }
        let items = (0..count).map(|k| -> Expr {
            let k = syn::Index::from(k);
            match k.index {
                0 => syn::parse_quote!(#list[#start]),
                _ => syn::parse_quote!(#list[#start + #k]),
            }
        });
        Some(syn::parse_quote!([#(#items),*]))
    }

    fn is_list_of_vectors(&self, list: &Expr) -> bool {
        let known = match list {
            Expr::Path(path) => self.scope.named(path),
            _ => None,
        };
        let known = known.map(|b| (&b.value, b.active));
        matches!(
            known,
            Some((
                Value::Columns(..)
                    | Value::List(_)
                    | Value::Elements(_)
                    | Value::Lists(..)
                    | Value::Records(..),
                true
            ))
        )
    }

    /// So many items of a list.
    fn part_of_list(&self, list: &Expr, start: &Expr, count: &Expr) -> Expr {
        match self.is_inert(list) || self.is_list_of_vectors(list) {
            true => syn::parse_quote!(&#list[#start..#start + #count]),
            false => syn::parse_quote!(#list.rows(#start, #count).as_slice()),
        }
    }

    /// `iterator.cycle()` and `repeat(x)`, so many times.
    fn again(&self, of: &Expr, count: &Expr, place: &Expr) -> Option<Items> {
        match of {
            Expr::MethodCall(call) if call.method == "cycle" && call.args.is_empty() => {
                let least = self.plain(&call.receiver, place)?.least();
                let around: Expr = syn::parse_quote!((#place % (#least)));
                let item = self.plain(&call.receiver, &around)?.item;
                let count = syn::parse_quote!(if (#least) == 0 { 0 } else { #count });
                Some(Items::new(vec![count], item))
            }
            Expr::Call(call) => match (of_iter(call)?.as_str(), call.args.first()) {
                ("repeat", Some(value)) if super::growing::is_repeatable(value) => {
                    Some(Items::new(vec![count.clone()], value.clone()))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// A name for what is held of an iterator until it is given.
    fn held(&self, steps: &[Before]) -> Ident {
        let wishes = (steps.len()..).map(|n| format!("held_{n}"));
        let free = wishes.into_iter().find(|name| !self.taken.contains(name));
        Ident::new(&free.unwrap_or_default(), proc_macro2::Span::mixed_site())
    }

    /// Gives the item a name.
    fn hold(&self, items: &mut Items) {
        let (held, item) = (self.held(&items.steps), &items.item);
        let stmt = syn::parse_quote!(let #held = #item;);
        items.steps.push(Before::Let(stmt));
        items.item = syn::parse_quote!(#held);
    }

    /// Whether it is not known how often something happens: that of the first of two if it is longer, and of what is
    /// left out, from behind.
    fn acts_unseen(&self, call: &syn::ExprMethodCall, place: &Expr) -> bool {
        let Some(source) = self.plain(&call.receiver, place) else {
            return false;
        };
        let as_long = |other: &Expr| {
            let other = self.gone_through(other, place);
            other.is_some_and(|other| {
                let (a, b) = (source.least(), other.least());
                quote!(#a).to_string() == quote!(#b).to_string()
            })
        };
        let unseen = match (call.method.to_string().as_str(), call.args.first()) {
            ("zip", Some(other)) => !as_long(other),
            ("rev", None) => {
                let leaves_out =
                    |word: &Ident| *word == "take" || *word == "step_by" || *word == "zip";
                crate::ty::mentions(call.receiver.to_token_stream(), &leaves_out)
            }
            _ => false,
        };
        unseen && self.acts(&source.item)
    }

    /// The same, if it gives something at every place.
    fn plain(&self, iterator: &Expr, place: &Expr) -> Option<Items> {
        self.items(iterator, place).filter(Items::is_plain)
    }

    /// What an iterator gives at a place.
    pub(super) fn items(&self, iterator: &Expr, place: &Expr) -> Option<Items> {
        match iterator {
            Expr::Paren(inner) => self.items(&inner.expr, place),
            Expr::Group(inner) => self.items(&inner.expr, place),
            Expr::Call(call) if call.args.len() == 2 && of_iter(call)? == "repeat_n" => {
                let (value, count) = (&call.args[0], &call.args[1]);
                super::growing::is_repeatable(value)
                    .then(|| Items::new(vec![count.clone()], value.clone()))
            }
            Expr::Range(range) => {
                let (start, end) = (range.start.as_ref()?, range.end.as_ref()?);
                let closed =
                    matches!(range.limits, syn::RangeLimits::Closed(_)).then(|| quote!(+ 1));
                if quote!(#start).to_string() == "0" {
                    let count = match closed {
                        Some(more) => syn::parse_quote!((#end) #more),
                        None => (**end).clone(),
                    };
                    return Some(Items::new(vec![count], place.clone()));
                }
                Some(Items::new(
                    vec![
                        syn::parse_quote!(::core::primitive::usize::saturating_sub((#end) #closed, #start)),
                    ],
                    syn::parse_quote!(((#start) + #place)),
                ))
            }
            Expr::MethodCall(call) => {
                let args: Vec<&Expr> = call.args.iter().collect();
                let name = call.method.to_string();
                if self.acts_unseen(call, place) {
                    return None;
                }
                match (name.as_str(), &args[..]) {
                    ("iter", []) => {
                        let of = &call.receiver;
                        Some(Items::new(
                            vec![syn::parse_quote!(#of.len())],
                            self.item_of(of, place),
                        ))
                    }
                    ("iter_mut", []) => {
                        let of = &call.receiver;
                        Some(Items::new(
                            vec![syn::parse_quote!(#of.len())],
                            syn::parse_quote!(&mut #of[#place]),
                        ))
                    }
                    ("column_iter" | "row_iter" | "column_iter_mut" | "row_iter_mut", []) => {
                        let of = &call.receiver;
                        let column = name.starts_with("column");
                        let count = if column { "ncols" } else { "nrows" };
                        let count = Ident::new(count, call.method.span());
                        let part = name.replace("_iter", "");
                        let part = Ident::new(&part, call.method.span());
                        Some(Items::new(
                            vec![syn::parse_quote!(#of.#count())],
                            syn::parse_quote!(#of.#part(#place)),
                        ))
                    }
                    ("copied" | "cloned", []) => {
                        let items = self.items(&call.receiver, place)?;
                        let item = match (&items.item, name.as_str()) {
                            (Expr::Reference(of), "copied") => (*of.expr).clone(),
                            (Expr::Reference(of), _) => {
                                let of = &of.expr;
                                syn::parse_quote!(#of.clone())
                            }
                            (other, _) => other.clone(),
                        };
                        Some(Items { item, ..items })
                    }
                    ("into_iter" | "by_ref", []) => self.items(&call.receiver, place),
                    ("rev", []) => {
                        let least = self.plain(&call.receiver, place)?.least();
                        let back: Expr = syn::parse_quote!(((#least) - 1 - #place));
                        let Items { counts, item, .. } = self.plain(&call.receiver, &back)?;
                        Some(Items::new(counts, item))
                    }
                    ("take", [count]) => {
                        if let Some(again) = self.again(&call.receiver, count, place) {
                            return Some(again);
                        }
                        let Items {
                            mut counts, item, ..
                        } = self.plain(&call.receiver, place)?;
                        counts.push((*count).clone());
                        Some(Items::new(counts, item))
                    }
                    ("skip" | "step_by", [count])
                        if self.acts(&self.plain(&call.receiver, place)?.item) =>
                    {
                        // What is left out is made nevertheless.
                        let mut items = self.plain(&call.receiver, place)?;
                        self.hold(&mut items);
                        items.steps.push(Before::If(match name.as_str() {
                            "skip" => syn::parse_quote!(#place >= #count),
                            _ => syn::parse_quote!(#place % (#count) == 0),
                        }));
                        Some(items)
                    }
                    ("skip", [count]) => {
                        let later: Expr = syn::parse_quote!((#place + (#count)));
                        let Items { counts, item, .. } = self.plain(&call.receiver, &later)?;
                        let left = counts.iter().map(|all| -> Expr {
                            syn::parse_quote!(::core::primitive::usize::saturating_sub(#all, #count))
                        });
                        Some(Items::new(left.collect(), item))
                    }
                    ("windows", [size]) => {
                        let of = &call.receiver;
                        let item = match self.written_out(of, place, size) {
                            Some(item) => item,
                            None => self.part_of_list(of, place, size),
                        };
                        Some(Items::new(
                            vec![
                                syn::parse_quote!(::core::primitive::usize::saturating_sub(#of.len() + 1, #size)),
                            ],
                            item,
                        ))
                    }
                    ("chunks", [size]) => {
                        let of = &call.receiver;
                        let start: Expr = syn::parse_quote!((#place * (#size)));
                        let count: Expr = syn::parse_quote!(::core::primitive::usize::min(#size, #of.len() - #start));
                        Some(Items::new(
                            vec![syn::parse_quote!((#of.len() + (#size) - 1) / (#size))],
                            self.part_of_list(of, &start, &count),
                        ))
                    }
                    ("step_by", [step]) => {
                        let later: Expr = syn::parse_quote!((#place * (#step)));
                        let Items { counts, item, .. } = self.plain(&call.receiver, &later)?;
                        let counts = counts.iter().map(|all| -> Expr {
                            syn::parse_quote!((#all + (#step) - 1) / (#step))
                        });
                        Some(Items::new(counts.collect(), item))
                    }
                    ("chain", [other]) => {
                        let first = self.plain(&call.receiver, place)?;
                        let least = first.least();
                        let later: Expr = syn::parse_quote!((#place - #least));
                        let second = self.gone_through(other, &later).filter(Items::is_plain)?;
                        let (more, a, b) = (second.least(), first.item, second.item);
                        Some(Items::new(
                            vec![syn::parse_quote!(#least + #more)],
                            syn::parse_quote!(if #place < #least { #a } else { #b }),
                        ))
                    }
                    ("filter_map" | "map_while", [Expr::Closure(closure)])
                        if closure.inputs.len() == 1 =>
                    {
                        let mut items = self.items(&call.receiver, place)?;
                        let item = &items.item;
                        let (pattern, body) = (&closure.inputs[0], &closure.body);
                        let option = self.held(&items.steps);
                        let made = quote!({ let #pattern = #item; #body });
                        let there: Expr = syn::parse_quote!(#option.is_some());
                        items
                            .steps
                            .push(Before::Let(syn::parse_quote!(let #option = #made;)));
                        items.steps.push(match name.as_str() {
                            "filter_map" => Before::If(there),
                            _ => Before::While(there),
                        });
                        items.item = syn::parse_quote!(#option.unwrap());
                        Some(items)
                    }
                    ("chunks_exact", [size]) => {
                        let of = &call.receiver;
                        let start: Expr = syn::parse_quote!((#place * (#size)));
                        Some(Items::new(
                            vec![syn::parse_quote!(#of.len() / (#size))],
                            self.part_of_list(of, &start, size),
                        ))
                    }
                    ("enumerate", []) => {
                        let Items { counts, item, .. } = self.plain(&call.receiver, place)?;
                        let item = syn::parse_quote!((#place, #item));
                        Some(Items::new(counts, item))
                    }
                    ("zip", [other]) => {
                        let first = self.plain(&call.receiver, place)?;
                        // What one of them leaves out, the other does not.
                        let second = self.gone_through(other, place).filter(Items::is_plain)?;
                        let (a, b) = (first.item, second.item);
                        let counts = first.counts.into_iter().chain(second.counts);
                        Some(Items::new(counts.collect(), syn::parse_quote!((#a, #b))))
                    }
                    ("map", [Expr::Closure(closure)]) if closure.inputs.len() == 1 => {
                        let items = self.items(&call.receiver, place)?;
                        let item = &items.item;
                        let (pattern, body) = (&closure.inputs[0], &closure.body);
                        let item = syn::parse_quote!({ let #pattern = #item; #body });
                        Some(Items { item, ..items })
                    }
                    ("filter" | "take_while", [Expr::Closure(closure)])
                        if closure.inputs.len() == 1 =>
                    {
                        let mut items = self.items(&call.receiver, place)?;
                        // What is made there is made once.
                        if !super::growing::is_repeatable(&items.item) {
                            self.hold(&mut items);
                        }
                        let item = &items.item;
                        let (pattern, body) = (&closure.inputs[0], &closure.body);
                        let condition = syn::parse_quote!({ let #pattern = &#item; #body });
                        items.steps.push(match name.as_str() {
                            "filter" => Before::If(condition),
                            _ => Before::While(condition),
                        });
                        Some(items)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Methods that make an iterator of another, or look at what it gives.
pub(super) fn is_adaptor(name: &str) -> bool {
    matches!(
        name,
        "zip"
            | "enumerate"
            | "rev"
            | "skip"
            | "take"
            | "step_by"
            | "chain"
            | "copied"
            | "cloned"
            | "filter"
            | "windows"
            | "chunks"
            | "column_iter"
            | "row_iter"
            | "position"
            | "count"
            | "unwrap_or"
    )
}

/// The name of a function of `std::iter`.
fn of_iter(call: &syn::ExprCall) -> Option<String> {
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let mut names = path.path.segments.iter().rev().map(|s| s.ident.to_string());
    let name = names.next()?;
    (names.next()? == "iter").then_some(name)
}

/// Whether nothing is called but methods that are known, so that it makes no difference how often it is computed.
pub(super) fn is_computed(tokens: TokenStream) -> bool {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is =
        |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    trees.iter().enumerate().all(|(i, tree)| match tree {
        TokenTree::Ident(name) => {
            let called = matches!(trees.get(i + 1), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
            let of_value = i > 0 && is(i - 1, '.');
            let known = of_value && crate::surface::is_known_method(&name.to_string());
            !is(i + 1, '!') && (!called || known)
        }
        TokenTree::Group(group) => is_computed(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => true,
    })
}

/// Whether a method gives one item of an iterator, or two lists of them.
fn is_pick(call: &syn::ExprMethodCall) -> bool {
    matches!(
        (call.method.to_string().as_str(), call.args.len()),
        ("last" | "next" | "unzip", 0)
            | (
                "nth" | "reduce" | "max_by" | "min_by" | "find" | "find_map" | "partition",
                1
            )
    )
}

/// `|pattern| body`
fn one_parameter(closure: &Expr) -> Option<(&syn::Pat, &Expr)> {
    match closure {
        Expr::Closure(closure) if closure.inputs.len() == 1 => {
            Some((&closure.inputs[0], &*closure.body))
        }
        _ => None,
    }
}

/// `|a, b| body`
fn two_parameters(closure: &Expr) -> Option<(&syn::Pat, &syn::Pat, &Expr)> {
    match closure {
        Expr::Closure(closure) if closure.inputs.len() == 2 => {
            Some((&closure.inputs[0], &closure.inputs[1], &*closure.body))
        }
        _ => None,
    }
}

/// `|a, b| a.partial_cmp(b).unwrap()` of two items: what has to be bound before, and the comparison of two numbers.
fn order_of(
    compare: &Expr,
    (best, item): (&Ident, &Ident),
    (left, right): (&Ident, &Ident),
) -> Option<(TokenStream, Expr)> {
    if let Expr::Path(path) = compare {
        let total = path.path.segments.last()?.ident == "total_cmp";
        return total.then(|| {
            let lets = quote!(let #left = #best; let #right = #item;);
            (lets, syn::parse_quote!(#left.total_cmp(&#right)))
        });
    }
    fn compared<'e>(
        body: &'e Expr,
        after: &mut Vec<TokenStream>,
    ) -> Option<&'e syn::ExprMethodCall> {
        match body {
            Expr::Block(block) => match &block.block.stmts[..] {
                [syn::Stmt::Expr(body, None)] => compared(body, after),
                _ => None,
            },
            Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "partial_cmp" | "total_cmp" if call.args.len() == 1 => Some(call),
                "unwrap" | "expect" | "unwrap_or" | "reverse" => {
                    let found = compared(&call.receiver, after)?;
                    let (method, args) = (&call.method, &call.args);
                    after.push(quote!(.#method(#args)));
                    Some(found)
                }
                _ => None,
            },
            _ => None,
        }
    }
    let (a, b, body) = two_parameters(compare)?;
    let mut after = Vec::new();
    let call = compared(body, &mut after)?;
    let (one, method, other) = (&call.receiver, &call.method, &call.args[0]);
    let lets = quote!(let #a = &#best; let #b = &#item; let #left = #one; let #right = #other;);
    Some((lets, syn::parse_quote!(#left.#method(&#right) #(#after)*)))
}

/// `|sum, pattern| sum + term`, as the pattern and the term.
fn added(closure: &Expr) -> Option<(syn::Pat, Expr)> {
    let Expr::Closure(closure) = closure else {
        return None;
    };
    let body = match &*closure.body {
        Expr::Block(block) => match &block.block.stmts[..] {
            [syn::Stmt::Expr(body, None)] => body,
            _ => return None,
        },
        body => body,
    };
    let (syn::Pat::Ident(total), Expr::Binary(sum), 2) =
        (closure.inputs.first()?, body, closure.inputs.len())
    else {
        return None;
    };
    let total = &total.ident;
    let is_total = |e: &Expr| matches!(e, Expr::Path(p) if p.path.is_ident(total));
    let term = match (&sum.op, is_total(&sum.left), is_total(&sum.right)) {
        (syn::BinOp::Add(_), true, false) => &sum.right,
        (syn::BinOp::Add(_), false, true) => &sum.left,
        _ => return None,
    };
    if crate::scope::contains(quote!(#term), &total.to_string()) {
        return None;
    }
    Some((closure.inputs[1].clone(), (**term).clone()))
}
