//! Parameters that are made of others: tuples, and lists of numbers, vectors and matrices.
//!
//! A list is the vector of all its entries. An element is some of its rows, in the shape of the element; emission reads
//! it where it is.

use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{Dim, Extent, Form, Id, Kind, Leaf, ListLeaf, Shape, Sources};
use crate::rules::{Op, Part};
use crate::scope::{Columns, Value};
use crate::ty::{self, Class, List, Passing};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::Expr;

/// Where the entries of an element start, how many there are, and its shape.
#[derive(Clone)]
pub struct Element {
    start: Id,
    count: Id,
    part: Part,
    shape: Shape,
}

impl Lower<'_> {
    /// The value of a parameter, or of a part of one, by the expression that reads it.
    pub(super) fn value_of_class(
        &mut self,
        class: &Class,
        name: TokenStream,
        inside: bool,
    ) -> Value {
        match class {
            Class::Value(value) => {
                let form = match value.passing {
                    Passing::Owned => Form::Owned,
                    Passing::Reference => Form::Borrowed,
                    Passing::View => Form::View,
                };
                Value::Node(self.leaf_of_type(name, value, form, true))
            }
            Class::List(list) => {
                let id = self.list_leaf(name, list, inside);
                match list.element {
                    Some(_) => Value::Elements(id),
                    None => Value::Slice(id),
                }
            }
            Class::Tuple(parts) => {
                let parts = parts.iter().enumerate().map(|(k, part)| {
                    let k = syn::Index::from(k);
                    self.value_of_class(part, quote!(#name.#k), true)
                });
                Value::Tuple(parts.collect())
            }
            Class::Mutable | Class::NotYet(_) | Class::Other => Value::Poison,
        }
    }

    /// What a differentiated parameter is made of: it is added to the sources. Until all are known they have the numbers
    /// of their nodes.
    pub(super) fn sources_of(&mut self, value: &Value) -> Option<Sources> {
        match value {
            Value::Node(id) | Value::Slice(id) | Value::Elements(id) => {
                self.sources.push(*id);
                Some(Sources::One(id.0 as usize))
            }
            Value::Tuple(parts) => {
                let parts: Option<Vec<_>> = parts.iter().map(|p| self.sources_of(p)).collect();
                parts.map(Sources::Tuple)
            }
            _ => None,
        }
    }

    /// The values in a tuple, also in those inside of it.
    pub(super) fn parts_of_tuple(&self, value: &Value) -> Vec<Id> {
        match value {
            Value::Node(id) if matches!(self.graph.op(*id), Op::Const(_)) => Vec::new(),
            Value::Node(id) if self.graph.leaf_of(*id).is_none() => vec![*id],
            Value::Tuple(parts) | Value::List(parts) => {
                let parts = parts.iter().flat_map(|p| self.parts_of_tuple(p));
                parts.collect()
            }
            _ => Vec::new(),
        }
    }

    /// `[a, b]` and `vec![a, b]`: numbers, matrices, tuples or lists of one type.
    pub(crate) fn list_of(&mut self, entries: &[&Expr]) -> Lowered<Value> {
        let values: Lowered<Vec<Value>> = entries.iter().map(|e| self.expr(e)).collect();
        let mut values = values?;
        // What is inert is of the kind of the others.
        let known = values.iter().find_map(|value| match value {
            Value::Node(id) | Value::Entry(id) => Some(self.graph.kind(*id)),
            _ => None,
        });
        let kind = known.unwrap_or(Kind::SCALAR);
        for (value, entry) in values.iter_mut().zip(entries) {
            if let Value::Tuple(_)
            | Value::Record(_)
            | Value::List(_)
            | Value::Entry(_)
            | Value::Slice(_) = value
            {
                continue;
            }
            *value = Value::Node(self.node(&value.clone(), entry, &kind)?);
        }
        Ok(Value::List(values))
    }

    /// A list of numbers as a vector.
    pub(crate) fn column_of_list(&mut self, list: Vec<Value>, at: &Expr) -> Lowered<Id> {
        let numbers = self.numbers_in(list, at)?;
        self.column_of(&numbers, at)
    }

    /// `v.first().unwrap()` and `v.last().unwrap()` of a list whose length is known at run time: the entry, after a check
    /// that there is one.
    pub(crate) fn end_of_list(&mut self, call: &syn::ExprMethodCall) -> Lowered<Option<Value>> {
        let Expr::MethodCall(end) = &*call.receiver else {
            return Ok(None);
        };
        let (list, taken) = (&end.receiver, (&call.method, &call.args));
        let taken_at_once = matches!(
            (taken.0.to_string().as_str(), taken.1.first()),
            ("unwrap", None) | ("expect", Some(Expr::Lit(_)))
        );
        if !taken_at_once
            || !(end.method == "first" || end.method == "last")
            || !end.args.is_empty()
            || self.closures > 0
            || self.is_inert(list)
        {
            return Ok(None);
        }
        let length: Expr = match self.so_far(list) {
            Some((_, end)) if at_least(end).is_some_and(|(least, _)| least > 0) => return Ok(None),
            Some((_, end)) => syn::parse_quote!((#end)),
            None if !matches!(**list, Expr::Path(_)) => return Ok(None),
            None => {
                let value = self.expr(list)?;
                let known = match &value {
                    Value::Slice(id) => self.graph.shape(*id).and_then(|s| s.entries()).is_some(),
                    Value::Columns(..) | Value::Elements(_) | Value::Records(..) => false,
                    _ => true,
                };
                if known {
                    return Ok(None);
                }
                syn::parse_quote!(#list.len())
            }
        };
        let (method, args) = taken;
        // It panics as the method does.
        self.verbatim(&quote!((#length > 0).then_some(()).#method(#args);))?;
        let entry = match end.method == "first" {
            true => self.expr(&syn::parse_quote!(#list[0]))?,
            false => self.expr(&syn::parse_quote!(#list[#length - 1]))?,
        };
        Ok(Some(entry))
    }

    /// `v.first()`, `v.last()` and `v.get(i)` of a list of numbers.
    pub(crate) fn entry_if_there(
        &mut self,
        list: &Value,
        name: &Expr,
        method: &str,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        let so_far = self.so_far(name).map(|(_, end)| end.clone());
        let entries = match so_far {
            Some(_) => None,
            None => self.entries_of(list, expr)?,
        };
        if let (Some(end), "first" | "last") = (&so_far, method)
            && let Some((least, rest)) = at_least(end).filter(|(least, _)| *least > 0)
        {
            let at: Expr = match (method, least, rest) {
                ("first", ..) => syn::parse_quote!(0),
                (_, least, None) => {
                    let last = proc_macro2::Literal::usize_unsuffixed(least - 1);
                    syn::parse_quote!(#last)
                }
                (_, 1, Some(rest)) => rest,
                (_, least, Some(rest)) => {
                    let more = proc_macro2::Literal::usize_unsuffixed(least - 1);
                    syn::parse_quote!(#more + #rest)
                }
            };
            let entry = self.expr(&syn::parse_quote!(#name[#at]))?;
            return Ok(Value::Wrapped(Box::new(entry)));
        }
        let length: Expr = match so_far {
            Some(end) => syn::parse_quote!((#end)),
            None => syn::parse_quote!(#name.len()),
        };
        let place: Expr = match (method, args) {
            ("first", []) => syn::parse_quote!(0),
            ("last", []) => syn::parse_quote!(#length - 1),
            ("get", [at]) => (*at).clone(),
            _ => {
                return refuse(
                    expr,
                    "this entry cannot be followed\nhelp: take it by its index, as in `v[i]`",
                );
            }
        };
        if let Some(entries) = &entries {
            let known = match method {
                "first" => entries.first(),
                "last" => entries.last(),
                _ => match &place {
                    Expr::Lit(_) => {
                        let at = self.integer(&place)?;
                        self.graph.integer_value(at).and_then(|i| entries.get(i))
                    }
                    _ => None,
                },
            };
            if let Some(entry) = known {
                return Ok(Value::Wrapped(Box::new(entry.clone())));
            }
        }
        if !super::growing::is_repeatable(&place) {
            return refuse(
                &place,
                "this index is evaluated more than once\nhelp: bind it with `let` before",
            );
        }
        let there: Expr = match method {
            "get" => syn::parse_quote!(#place < #length),
            _ => syn::parse_quote!(#length > 0),
        };
        self.expr(&syn::parse_quote!(if #there { Some(#name[#place]) } else { None }))
    }

    /// `v.split_first()`, `v.split_last()` and `v.split_at(k)`.
    pub(crate) fn split_list(
        &mut self,
        list: &Expr,
        method: &str,
        args: &[&Expr],
        expr: &Expr,
    ) -> Lowered<Value> {
        if !super::growing::is_repeatable(list)
            || !args.iter().all(|at| super::growing::is_repeatable(at))
        {
            return refuse(
                expr,
                "what this splits is evaluated more than once\nhelp: bind it with `let` before",
            );
        }
        let parts: Expr = match (method, args) {
            ("split_first", []) => {
                syn::parse_quote!(if #list.len() > 0 { Some((&#list[0], &#list[1..])) } else { None })
            }
            ("split_last", []) => syn::parse_quote!(if #list.len() > 0 {
                Some((&#list[#list.len() - 1], &#list[..#list.len() - 1]))
            } else {
                None
            }),
            ("split_at", [at]) => syn::parse_quote!((&#list[..#at], &#list[#at..])),
            _ => return refuse(expr, "this method of a list takes other arguments"),
        };
        self.expr(&parts)
    }

    /// Whether a loop around pushes to this list.
    fn is_growing(&self, list: &Expr) -> bool {
        match list {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|name| self.growing.iter().any(|grown| name == grown)),
            _ => false,
        }
    }

    /// `v[..end]`, what has been pushed so far to a list that a loop around makes longer: the list, and the end.
    pub(crate) fn so_far<'e>(&self, expr: &'e Expr) -> Option<(&'e Expr, &'e Expr)> {
        match expr {
            Expr::Paren(inner) => self.so_far(&inner.expr),
            Expr::Group(inner) => self.so_far(&inner.expr),
            Expr::Reference(inner) => self.so_far(&inner.expr),
            Expr::Index(index) if self.is_growing(&index.expr) => match &*index.index {
                Expr::Range(syn::ExprRange {
                    start: None,
                    limits: syn::RangeLimits::HalfOpen(_),
                    end: Some(end),
                    ..
                }) => Some((&index.expr, end)),
                _ => None,
            },
            _ => None,
        }
    }

    /// `v[..end][i]` of such a list: the entry itself is read, and nothing is made of the others.
    pub(super) fn entry_so_far(&mut self, index: &syn::ExprIndex) -> Lowered<Option<Value>> {
        let at = &index.index;
        let Some((list, end)) = self.so_far(&index.expr) else {
            return Ok(None);
        };
        if matches!(**at, Expr::Range(_)) || self.closures > 0 || !self.is_inert(at) {
            return Ok(None);
        }
        if !is_below(at, end) {
            if !super::growing::is_repeatable(at) {
                return refuse(
                    at,
                    "this index is evaluated more than once\nhelp: bind it with `let` before",
                );
            }
            let message = "index out of bounds: the len is {} but the index is {}";
            self.verbatim(&quote!(::core::assert!(#at < #end, #message, #end, #at);))?;
        }
        let entry: Expr = syn::parse_quote!(#list[#at]);
        self.expr(&entry).map(Some)
    }

    /// `v[a..b]` of a list of numbers: some rows of it.
    pub(super) fn range_of_list(
        &mut self,
        list: Id,
        columns: Option<Columns>,
        name: &Expr,
        range: &syn::ExprRange,
    ) -> Lowered<Id> {
        let start: Expr = match &range.start {
            Some(start) => (**start).clone(),
            None => syn::parse_quote!(0),
        };
        let end: Expr = match (&range.end, &range.limits) {
            (Some(end), syn::RangeLimits::HalfOpen(_)) => (**end).clone(),
            (Some(end), syn::RangeLimits::Closed(_)) => syn::parse_quote!((#end) + 1),
            (None, _) => syn::parse_quote!(#name.len()),
        };
        let width = columns.map_or(1, Columns::width);
        let whole = match (self.graph.shape(list), columns) {
            (Some(Shape { rows, .. }), None) => Some(rows),
            (Some(Shape { cols, .. }), _) => match cols {
                Dim::Static(cols) => Some(Dim::Static(cols / width)),
                cols => Some(cols),
            },
            (None, _) => None,
        };
        let known = |lower: &mut Self, at: &Expr| match at {
            Expr::Lit(_) => {
                let at = lower.integer(at)?;
                Ok(lower.graph.integer_value(at))
            }
            _ => Ok(None),
        };
        let first = known(self, &start)?;
        let last = match (&range.end, &whole) {
            (None, Some(Dim::Static(length))) => Some(*length),
            _ => known(self, &end)?,
        };
        let within = |last: usize| matches!(whole, Some(Dim::Static(length)) if last <= length);
        if let (Some(first), Some(last)) = (first, last)
            && first <= last
            && within(last)
        {
            let count = Dim::Static((last - first) * width);
            let at = self.graph.integer(first * width).id;
            let part = match columns {
                None => Part::FixedRows(count),
                Some(_) => Part::FixedColumns(count),
            };
            return self.part_at(list, &part, &[at], range);
        }
        if let Some(at) = [&start, &end]
            .into_iter()
            .find(|at| !super::growing::is_repeatable(at))
        {
            return refuse(
                at,
                "this end of the range is evaluated more than once\nhelp: bind it with `let` before",
            );
        }
        // It panics as Rust does. What has been pushed so far is within the list.
        if range.end.is_some() && (range.start.is_some() || !self.is_growing(name)) {
            let message = "range end index {} out of range for slice of length {}";
            self.verbatim(
                &quote!(::core::assert!(#end <= #name.len(), #message, #end, #name.len());),
            )?;
        }
        if range.start.is_some() {
            let message = "slice index starts at {} but ends at {}";
            self.verbatim(&quote!(::core::assert!(#start <= #end, #message, #start, #end);))?;
        }
        let count: Expr = match range.start {
            None => end,
            Some(_) => {
                syn::parse_quote!(::core::primitive::usize::saturating_sub(#end, #start))
            }
        };
        let (part, start, count) = match columns {
            None => (Part::Rows, start, count),
            Some(columns) => (
                Part::Columns,
                columns.first_of(&start),
                columns.first_of(&count),
            ),
        };
        let (at, count) = (self.integer(&start)?, self.integer(&count)?);
        self.part_at(list, &part, &[at, count], range)
    }

    /// The numbers in a list.
    pub(crate) fn numbers_in(&mut self, list: Vec<Value>, at: &Expr) -> Lowered<Vec<Id>> {
        let numbers: Option<Vec<Id>> = list
            .iter()
            .map(|value| match value {
                Value::Node(id) | Value::Entry(id) if self.graph.kind(*id) == Kind::SCALAR => {
                    Some(*id)
                }
                _ => None,
            })
            .collect();
        match numbers {
            Some(numbers) => Ok(numbers),
            None => refuse(
                at,
                "arrays of other things than numbers are not the entries of a matrix\nhelp: write each entry",
            ),
        }
    }

    /// The leaf of a slice, an array or a `Vec`: a vector, under a name of its own.
    fn list_leaf(&mut self, name: TokenStream, list: &List, inside: bool) -> Id {
        let text = identifier(&name);
        let mut own = format!("{text}_vector");
        while !self.taken.insert(own.clone()) {
            own.push('_');
        }
        let own = Ident::new(&own, proc_macro2::Span::mixed_site());
        let id = Id(self.graph.count());
        let element = list.element.as_ref().map(element_shape);
        let each = element.as_ref().map_or(Some(1), Shape::entries);
        let length = match (&list.length, each) {
            (Some(length), Some(1)) if element.is_none() => length.clone(),
            (Some(Dim::Static(length)), Some(each)) => Dim::Static(length * each),
            _ => self.graph.dynamic(Extent::Rows(id)),
        };
        // A list in a tuple is read in its place: it is not moved.
        let viewed = list.by_reference || inside;
        let form = if viewed && element.is_none() {
            Form::View
        } else {
            Form::Owned
        };
        let id = self.graph.leaf(Leaf {
            name: own.to_token_stream(),
            kind: Kind::matrix(Shape::new(length, Dim::Static(1))),
            form,
            varies: true,
        });
        let name = if inside && !list.by_reference {
            quote!((&#name))
        } else {
            name
        };
        let list = ListLeaf {
            name,
            length: list.length.clone(),
            by_reference: viewed,
            element,
            is_struct: false,
        };
        self.graph.lists.borrow_mut().insert(id, list);
        id
    }

    /// The leaf of a struct: the column of all its entries, under a name of its own.
    pub(super) fn struct_leaf(&mut self, name: TokenStream) -> Id {
        let own = self.fresh(&format!("{}_vector", identifier(&name)));
        let id = Id(self.graph.count());
        let rows = self.graph.dynamic(Extent::Rows(id));
        let id = self.graph.leaf(Leaf {
            name: own.to_token_stream(),
            kind: Kind::matrix(Shape::new(rows, Dim::Static(1))),
            form: Form::Owned,
            varies: true,
        });
        let leaf = ListLeaf {
            name,
            length: None,
            by_reference: true,
            element: None,
            is_struct: true,
        };
        self.graph.lists.borrow_mut().insert(id, leaf);
        id
    }

    /// `xs[i]` of a list of vectors or matrices.
    pub(super) fn element(
        &mut self,
        list: Id,
        index: &syn::ExprIndex,
        expr: &Expr,
    ) -> Lowered<Value> {
        if let Expr::Range(_) | Expr::Tuple(_) = &*index.index {
            return refuse(
                &index.index,
                format!(
                    "`{}` is a list: an element is taken by one integer\nhelp: write `{0}[i]`",
                    text(&index.expr)
                ),
            );
        }
        if self.places.is_some()
            && let Value::Position(_) = self.expr(&index.index)?
        {
            return refuse(
                expr,
                format!(
                    "a whole element of `{}` at an index of a loop or an iterator is not supported yet\nhelp: pass the elements as the columns of a matrix, and compute with that",
                    text(&index.expr)
                ),
            );
        }
        let at = self.integer(&index.index)?;
        let Some(element) = self.element_at(list, at) else {
            return refuse(expr, "this is not a list of vectors or matrices");
        };
        let mut args = vec![list, element.start];
        if element.part == Part::Rows {
            args.push(element.count);
        }
        let part = if element.shape.is_column() {
            element.part
        } else {
            Part::Element(Box::new(element.part), element.shape.clone())
        };
        let whole = Kind::matrix(element.shape);
        Ok(Value::Node(self.exact_of(
            Op::Part(part),
            args,
            whole,
            expr,
        )?))
    }

    /// The place of the element with an index; its sizes are read from itself.
    fn element_at(&mut self, list: Id, at: Id) -> Option<Element> {
        // A loop has a graph of its own, where the same numbers are other values.
        if let Some((_, known)) = self.known_elements.iter().find(|k| k.0 == (list, at))
            && !self.is_in_loop()
        {
            return Some(known.clone());
        }
        let leaf = self.graph.lists.borrow().get(&list).cloned()?;
        let declared = leaf.element?;
        let (name, vector) = (leaf.name, self.graph.leaf_of(list)?.name);
        let literal = self.graph.integer_value(at);
        let index = match (literal, self.graph.leaf_of(at)) {
            (Some(n), _) => proc_macro2::Literal::usize_unsuffixed(n).into_token_stream(),
            (None, Some(leaf)) => leaf.name,
            (None, None) => return None,
        };
        let guards = self.graph.node(at).guards;
        let integer = |tokens: TokenStream| {
            let id = self.graph.leaf(Leaf {
                name: tokens,
                kind: Kind::INT,
                form: Form::Owned,
                varies: true,
            });
            if !guards.is_empty() {
                self.graph.keep_local(id);
            }
            self.graph.elements.borrow_mut().insert(id, at);
            id
        };
        let dynamic = |dim: &Dim| matches!(dim, Dim::Dynamic(_));
        let element = match (&declared.rows, &declared.cols) {
            (rows, cols) if dynamic(rows) || dynamic(cols) => {
                let starts = quote::format_ident!("{}_starts", vector.to_string());
                let start = integer(quote!(#starts[#index]));
                let count = integer(quote!(#name[#index].len()));
                let extent = |dim: &Dim, size: TokenStream, other: &Dim| {
                    if !dynamic(dim) {
                        return dim.clone();
                    }
                    let size = if *other == Dim::Static(1) {
                        count
                    } else {
                        integer(quote!(#name[#index].#size()))
                    };
                    self.graph.dynamic(Extent::Int(size))
                };
                let rows = extent(&declared.rows, quote!(nrows), &declared.cols);
                let cols = extent(&declared.cols, quote!(ncols), &declared.rows);
                Element {
                    start,
                    count,
                    part: Part::Rows,
                    shape: Shape::new(rows, cols),
                }
            }
            (rows, cols) => {
                let one = Dim::Static(1);
                let (part, each) = match (declared.entries(), rows, cols) {
                    (Some(n), _, _) => (
                        Part::FixedRows(Dim::Static(n)),
                        proc_macro2::Literal::usize_unsuffixed(n).into_token_stream(),
                    ),
                    (None, n, other) | (None, other, n) if *other == one => {
                        (Part::FixedRows(n.clone()), ty::dim_tokens(n))
                    }
                    // The product of two sizes cannot be written in a type.
                    (None, rows, cols) => {
                        let (rows, cols) = (ty::dim_tokens(rows), ty::dim_tokens(cols));
                        (Part::Rows, quote!((#rows * #cols)))
                    }
                };
                let start = match (literal, declared.entries()) {
                    (Some(i), Some(n)) => self.graph.integer(i * n).id,
                    _ => integer(quote!(#each * #index)),
                };
                let count = match declared.entries() {
                    Some(n) => self.graph.integer(n).id,
                    None => self.graph.leaf(Leaf {
                        name: each,
                        kind: Kind::INT,
                        form: Form::Owned,
                        varies: false,
                    }),
                };
                Element {
                    start,
                    count,
                    part,
                    shape: declared.clone(),
                }
            }
        };
        if !self.is_in_loop() {
            self.known_elements.push(((list, at), element.clone()));
        }
        Some(element)
    }
}

/// The shape of an element as its type tells it: dynamic extents are each element's own.
fn element_shape(value: &ty::Value) -> Shape {
    let dim = |extent: &ty::Extent| match extent {
        ty::Extent::Known(dim) => dim.clone(),
        ty::Extent::Dynamic | ty::Extent::Inferred => Dim::Dynamic(u32::MAX),
    };
    let (rows, cols) = match &value.extents {
        Some((rows, cols)) => (dim(rows), dim(cols)),
        None => (Dim::Static(1), Dim::Static(1)),
    };
    Shape::new(rows, cols)
}

/// An integer as one that is known and the rest: `1 + k`.
fn at_least(length: &Expr) -> Option<(usize, Option<Expr>)> {
    match length {
        Expr::Paren(inner) => at_least(&inner.expr),
        Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Int(least),
            ..
        }) => Some((least.base10_parse().ok()?, None)),
        Expr::Binary(sum) if matches!(sum.op, syn::BinOp::Add(_)) => {
            let (least, rest) = at_least(&sum.left)?;
            let more = &sum.right;
            let rest = match rest {
                None => (**more).clone(),
                Some(rest) => syn::parse_quote!(#rest + #more),
            };
            Some((least, Some(rest)))
        }
        _ => None,
    }
}

/// Whether an index is less than a length, as they are written.
fn is_below(index: &Expr, length: &Expr) -> bool {
    let (least, rest) = at_least(length).unwrap_or((0, None));
    let text = |expr: &Expr| match expr {
        Expr::Paren(inner) => inner.expr.to_token_stream().to_string(),
        other => other.to_token_stream().to_string(),
    };
    let known = match at_least(index) {
        Some((at, None)) => at < least,
        Some((at, Some(more))) => {
            at < least && rest.as_ref().is_some_and(|rest| text(rest) == text(&more))
        }
        None => false,
    };
    // `(1 + k) - 1`
    let last = match index {
        Expr::Binary(difference) if matches!(difference.op, syn::BinOp::Sub(_)) => {
            let less = at_least(&difference.right);
            // What is less than zero is no index at all.
            text(&difference.left) == text(length)
                && less.is_some_and(|(less, rest)| rest.is_none() && less > 0)
        }
        _ => false,
    };
    known || last || least > 0 && rest.is_some_and(|rest| text(&rest) == text(index))
}

/// The words of an expression as one name: `p.0` is `p_0`.
pub fn identifier(tokens: &TokenStream) -> String {
    words(&tokens.to_string())
}

pub fn words(text: &str) -> String {
    let text = text.replace("r#", "");
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let words: Vec<&str> = words.filter(|w| !w.is_empty()).collect();
    words.join("_")
}
