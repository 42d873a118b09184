//! Lists of structs and of tuples: a list for each of their parts, each a variable of its own.

use super::growing::is_repeatable;
use super::mutation::strip;
use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::Step;
use crate::rules::Op;
use crate::scope::{Binding, Hint, Inert, Made, Value};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use std::rc::Rc;
use syn::ext::IdentExt;
use syn::{Expr, Stmt};

/// What an element of a list is made of: the names of its parts, and whether a part carries no derivative.
pub(super) struct Parts {
    pub made: Made,
    pub names: Vec<(String, bool)>,
}

/// A list of structs or tuples, by the names of its variables.
type Lists = (Rc<[(String, Ident)]>, Made);

impl Made {
    /// A struct or a tuple of these parts.
    pub(super) fn of(self, parts: Vec<(String, Value)>) -> Value {
        match self {
            Made::Struct => Value::Record(parts),
            Made::Tuple => Value::Tuple(parts.into_iter().map(|(_, part)| part).collect()),
        }
    }
}

/// The parts of a struct or a tuple, by their names.
pub(super) fn parts_of(value: &Value) -> Option<(Vec<(String, Value)>, Made)> {
    match value {
        Value::Record(fields) => Some((fields.clone(), Made::Struct)),
        Value::Tuple(parts) => {
            let parts = parts.iter().enumerate();
            let parts = parts.map(|(k, part)| (k.to_string(), part.clone()));
            Some((parts.collect(), Made::Tuple))
        }
        _ => None,
    }
}

/// A list that is written out, by the lists of the parts of its elements.
pub(super) fn apart(entries: &[Value]) -> Option<(Vec<(String, Value)>, Made)> {
    let (first, made) = parts_of(entries.first()?)?;
    let mut lists: Vec<(String, Vec<Value>)> = Vec::new();
    lists.extend(first.into_iter().map(|(name, _)| (name, Vec::new())));
    for entry in entries {
        let (parts, own) = parts_of(entry)?;
        if own != made || parts.len() != lists.len() {
            return None;
        }
        for (name, list) in &mut lists {
            let (_, part) = parts.iter().find(|(own, _)| own == name)?;
            list.push(part.clone());
        }
    }
    let lists = lists.into_iter();
    let lists = lists.map(|(name, list)| (name, Value::List(list)));
    Some((lists.collect(), made))
}

impl Lower<'_> {
    /// What an expression names, if that is a list of structs or tuples in variables.
    pub(super) fn lists_of(&self, list: &Expr) -> Option<Lists> {
        let of_path = |expr: &Expr| match strip(expr) {
            Expr::Path(path) => match &self.scope.named(path)?.value {
                Value::Lists(lists, made) => Some((lists.clone(), *made)),
                _ => None,
            },
            _ => None,
        };
        match strip(list) {
            Expr::Reference(inner) if inner.mutability.is_none() => self.lists_of(&inner.expr),
            Expr::Unary(inner) if matches!(inner.op, syn::UnOp::Deref(_)) => {
                self.lists_of(&inner.expr)
            }
            path @ Expr::Path(_) => of_path(path),
            list @ Expr::Field(_) => of_path(&self.in_field(list)?),
            _ => None,
        }
    }

    /// A variable that has the length of the list: of a part that is no list of structs again.
    fn measured(&self, lists: &[(String, Ident)]) -> Option<Ident> {
        let value = |variable: &Ident| self.scope.get(&variable.to_string()).map(|b| &b.value);
        let plain = lists.iter().find(|(_, variable)| {
            let inner = matches!(value(variable), Some(Value::Lists(..) | Value::Inert(_)));
            !inner
        });
        if let Some((_, variable)) = plain {
            return Some(variable.clone());
        }
        let inner = lists
            .iter()
            .find_map(|(_, variable)| match value(variable) {
                Some(Value::Lists(inner, _)) => self.measured(inner),
                _ => None,
            });
        inner.or_else(|| lists.first().map(|(_, variable)| variable.clone()))
    }

    /// The list that variables hold, as they are now.
    pub(super) fn records_in(&mut self, lists: &[(String, Ident)], made: Made) -> Lowered<Value> {
        let mut parts = Vec::new();
        for (name, variable) in lists {
            let Some(known) = self.scope.get(&variable.to_string()) else {
                return refuse(
                    variable,
                    "this list of structs or tuples is out of reach here\nhelp: read its elements where it is made",
                );
            };
            let part = match &known.value {
                // What stays Rust may change later: a copy keeps what it was.
                Value::Inert(_) => {
                    let copy: Expr = syn::parse_quote!(::core::clone::Clone::clone(&#variable));
                    let mut inert = self.inert_expression(&copy, Hint::Unknown);
                    if self.closures == 0 {
                        inert.pure = false;
                        self.evaluate(&mut inert);
                    }
                    Value::Inert(inert)
                }
                _ => self.expr(&syn::parse_quote!(#variable))?,
            };
            parts.push((name.clone(), part));
        }
        Ok(together(parts, made))
    }

    /// A variable for each list of a list of structs or tuples.
    pub(super) fn bind_records(
        &mut self,
        (name, mutable): (&Ident, bool),
        parts: Vec<(String, Value)>,
        made: Made,
    ) -> Lowered<()> {
        let mut variables = Vec::new();
        let changes = mutable && self.closures == 0;
        for (part, value) in parts {
            let variable = self.fresh(&format!("{}_{part}", name.unraw()));
            let value = match (changes, value) {
                (true, Value::List(entries)) => self.list_that_changes(entries, name)?,
                (false, Value::List(entries))
                    if !entries.is_empty() && entries.iter().all(is_plain) =>
                {
                    self.list_that_changes(entries, name)?
                }
                (_, value) => value,
            };
            let follows = !matches!(value, Value::Inert(_));
            match changes {
                true => {
                    self.changing.insert(variable.to_string());
                    self.bind(&syn::parse_quote!(mut #variable), value)?;
                }
                false => self.bind(&syn::parse_quote!(#variable), value)?,
            }
            if follows {
                self.scope.activate(&variable.to_string());
            }
            variables.push((part, variable));
        }
        let lists = Value::Lists(variables.into(), made);
        self.scope.bind(Binding::active(name.clone(), lists));
        Ok(())
    }

    /// A list that is written out, as one whose elements may be assigned to.
    pub(super) fn list_that_changes(
        &mut self,
        entries: Vec<Value>,
        at: &dyn ToTokens,
    ) -> Lowered<Value> {
        if entries.is_empty() {
            return Ok(Value::List(entries));
        }
        if let Some((parts, made)) = apart(&entries) {
            return Ok(Value::Records(parts, made));
        }
        // Of an integer and the like, the list stays Rust.
        if entries.iter().all(is_plain) {
            let mut inert = Inert::plain(TokenStream::new(), false);
            let mut all = Vec::new();
            for entry in &entries {
                let Value::Inert(entry) = entry else { continue };
                all.push(entry.tokens.clone());
                inert.reads.extend(&entry.reads);
                inert.varies |= entry.varies;
            }
            inert.tokens = quote!(::std::vec![#(#all),*]);
            return Ok(Value::Inert(inert));
        }
        let at = Expr::Verbatim(at.to_token_stream());
        if let Some(columns) = self.listed_columns(&entries, &at)? {
            return Ok(columns);
        }
        let mut numbers = Vec::new();
        for entry in entries {
            numbers.push(match entry {
                Value::Inert(_) => {
                    let id = self.node(&entry, &at, &crate::graph::Kind::SCALAR)?;
                    Value::Node(id)
                }
                entry => entry,
            });
        }
        self.column_of_list(numbers, &at).map(Value::Slice)
    }

    /// `list[i]`, and `list[a..b]`.
    pub(super) fn item_of_lists(&mut self, (lists, made): &Lists, index: &Expr) -> Lowered<Value> {
        self.check_place(index)?;
        let mut parts = Vec::new();
        for (k, (name, variable)) in lists.iter().enumerate() {
            let before = self.mark().0;
            let mut part = self.expr(&syn::parse_quote!(#variable[#index]))?;
            if k > 0 {
                self.checked_before(before);
            }
            if let (Value::Inert(inert), 0) = (&mut part, self.closures) {
                if let Expr::Range(_) = index {
                    let tokens = &inert.tokens;
                    inert.tokens = quote!(#tokens.to_vec());
                }
                self.evaluate(inert);
            }
            parts.push((name.clone(), part));
        }
        Ok(match index {
            Expr::Range(_) => together(parts, *made),
            _ => made.of(parts),
        })
    }

    /// The lists of all parts are equally long: whether there is an element is seen of the first.
    fn checked_before(&mut self, before: usize) {
        let graph = &self.graph;
        let Some(steps) = self.steps.last_mut() else {
            return;
        };
        let mut k = 0;
        steps.retain(|placed| {
            k += 1;
            let read = match &placed.step {
                Step::Evaluate(of) => matches!(graph.op(*of), Op::Part(_)),
                // That of a range.
                Step::Verbatim { tokens, .. } => {
                    tokens.to_string().starts_with(":: core :: assert")
                }
                _ => false,
            };
            k <= before || !read
        });
    }

    /// The index of an element is evaluated once for each part.
    fn check_place(&self, index: &Expr) -> Lowered<()> {
        match is_repeatable(index) {
            true => Ok(()),
            false => refuse(
                index,
                "this index is evaluated more than once\nhelp: bind it with `let` before",
            ),
        }
    }

    /// An element of a list that is written out, or made in place, at a computed index.
    pub(super) fn item_of_records(
        &mut self,
        (parts, made): (Vec<(String, Value)>, Made),
        index: &Expr,
    ) -> Lowered<Value> {
        let list = self.fresh("list");
        self.scope.push();
        let item = self
            .bind_records((&list, false), parts, made)
            .and_then(|()| match self.lists_of(&syn::parse_quote!(#list)) {
                Some(lists) => self.item_of_lists(&lists, index),
                None => Err(super::Refusal(None)),
            });
        self.scope.pop();
        item
    }

    /// `list[i]` that stands before a field or is assigned to: the list of that part, at the same place.
    pub(super) fn in_list(&self, item: &Expr, part: &str) -> Option<Expr> {
        let Expr::Index(index) = strip(item) else {
            return None;
        };
        let (lists, _) = self.lists_of(&index.expr)?;
        if let Expr::Range(_) = &*index.index {
            return None;
        }
        let (_, variable) = lists.iter().find(|(own, _)| own == part)?;
        let at = &index.index;
        Some(syn::parse_quote!(#variable[#at]))
    }

    /// `&mut list[i]` of a struct or a tuple, each part of which borrows its own element.
    pub(super) fn lent_item(&mut self, item: &Expr) -> Lowered<Option<Value>> {
        let Expr::Index(index) = strip(item) else {
            return Ok(None);
        };
        let Some((lists, _)) = self.lists_of(&index.expr) else {
            return Ok(None);
        };
        let index = &index.index;
        self.check_place(index)?;
        let mut fields = Vec::new();
        for (name, variable) in lists.iter() {
            let own = self.fresh(&format!("{variable}_element"));
            let inner: Expr = syn::parse_quote!(#variable[#index]);
            let known = self
                .scope
                .get(&variable.to_string())
                .map(|b| b.value.clone());
            match known {
                // It stays Rust, where it is.
                Some(Value::Inert(list)) => {
                    let mut inert = self.inert_expression(&inner, Hint::Unknown);
                    inert.mutable = true;
                    inert.pure = false;
                    let value = Value::Inert(inert);
                    let varies = list.varies;
                    self.scope.bind(Binding::inert(own.clone(), value, varies));
                }
                Some(Value::Lists(..)) => {
                    let value = self.lent_item(&inner)?.unwrap_or(Value::Poison);
                    self.scope.bind(Binding::active(own.clone(), value));
                }
                _ => {
                    let value = self.place_of(&inner).map(Value::Lent)?;
                    self.scope.bind(Binding::active(own.clone(), value));
                }
            }
            fields.push((name.clone(), own));
        }
        Ok(Some(Value::Fields(fields.into())))
    }

    /// `list[i] = value;` part by part.
    pub(super) fn assign_item(
        &mut self,
        (lists, _): &Lists,
        index: &Expr,
        value: &Value,
        at: &Expr,
    ) -> Lowered<Value> {
        self.check_place(index)?;
        let Some((parts, _)) = parts_of(value) else {
            return refuse(
                at,
                "what is assigned to this element is not known by its parts\nhelp: write it out, as in `State { x: …, v: … }` or `(a, b)`",
            );
        };
        for (name, variable) in lists.iter() {
            let Some((_, part)) = parts.iter().find(|(own, _)| own == name) else {
                return refuse(at, format!("there is no `{name}` in what is assigned"));
            };
            let left: Expr = syn::parse_quote!(#variable[#index]);
            let known = self
                .scope
                .get(&variable.to_string())
                .map(|b| b.value.clone());
            match (known, part) {
                (Some(Value::Inert(_)), Value::Inert(new)) => {
                    let name = self.keep_as(name, &new.tokens, new.reads.clone());
                    self.verbatim(&quote!(#left = #name;))?;
                }
                (Some(Value::Lists(inner, made)), part) => {
                    self.assign_item(&(inner, made), index, part, at)?;
                }
                (_, part) => {
                    self.assign_value(&left, part.clone(), (at, at))?;
                }
            }
        }
        Ok(Value::Unit)
    }

    /// `list = other;` list by list.
    pub(super) fn assign_lists(
        &mut self,
        (lists, _): &Lists,
        value: Value,
        at: &Expr,
    ) -> Lowered<Value> {
        let parts = match value {
            Value::Records(parts, _) => Some(parts),
            Value::List(entries) => apart(&entries).map(|(parts, _)| parts),
            _ => None,
        };
        let Some(parts) = parts else {
            return refuse(
                at,
                "what is assigned to this list of structs or tuples is not known by their parts\nhelp: assign to its elements, or bind the new list with its own `let`",
            );
        };
        for (name, variable) in lists.iter() {
            let Some((_, part)) = parts.iter().find(|(own, _)| own == name) else {
                return refuse(at, format!("there is no `{name}` in what is assigned"));
            };
            let part = match part.clone() {
                Value::List(entries) => self.list_that_changes(entries, at)?,
                part => part,
            };
            let known = self
                .scope
                .get(&variable.to_string())
                .map(|b| b.value.clone());
            match (known, part) {
                (Some(Value::Lists(inner, made)), part) => {
                    self.assign_lists(&(inner, made), part, at)?;
                }
                (Some(Value::Slice(_)), part @ Value::Slice(_))
                | (Some(Value::Columns(..)), part @ Value::Columns(..)) => {
                    self.assign(variable, part);
                }
                (Some(Value::Inert(_)), Value::Inert(new)) => {
                    let tokens = &new.tokens;
                    self.verbatim(&quote!(#variable = #tokens;))?;
                }
                _ => {
                    return refuse(
                        at,
                        "this list of structs or tuples is given another one of another kind\nhelp: bind the new list with its own `let`",
                    );
                }
            }
        }
        Ok(Value::Unit)
    }

    /// A method of a list of structs or tuples that is held in variables.
    pub(super) fn method_of_lists(&mut self, call: &syn::ExprMethodCall) -> Option<Lowered<Value>> {
        let (lists, _) = self.lists_of(&call.receiver)?;
        let (list, method) = (&call.receiver, &call.method);
        let name = method.to_string();
        match (name.as_str(), call.args.len()) {
            ("len" | "is_empty", 0) => {
                let variable = self.measured(&lists)?;
                Some(self.expr(&syn::parse_quote!(#variable.#method())))
            }
            ("clone" | "to_vec" | "to_owned" | "as_slice", 0) => Some(self.expr(list)),
            ("swap", 2) => {
                let args = &call.args;
                let mut done = args.iter().try_for_each(|at| self.check_place(at));
                for (_, variable) in lists.iter() {
                    done = done.and_then(|()| {
                        let swap: Expr = syn::parse_quote!(#variable.swap(#args));
                        match self.is_inert(&swap) {
                            true => self.verbatim(&quote!(#swap;)),
                            false => self.expr(&swap).map(|_| ()),
                        }
                    });
                }
                Some(done.map(|()| Value::Unit))
            }
            ("push", 1) if self.closures == 0 => {
                let stmts = self.pushes_apart(list, &call.args[0])?;
                let block: Lowered<syn::Block> =
                    syn::parse2(quote!({ #stmts })).map_err(|error| super::Refusal(Some(error)));
                Some(block.and_then(|block| self.nested_block(&block)))
            }
            (
                "pop" | "insert" | "remove" | "truncate" | "clear" | "retain" | "sort_by"
                | "reverse" | "drain" | "append" | "swap_remove" | "resize" | "fill" | "dedup"
                | "rotate_left" | "rotate_right" | "extend_from_slice" | "split_off",
                _,
            ) => Some(refuse(
                method,
                format!(
                    "`{name}` of a list of structs or tuples is not supported yet\nhelp: make a new list with `push` in a `for` loop, or assign to its elements"
                ),
            )),
            _ => None,
        }
    }

    // ---- growing ----

    /// `list.push(value)` as statements that push each part to its own list; `None` if it is no such list.
    fn pushes_apart(&mut self, list: &Expr, value: &Expr) -> Option<TokenStream> {
        let (lists, made) = self.lists_of(list)?;
        let root = super::places::root_of(list);
        let reads_list = |expr: &Expr| {
            let root = root.as_ref().map(ToString::to_string);
            root.is_some_and(|root| crate::scope::contains(expr.to_token_stream(), &root))
        };
        // What may leave in the middle must not leave some of the lists longer.
        let leaves = |word: &Ident| *word == "continue" || *word == "break" || *word == "return";
        let tokens = value.to_token_stream();
        let whole = reads_list(value)
            || crate::ty::mentions(tokens.clone(), &leaves)
            || tokens.to_string().contains('?');
        let mut out = TokenStream::new();
        match (strip(value), made) {
            // What is written out is pushed part by part, in the order in which it is evaluated.
            (Expr::Struct(literal), Made::Struct)
                if literal.rest.is_none() && literal.fields.len() == lists.len() && !whole =>
            {
                for field in &literal.fields {
                    let name = field.member.to_token_stream().to_string();
                    let (_, variable) = lists.iter().find(|(own, _)| *own == name)?;
                    let part = &field.expr;
                    out.extend(quote!(#variable.push(#part);));
                }
            }
            (Expr::Tuple(tuple), Made::Tuple) if tuple.elems.len() == lists.len() && !whole => {
                for ((_, variable), part) in lists.iter().zip(&tuple.elems) {
                    out.extend(quote!(#variable.push(#part);));
                }
            }
            _ => {
                let new = self.fresh("new");
                out.extend(quote!(let #new = #value;));
                let mut pushes = TokenStream::new();
                for (name, variable) in lists.iter() {
                    let own = self.fresh(&format!("new_{name}"));
                    let member = match made {
                        Made::Struct => format_ident!("{name}").to_token_stream(),
                        Made::Tuple => {
                            let number = name.parse::<usize>().unwrap_or_default();
                            syn::Index::from(number).to_token_stream()
                        }
                    };
                    out.extend(quote!(let #own = #new.#member;));
                    pushes.extend(quote!(#variable.push(#own);));
                }
                out.extend(pushes);
            }
        }
        // A part may be a struct again.
        Some(self.with_pushes_apart(out, &[]))
    }

    /// Statements in which every `list.push(value)` of a list of structs or tuples pushes to the lists of its parts.
    fn with_pushes_apart(&mut self, tokens: TokenStream, hidden: &[Ident]) -> TokenStream {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let is = |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
        let mut out = TokenStream::new();
        let mut i = 0;
        while i < trees.len() {
            let pushed = match &trees[i] {
                TokenTree::Ident(_) => super::growing::pushed_at(&trees, i).cloned(),
                _ => None,
            };
            let stmts = match (&trees[i], pushed) {
                (TokenTree::Ident(name), Some(group)) if !hidden.contains(name) => {
                    let value = syn::parse2::<Expr>(self.with_pushes_apart(group.stream(), hidden));
                    let list: Expr = syn::parse_quote!(#name);
                    value
                        .ok()
                        .and_then(|value| self.pushes_apart(&list, &value))
                }
                _ => None,
            };
            if let Some(stmts) = stmts {
                let begins = i == 0
                    || is(i - 1, ';')
                    || matches!(&trees[i - 1], TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
                i += 4;
                let ends = is(i, ';') || i == trees.len();
                match begins && ends {
                    true => {
                        i += 1;
                        out.extend(stmts);
                    }
                    false => out.extend(quote!({ #stmts })),
                }
                continue;
            }
            match &trees[i] {
                TokenTree::Group(group) => {
                    let inner = self.with_pushes_apart(group.stream(), hidden);
                    let mut new = Group::new(group.delimiter(), inner);
                    new.set_span(group.span());
                    out.extend([TokenTree::Group(new)]);
                }
                tree => out.extend([tree.clone()]),
            }
            i += 1;
        }
        out
    }

    /// The same where a list is a field: `s.list.push(x)` and all else that reads or changes it is of its variable.
    fn with_fields_pushed(&self, tokens: TokenStream, hidden: &[Ident]) -> TokenStream {
        fn pushes_to_field(trees: &[TokenTree], lower: &Lower, hidden: &[Ident]) -> bool {
            trees.iter().enumerate().any(|(i, tree)| match tree {
                TokenTree::Group(group) => {
                    let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                    pushes_to_field(&inner, lower, hidden)
                }
                TokenTree::Ident(name) if !hidden.contains(name) => {
                    let known = lower.scope.get(&name.to_string()).map(|b| &b.value);
                    let mut at = i + 1;
                    while matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == '.')
                        && matches!(trees.get(at + 1), Some(TokenTree::Ident(word)) if *word != "push")
                    {
                        at += 2;
                    }
                    let pushed = matches!(trees.get(at + 1), Some(TokenTree::Ident(word)) if *word == "push");
                    at > i + 1 && pushed && matches!(known, Some(Value::Fields(_)))
                }
                _ => false,
            })
        }
        let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
        match pushes_to_field(&trees, self, hidden) {
            true => self.with_fields_but(tokens, hidden),
            false => tokens,
        }
    }

    /// The same loop, if it pushes to such lists.
    pub(super) fn loop_with_pushes_apart(
        &mut self,
        each: &syn::ExprForLoop,
    ) -> Lowered<Option<syn::ExprForLoop>> {
        let tokens = each.body.to_token_stream();
        let mut hidden = Vec::new();
        super::loops::bound_in(tokens.clone(), &mut hidden);
        super::statements::pattern_names(&each.pat, &mut hidden);
        let apart = self.with_fields_pushed(tokens.clone(), &hidden);
        let apart = self.with_pushes_apart(apart, &hidden);
        if apart.to_string() == tokens.to_string() {
            return Ok(None);
        }
        match syn::parse2(apart) {
            Ok(body) => Ok(Some(syn::ExprForLoop {
                body,
                ..each.clone()
            })),
            Err(error) => Err(super::Refusal(Some(error))),
        }
    }

    /// What an element is made of that is pushed to a list.
    pub(super) fn parts_pushed(value: &Value) -> Option<Parts> {
        let (parts, made) = parts_of(value)?;
        let names = parts.iter();
        let names = names.map(|(name, part)| (name.clone(), is_plain(part)));
        Some(Parts {
            made,
            names: names.collect(),
        })
    }

    /// An empty list that turns out to hold structs or tuples: an empty list for each part.
    pub(super) fn begin_lists(&mut self, list: &Ident, parts: &Parts) -> Lowered<()> {
        let mut lists = Vec::new();
        for (part, is_plain) in &parts.names {
            let variable = self.fresh(&format!("{}_{part}", list.unraw()));
            if !is_plain {
                self.changing.insert(variable.to_string());
                let empty = Binding::active(variable.clone(), Value::List(Vec::new()));
                self.scope.bind_beside(&list.to_string(), empty);
                lists.push((part.clone(), variable));
                continue;
            }
            if self.scope.is_outside_of_side(&list.to_string()) {
                return refuse(
                    list,
                    format!(
                        "the first element of `{list}`, of which `{part}` carries no derivative, is pushed on a side of a branch\nhelp: keep `{part}` in a list of its own, or make the list on that side"
                    ),
                );
            }
            let stmt: Stmt = syn::parse_quote!(let mut #variable = ::std::vec::Vec::new(););
            if let Stmt::Local(local) = &stmt {
                self.local(local, &stmt)?;
            }
            if let Some(binding) = self.scope.unbind(&variable.to_string()) {
                self.scope.bind_beside(&list.to_string(), binding);
            }
            lists.push((part.clone(), variable));
        }
        let lists = Value::Lists(lists.into(), parts.made);
        self.scope.assign(&list.to_string(), lists, true);
        Ok(())
    }

    /// A list of known length that is made longer in a loop: the lists of its parts.
    pub(super) fn continue_lists(&mut self, list: &Ident) -> Lowered<()> {
        let known = self.scope.get(&list.to_string()).map(|b| b.value.clone());
        let Some(Value::List(entries)) = known else {
            return Ok(());
        };
        let Some((parts, made)) = apart(&entries) else {
            return Ok(());
        };
        self.scope.push();
        let bound = self.bind_records((list, true), parts, made);
        let frame = self.scope.take_frame();
        bound?;
        for (name, binding) in frame {
            match *list == name {
                true => self.scope.assign(&name, binding.value, true),
                false => self.scope.bind_beside(&list.to_string(), binding),
            }
        }
        Ok(())
    }

    // ---- tokens ----

    /// Whether the name of a list stands somewhere without one of its elements' fields or its length.
    pub(super) fn list_stands_alone(&self, tokens: TokenStream, list: &Ident) -> bool {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let dot =
            |at: usize| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == '.');
        trees.iter().enumerate().any(|(i, tree)| match tree {
            TokenTree::Ident(name) if name == list => {
                let is_field = i > 0 && dot(i - 1) && !(i > 1 && dot(i - 2));
                !is_field && self.read_of_list(&trees, name, i + 1).is_none()
            }
            TokenTree::Group(group) => self.list_stands_alone(group.stream(), list),
            _ => false,
        })
    }

    /// What stands for `list.len()`, `list.is_empty()` or `list[i].x` among tokens that stay as they are: the name in
    /// place of the list's, the index, and how many trees that takes.
    pub(super) fn read_of_list(
        &self,
        trees: &[TokenTree],
        name: &Ident,
        next: usize,
    ) -> Option<(Ident, Option<Group>, usize)> {
        let Value::Lists(lists, _) = &self.scope.get(&name.to_string())?.value else {
            return None;
        };
        let dot =
            |at: usize| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == '.');
        match trees.get(next)? {
            TokenTree::Punct(_) if dot(next) => {
                match (trees.get(next + 1)?, trees.get(next + 2)?) {
                    (TokenTree::Ident(method), TokenTree::Group(_))
                        if *method == "len" || *method == "is_empty" =>
                    {
                        Some((self.measured(lists)?, None, 0))
                    }
                    _ => None,
                }
            }
            TokenTree::Group(index)
                if index.delimiter() == Delimiter::Bracket && dot(next + 1) && !dot(next + 2) =>
            {
                let part = trees.get(next + 2)?.to_string();
                let (_, variable) = lists.iter().find(|(own, _)| *own == part)?;
                Some((variable.clone(), Some(index.clone()), 3))
            }
            _ => None,
        }
    }
}

/// Lists of the parts of elements: where they are written out, so is the list of the elements.
fn together(parts: Vec<(String, Value)>, made: Made) -> Value {
    let lengths: Option<Vec<usize>> = parts
        .iter()
        .map(|(_, part)| match part {
            Value::List(entries) => Some(entries.len()),
            _ => None,
        })
        .collect();
    match lengths.as_deref() {
        Some([first, others @ ..]) if *first > 0 && others.iter().all(|n| n == first) => {
            let item = |k: usize| {
                let parts = parts.iter().map(|(name, part)| match part {
                    Value::List(entries) => (name.clone(), entries[k].clone()),
                    part => (name.clone(), part.clone()),
                });
                made.of(parts.collect())
            };
            Value::List((0..*first).map(item).collect())
        }
        _ => Value::Records(parts, made),
    }
}

/// An integer or a condition without a derivative: a list of these stays Rust.
fn is_plain(value: &Value) -> bool {
    matches!(value, Value::Inert(inert) if matches!(inert.hint, Hint::Int | Hint::Bool))
}

/// A message for what is made of such a list as a whole.
pub(super) fn as_a_whole(list: &dyn ToTokens) -> String {
    format!(
        "the list `{}` of structs or tuples is not there as a whole\nhelp: read its elements and their parts, or keep a list for each part",
        text(list.to_token_stream())
    )
}
