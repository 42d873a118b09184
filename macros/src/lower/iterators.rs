//! Iterators that end in a sum: what they give at each place, added in order.

use super::adaptors::{Before, Items};
use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{Dim, Id, Kind, Shape};
use crate::rules::Op;
use crate::scope::{Binding, Hint, Inert, Value, contains};
use crate::ty::{Class, Extent};
use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Expr;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

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
        if let ("collect", 0, Some(items)) = (name.as_str(), self.closures, &items)
            && let Some(list) = self.collected_apart(items, ty.as_ref(), &place, (call, expr))?
        {
            return Ok(Some(list));
        }
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

    /// A list of integers or conditions that are read of differentiated values, which stays Rust; what is no `Vec` is
    /// refused.
    fn collected_apart(
        &mut self,
        items: &Items,
        ty: Option<&syn::Type>,
        place: &Ident,
        (call, expr): (&syn::ExprMethodCall, &Expr),
    ) -> Lowered<Option<Value>> {
        let mut element = None;
        if let Some(syn::Type::Path(path)) = ty.map(crate::ty::strip)
            && let Some(last) = path.path.segments.last()
        {
            if last.ident != "Vec" {
                return refuse(
                    &call.method,
                    format!(
                        "differentiated values are collected into a `Vec`, and not into `{}`\nhelp: collect a `Vec`, or go through the items with `for`",
                        text(ty)
                    ),
                );
            }
            if let syn::PathArguments::AngleBracketed(of) = &last.arguments
                && let Some(syn::GenericArgument::Type(of)) = of.args.first()
            {
                element = Some(super::hint_of_plain_type(of));
            }
        }
        let apart = |hint: &Hint| matches!(hint, Hint::Int | Hint::Bool);
        let errors = std::mem::take(&mut self.errors);
        let item = match &element {
            Some(hint) if apart(hint) => true,
            _ => {
                let value = self.value_of_item(items, place);
                matches!(value, Ok(Value::Inert(item)) if apart(&item.hint))
            }
        };
        self.errors = errors;
        if !item {
            return Ok(None);
        }
        if !self.only_observes(expr) {
            return refuse(
                &call.method,
                "cannot see what happens to a differentiated value where this list of integers or conditions is made\nhelp: compare with plain expressions there, or `push` in a `for` loop to a list that is bound with its type",
            );
        }
        let tokens = quote!(#expr);
        self.check_kept(&tokens)?;
        self.name_parts(&tokens);
        Ok(Some(Value::Inert(
            self.inert_expression(expr, Hint::Unknown),
        )))
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
            if inner.method != "position" && inner.method != "rposition"
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
            ("position" | "rposition", Some(Expr::Closure(_))) => Hint::Unknown,
            ("is_sorted", None) => Hint::Bool,
            ("is_sorted_by" | "is_sorted_by_key", Some(Expr::Closure(_))) => Hint::Bool,
            ("eq" | "ne" | "lt" | "le" | "gt" | "ge", Some(_)) => Hint::Bool,
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
        let only_one =
            items.is_plain() && (name == "next" || is_computed(items.item.to_token_stream()));
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
        let value = self
            .bind_what_is_held(items)
            .and_then(|()| self.expr(&items.item));
        self.scope.pop();
        self.roll_back(mark);
        value
    }

    /// What an iterator binds before it gives an item.
    fn bind_what_is_held(&mut self, items: &Items) -> Lowered<()> {
        for stmt in &items.variables {
            if let syn::Stmt::Local(local) = stmt {
                self.local(local, stmt)?;
            }
        }
        for step in &items.steps {
            match step {
                Before::Let(stmt @ syn::Stmt::Local(local)) => self.local(local, stmt)?,
                Before::Each(name, inner) => {
                    let Some(inner) = self.gone_through(inner, &syn::parse_quote!(0)) else {
                        return Err(super::Refusal(None));
                    };
                    self.bind_what_is_held(&inner)?;
                    let item = &inner.item;
                    let stmt: syn::Stmt = syn::parse_quote!(let #name = #item;);
                    if let syn::Stmt::Local(local) = &stmt {
                        self.local(local, &stmt)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
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
            | "filter_map"
            | "flat_map"
            | "flatten"
            | "take_while"
            | "map_while"
            | "skip_while"
            | "cycle"
            | "chunks_exact"
            | "collect"
            | "rposition"
            | "is_sorted"
            | "is_sorted_by"
            | "is_sorted_by_key"
            | "is_gt"
            | "is_lt"
            | "is_ge"
            | "is_le"
            | "sum"
            | "into_iter"
            | "eq"
            | "ne"
            | "lt"
            | "le"
            | "gt"
            | "ge"
            | "windows"
            | "chunks"
            | "column_iter"
            | "row_iter"
            | "position"
            | "count"
            | "unwrap_or"
    )
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
            let of_value = of_value && crate::surface::is_known_method(&name.to_string());
            let of_place = i > 2 && matches!(&trees[i - 3], TokenTree::Ident(ty) if *ty == "usize");
            let known = of_value || of_place;
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
