//! Lists that grow in a loop: how often it pushes is known before, so that the list has room for all from the beginning,
//! and what is in it already are its first entries.

use super::assigned::assigned;
use super::loops::bound_in;
use super::statements::pattern_names;
use super::{Lower, Lowered, refuse};
use crate::graph::{Dim, Extent as Size, Id, Kind, Shape};
use crate::rules::{Op, Part};
use crate::scope::{Columns, Inert, Lent, Value, captured, contains};
use crate::ty::{Class, Extent};
use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Stmt};

/// A list that a loop pushes to.
struct Grown {
    name: Ident,
    /// How often it pushes in an iteration, at most.
    most: Expr,
    /// Whether it pushes as often in every iteration: only statements of the body itself do.
    always: Option<usize>,
    elements: Option<Elements>,
}

/// What a list is made of that is no list of numbers: columns of one matrix with this many rows.
#[derive(Clone)]
struct Elements {
    rows: Dim,
    columns: Columns,
    /// A variable that changes in the loop, and has to stay as long as they are.
    as_long_as: Option<String>,
}

/// What an empty list turns out to hold while a loop that pushes to it is read.
pub(super) struct Revealed {
    list: String,
    columns: Columns,
    /// How many rows an element has, in the loop.
    rows: Dim,
    /// If that is a size at run time, expressions that give it.
    sizes: Vec<Expr>,
}

impl Lower<'_> {
    /// A list that is empty so far: `Vec::new()`, `Vec::with_capacity(n)`, `vec![]`.
    pub(super) fn empty_list(&mut self, init: &Expr) -> bool {
        match init {
            Expr::Macro(mac) => mac.mac.path.is_ident("vec") && mac.mac.tokens.is_empty(),
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else {
                    return false;
                };
                let mut names = path.path.segments.iter().rev().map(|s| s.ident.to_string());
                let (last, before) = (names.next(), names.next());
                let plain = match last.as_deref() {
                    Some("new") => call.args.is_empty(),
                    Some("with_capacity") => call.args.iter().all(|n| self.is_without_effect(n)),
                    _ => false,
                };
                plain && before.as_deref() == Some("Vec")
            }
            _ => false,
        }
    }

    /// An empty list, of vectors or matrices where the type of the `let` tells of which.
    pub(super) fn empty_list_of(&mut self, ty: Option<&syn::Type>) -> Lowered<Value> {
        let element = match ty.map(|ty| self.context.classify(ty)) {
            Some(Class::List(list)) if list.real == self.real => list.element,
            _ => None,
        };
        let extents = element.as_ref().and_then(|element| element.extents.clone());
        let (Some(element), Some((Extent::Known(rows), Extent::Known(Dim::Static(width))))) =
            (element, extents)
        else {
            return Ok(Value::List(Vec::new()));
        };
        self.types.push((element.written.clone(), element));
        let kind = Kind::matrix(Shape::new(rows, Dim::Static(0)));
        let zero = self.graph.constant(0.0);
        let empty = self.graph.insert(Op::Fill, vec![zero], kind);
        Ok(Value::Columns(empty, Columns::Matrices(width)))
    }

    /// Whether leaving an inert expression out makes no difference.
    fn is_without_effect(&mut self, expr: &Expr) -> bool {
        let mark = self.mark();
        let value = self.expr(expr);
        self.roll_back(mark);
        matches!(value, Ok(Value::Inert(inert)) if inert.pure || inert.mutable)
    }

    /// `v.push(x)` where the length of the list is known.
    pub(super) fn pushed(
        &mut self,
        name: &Ident,
        known: Value,
        value: &Expr,
        expr: &Expr,
    ) -> Lowered<Value> {
        let entries = match &known {
            Value::List(entries) => Some(entries.clone()),
            Value::Columns(id, _) => {
                let empty = self.graph.shape(*id).map(|s| s.cols) == Some(Dim::Static(0));
                empty.then(Vec::new)
            }
            known => self.entries_of(known, expr)?,
        };
        let Some(mut entries) = entries else {
            let grown = Grown {
                name: name.clone(),
                most: syn::parse_quote!(1),
                always: Some(1),
                elements: None,
            };
            let new = self.fresh("new");
            let new_value = self.expr(value)?;
            self.scope.push();
            let pushed = self
                .bind(&syn::parse_quote!(#new), new_value)
                .and_then(|()| self.make_room(&grown, &syn::parse_quote!(1), expr))
                .and_then(|length| {
                    let assign: syn::ExprAssign = syn::parse_quote!(#name[#length] = #new);
                    self.assignment(&assign, expr)
                });
            self.scope.pop();
            return pushed;
        };
        let kind = match entries.first() {
            Some(Value::Node(id)) => self.graph.kind(*id),
            _ => Kind::SCALAR,
        };
        let new = match self.expr(value)? {
            value @ (Value::Tuple(_) | Value::List(_)) => value,
            new => Value::Node(self.node(&new, value, &kind)?),
        };
        entries.push(new);
        let list = match known {
            Value::Slice(_) => Value::Slice(self.column_of_list(entries, expr)?),
            _ => Value::List(entries),
        };
        self.assign(name, list);
        Ok(Value::Unit)
    }

    /// A loop that pushes to lists of outside; `None` if it does not.
    pub(super) fn growing(
        &mut self,
        each: &syn::ExprForLoop,
        expr: &Expr,
    ) -> Lowered<Option<Value>> {
        let mut names = Vec::new();
        pushes(each.body.to_token_stream(), &mut names);
        names.retain(|name| {
            let known = self.scope.get(&name.to_string()).map(|b| &b.value);
            matches!(
                known,
                Some(Value::List(_) | Value::Slice(_) | Value::Columns(..))
            )
        });
        if names.is_empty() {
            return Ok(None);
        }
        let (mut texts, mut declared) = (Vec::new(), Vec::new());
        captured(each.body.to_token_stream(), &mut texts);
        bound_in(each.body.to_token_stream(), &mut declared);
        for name in &names {
            // What a closure captures, it does not change.
            self.assigned_variable(&syn::parse_quote!(#name))?;
            if contains(each.expr.to_token_stream(), &name.to_string()) {
                return refuse(
                    &each.expr,
                    format!(
                        "this loop makes `{name}` longer, which it goes through\nhelp: count before the loop, as in `let n = {name}.len();`"
                    ),
                );
            }
            let mut bound = Vec::new();
            pattern_names(&each.pat, &mut bound);
            if texts.iter().any(|text| name == text)
                || declared.contains(name)
                || bound.contains(name)
            {
                return refuse(
                    name,
                    format!(
                        "what `{name}` stands for changes in this loop, so that the list cannot be followed\nhelp: give the other variable another name, and pass `{name}` to the macro that prints it"
                    ),
                );
            }
        }
        // The number of the iteration: what is counted, and where that begins.
        let (at, begin) = match counted_from(each) {
            Some((index, begin)) if !declared.contains(index) => (index.clone(), begin),
            _ => (self.fresh("k"), 0),
        };
        let index: Expr = syn::parse_quote!(#at);
        let mut changing = assigned(each.body.to_token_stream());
        let mut bound = declared;
        pattern_names(&each.pat, &mut bound);
        changing.extend(bound.iter().map(Ident::to_string));
        let unknown = |name: &Ident| {
            format!(
                "how often `{name}` grows in this loop is not known before\nhelp: begin with a list of its length, as in `let mut {name} = vec![0.0; n];`, and assign to `{name}[i]`"
            )
        };
        let Some(items) = self.gone_through(&each.expr, &index) else {
            return refuse(&each.expr, unknown(&names[0]));
        };
        if items.counts.is_empty() {
            return refuse(&names[0], unknown(&names[0]));
        }
        // What is left out does not count.
        let some = !items.is_plain();
        let count = items.least();
        if !is_repeatable(&each.expr) {
            return refuse(
                &each.expr,
                "what this loop goes through would be asked for its length, and made once more for that\nhelp: bind it with `let` before the loop",
            );
        }
        let mut lists = Vec::new();
        for name in names {
            match self.grown(&name, &each.body, &changing) {
                Some(grown) => lists.push(Grown {
                    always: grown.always.filter(|_| !some),
                    ..grown
                }),
                None => return refuse(&name, unknown(&name)),
            }
        }
        // What an empty list holds is known when the loop has been read: then it is read again.
        loop {
            let before = self.before();
            let done = self.grow(each, &mut lists, &count, (&at, begin), expr);
            let (own, others) = std::mem::take(&mut self.revealed)
                .into_iter()
                .partition(|found| {
                    let list = lists.iter().find(|list| list.name == found.list);
                    list.is_some_and(|list| list.elements.is_none())
                });
            self.revealed = others;
            let own: Vec<Revealed> = own;
            if own.is_empty() {
                done?;
                for list in &lists {
                    self.check_sizes(list)?;
                }
                return Ok(Some(Value::Unit));
            }
            self.restore(before);
            for found in own {
                let Some(list) = lists.iter_mut().find(|list| list.name == found.list) else {
                    continue;
                };
                if list.elements.is_none() {
                    list.elements = Some(self.elements_of(&list.name, found, &changing, &bound)?);
                }
            }
        }
    }

    /// The loop, with room in the lists for what it pushes.
    fn grow(
        &mut self,
        each: &syn::ExprForLoop,
        lists: &mut [Grown],
        count: &Expr,
        (at, begin): (&Ident, usize),
        expr: &Expr,
    ) -> Lowered<()> {
        let mut body = each.body.clone();
        let (mut before, mut counters): (Vec<Stmt>, Vec<(Ident, Ident)>) = (Vec::new(), Vec::new());
        let mut counted = false;
        for grown in &mut *lists {
            let (name, length) = (grown.name.clone(), self.make_room(grown, count, expr)?);
            body.stmts = match grown.always {
                Some(most) => {
                    counted = true;
                    let first = first_place(&length, most, at, begin);
                    let stmts = body.stmts.into_iter();
                    let mut k = 0;
                    let stmts = stmts.map(|stmt| {
                        let place = match k {
                            0 => first.clone(),
                            k => quote!(#first + #k),
                        };
                        k += usize::from(is_push(&stmt, &name));
                        again(stmt, &name, &place, &quote!())
                    });
                    stmts.collect::<syn::Result<_>>()
                }
                None => {
                    let counter = self.fresh(&format!("{name}_len"));
                    before.push(syn::parse_quote!(let mut #counter: usize = #length;));
                    counters.push((name.clone(), counter.clone()));
                    let stmts = body.stmts.into_iter();
                    let more = quote!(#counter += 1;);
                    let stmts = stmts.map(|s| again(s, &name, &quote!(#counter), &more));
                    stmts.collect::<syn::Result<_>>()
                }
            }
            .map_err(|error| super::Refusal(Some(error)))?;
        }
        let around = self.growing.len();
        self.growing
            .extend(lists.iter().map(|list| list.name.to_string()));
        let whole = with_place(each, body, counted.then_some(at));
        for stmt in &before {
            if let Stmt::Local(local) = stmt {
                self.local(local, stmt)?;
            }
        }
        let done = self.for_loop(&whole, &Expr::ForLoop(whole.clone()));
        let names = self.growing.split_off(around);
        if done.is_err() {
            // What is wrong with a list has been said.
            for name in names {
                self.scope.assign(&name, Value::Poison, true);
            }
        }
        done?;
        for (name, counter) in counters {
            let known = self.scope.get(&name.to_string()).map(|b| b.value.clone());
            let taken = match known {
                Some(Value::Columns(all, columns)) => {
                    let count = self.integer(&columns.first_of(&syn::parse_quote!(#counter)))?;
                    let at = [self.graph.integer(0).id, count];
                    let taken = self.part_at(all, &Part::Columns, &at, expr)?;
                    Value::Columns(taken, columns)
                }
                _ => {
                    let taken: Expr = syn::parse_quote!(#name.rows(0, #counter));
                    Value::Slice(self.expr_node(&taken, &Kind::SCALAR)?)
                }
            };
            self.assign(&name, taken);
        }
        Ok(())
    }

    /// `list[i] = value` in place of `list.push(value)`, where the value is no number: what the list holds is known now.
    pub(super) fn reveal(&mut self, list: String, value: Id, columns: Columns) {
        let Some(Shape { rows, .. }) = self.graph.shape(value) else {
            return;
        };
        let sizes = match &rows {
            Dim::Dynamic(_) => self.names_of_size(value),
            _ => Vec::new(),
        };
        self.revealed.push(Revealed {
            list,
            columns,
            rows,
            sizes,
        });
    }

    /// Expressions that give the number of rows of a value, of the variables in scope.
    fn names_of_size(&self, value: Id) -> Vec<Expr> {
        // What is computed entry by entry is as long as what it is computed from.
        let (mut sizes, mut pending) = (Vec::new(), vec![value]);
        while let Some(id) = pending.pop() {
            if let Some(Shape { rows, .. }) = self.graph.shape(id)
                && !sizes.contains(&rows)
            {
                sizes.push(rows);
            }
            if let Op::Scalar(_) = self.graph.op(id) {
                pending.extend(self.graph.args(id).iter().copied());
            }
        }
        let mut found = Vec::new();
        for name in self.scope.names() {
            let Some(binding) = self.scope.get(&name) else {
                continue;
            };
            let ident = &binding.ident;
            match &binding.value {
                Value::Node(id) | Value::Slice(id) => {
                    let Some(shape) = self.graph.shape(*id) else {
                        continue;
                    };
                    if sizes.contains(&shape.rows) {
                        found.push(syn::parse_quote!(#ident.nrows()));
                    }
                    if sizes.contains(&shape.cols) {
                        found.push(syn::parse_quote!(#ident.ncols()));
                    }
                }
                Value::Inert(Inert {
                    leaf: Some(leaf), ..
                }) => {
                    let is_size = |dim: &Dim| self.graph.extent(dim) == Some(Size::Int(*leaf));
                    if sizes.iter().any(is_size) {
                        found.push(syn::parse_quote!(#ident));
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// What a list holds, as it is known before the loop.
    fn elements_of(
        &mut self,
        name: &Ident,
        mut found: Revealed,
        changing: &[String],
        bound: &[Ident],
    ) -> Lowered<Elements> {
        let columns = found.columns;
        if !matches!(found.rows, Dim::Dynamic(_)) {
            return Ok(Elements {
                rows: found.rows,
                columns,
                as_long_as: None,
            });
        }
        let root_of = |size: &Expr| match size {
            Expr::MethodCall(call) => call.receiver.to_token_stream().to_string(),
            name => name.to_token_stream().to_string(),
        };
        // Rather by what does not change in the loop.
        found
            .sizes
            .sort_by_key(|size| changing.contains(&root_of(size)));
        for size in &found.sizes {
            let root = root_of(size);
            if self.scope.get(&root).is_none() || bound.iter().any(|own| *own == root) {
                continue;
            }
            let rows = self.number_of(size)?;
            return Ok(Elements {
                rows,
                columns,
                as_long_as: Some(root),
            });
        }
        self.unknown_sizes(name)
    }

    fn unknown_sizes<T>(&mut self, name: &Ident) -> Lowered<T> {
        self.scope.assign(&name.to_string(), Value::Poison, true);
        refuse(
            name,
            format!(
                "how long the vectors in `{name}` are is not known before this loop\nhelp: begin with a list of its length, as in `let mut {name} = vec![DVector::zeros(m); n];`, and assign to `{name}[i]`"
            ),
        )
    }

    /// What gives the size of the elements may change in the loop, but not its size.
    fn check_sizes(&mut self, list: &Grown) -> Lowered<()> {
        let Some(Elements {
            rows,
            as_long_as: Some(root),
            ..
        }) = &list.elements
        else {
            return Ok(());
        };
        let shape = match self.scope.get(root).map(|b| &b.value) {
            Some(Value::Node(id) | Value::Slice(id)) => self.graph.shape(*id),
            _ => return Ok(()),
        };
        match shape {
            Some(shape) if shape.rows != *rows && shape.cols != *rows => {
                self.unknown_sizes(&list.name)
            }
            _ => Ok(()),
        }
    }

    /// How often a loop pushes to a list, if that is known before it begins.
    fn grown(&self, name: &Ident, body: &syn::Block, changing: &[String]) -> Option<Grown> {
        let direct = body.stmts.iter().filter(|stmt| is_push(stmt, name)).count();
        let mut all = Vec::new();
        pushes_to(body.to_token_stream(), name, &mut all);
        let leaves = crate::ty::mentions(body.to_token_stream(), &|ident| {
            *ident == "break" || *ident == "continue" || *ident == "return"
        }) || body.to_token_stream().to_string().contains('?');
        let always = (direct == all.len() && !leaves).then_some(direct);
        let most = most(&body.stmts, name, changing, self)?;
        Some(Grown {
            name: name.clone(),
            most,
            always,
            elements: None,
        })
    }

    /// Gives a list room for what a loop pushes. Comes back with its length before.
    fn make_room(&mut self, grown: &Grown, count: &Expr, at: &Expr) -> Lowered<Expr> {
        let name = &grown.name;
        let known = self.scope.get(&name.to_string()).map(|b| b.value.clone());
        // What is in it already, and how many rows and columns each takes.
        let (elements, old) = match known {
            Some(Value::List(entries)) if entries.is_empty() => {
                (grown.elements.clone(), Vec::new())
            }
            Some(Value::List(entries)) => match self.elements_in(&entries) {
                Some((elements, entries)) => (Some(elements), entries),
                None => (None, vec![self.column_of_list(entries, at)?]),
            },
            Some(Value::Slice(id)) => (None, vec![id]),
            Some(Value::Columns(id, columns)) => {
                let rows = self.graph.shape(id).map(|s| s.rows);
                let rows = rows.unwrap_or(Dim::Static(1));
                (
                    Some(Elements {
                        rows,
                        columns,
                        as_long_as: None,
                    }),
                    vec![id],
                )
            }
            _ => return Err(super::Refusal(None)),
        };
        let most = &grown.most;
        let times: Expr = match quote!(#most).to_string().as_str() {
            "1" => count.clone(),
            _ => syn::parse_quote!((#most) * (#count)),
        };
        let extent = |lower: &Self, id: Id| {
            let shape = lower.graph.shape(id)?;
            Some(match elements {
                Some(_) => shape.cols,
                None => shape.rows,
            })
        };
        let width = elements.as_ref().map_or(1, |e| e.columns.width());
        let mut before = Some(0);
        for id in &old {
            before = match (before, extent(self, *id)) {
                (Some(before), Some(Dim::Static(more))) => Some(before + more / width),
                _ => None,
            };
        }
        let length: Expr = match before {
            Some(before) => {
                let before = Literal::usize_unsuffixed(before);
                syn::parse_quote!(#before)
            }
            None => {
                // It is read before there is room for more.
                let length = self.fresh(&format!("{name}_start"));
                let stmt: syn::Stmt = syn::parse_quote!(let #length = #name.len(););
                if let Stmt::Local(local) = &stmt {
                    self.local(local, &stmt)?;
                }
                syn::parse_quote!(#length)
            }
        };
        let total: Expr = match before {
            Some(0) => times,
            _ => syn::parse_quote!(#length + #times),
        };
        let shape = match &elements {
            None => Shape::new(self.number_of(&total)?, Dim::Static(1)),
            Some(elements) => {
                let columns = self.number_of(&elements.columns.first_of(&total))?;
                Shape::new(elements.rows.clone(), columns)
            }
        };
        let zero = self.graph.constant(0.0);
        let room = self.exact_of(Op::Fill, vec![zero], Kind::matrix(shape), at)?;
        let room = match &elements {
            None => Value::Slice(room),
            Some(elements) => Value::Columns(room, elements.columns),
        };
        self.assign(name, room);
        let whole = Lent {
            name: name.clone(),
            path: Vec::new(),
        };
        let mut first = 0;
        for id in old {
            let start = self.graph.integer(first).id;
            let count = match extent(self, id) {
                Some(Dim::Static(0)) => continue,
                Some(Dim::Static(count)) => {
                    first += count;
                    Some(Dim::Static(count))
                }
                _ => None,
            };
            let (part, at_start) = match (&elements, count) {
                (None, Some(count)) => (Part::FixedRows(count), vec![start]),
                (None, None) => (Part::Rows, vec![start, self.integer(&length)?]),
                (Some(_), Some(Dim::Static(1))) => (Part::Column, vec![start]),
                (Some(_), Some(count)) => (Part::FixedColumns(count), vec![start]),
                (Some(elements), None) => {
                    let count = self.integer(&elements.columns.first_of(&length))?;
                    (Part::Columns, vec![start, count])
                }
            };
            self.put(&whole.part(part, at_start), id, at)?;
        }
        Ok(length)
    }

    /// The vectors, matrices or lists in a list, as columns; `None` if it is a list of something else.
    fn elements_in(&self, entries: &[Value]) -> Option<(Elements, Vec<Id>)> {
        let mut ids = Vec::new();
        let mut found: Option<Elements> = None;
        for entry in entries {
            let (id, shape, columns) = match entry {
                Value::Node(id) => {
                    let shape = self.graph.shape(*id)?;
                    let Dim::Static(width) = shape.cols else {
                        return None;
                    };
                    (*id, shape, Columns::Matrices(width))
                }
                Value::Slice(id) => (*id, self.graph.shape(*id)?, Columns::Lists),
                _ => return None,
            };
            let rows = shape.rows;
            match &found {
                Some(known) if known.columns != columns || known.rows != rows => return None,
                Some(_) => {}
                None => {
                    found = Some(Elements {
                        rows,
                        columns,
                        as_long_as: None,
                    });
                }
            }
            ids.push(id);
        }
        Some((found?, ids))
    }
}

/// The index of a loop that counts, and the number from which it does.
fn counted_from(each: &syn::ExprForLoop) -> Option<(&Ident, usize)> {
    // An index that is converted may be an integer of another type.
    if crate::ty::mentions(each.body.to_token_stream(), &|word| {
        *word == "from" || *word == "into"
    }) {
        return None;
    }
    match (&*each.expr, &*each.pat) {
        (Expr::Range(range), syn::Pat::Ident(index)) => match range.start.as_deref()? {
            Expr::Lit(syn::ExprLit {
                lit: syn::Lit::Int(start),
                ..
            }) if matches!(start.suffix(), "" | "usize") => {
                Some((&index.ident, start.base10_parse().ok()?))
            }
            _ => None,
        },
        _ => None,
    }
}

/// Where the first of `most` entries goes that an iteration pushes to a list of this length.
fn first_place(length: &Expr, most: usize, at: &Ident, begin: usize) -> TokenStream {
    let known = match length {
        Expr::Lit(syn::ExprLit {
            lit: syn::Lit::Int(length),
            ..
        }) => length.base10_parse::<usize>().ok(),
        _ => None,
    };
    let begin_of = Literal::usize_unsuffixed(begin);
    match (most, known) {
        (1, Some(length)) if length == begin => quote!(#at),
        (1, Some(length)) if length > begin => {
            let more = Literal::usize_unsuffixed(length - begin);
            quote!(#more + #at)
        }
        (1, Some(length)) => {
            let less = Literal::usize_unsuffixed(begin - length);
            quote!(#at - #less)
        }
        (1, None) if begin == 0 => quote!(#length + #at),
        (1, None) => quote!(#length + (#at - #begin_of)),
        (_, Some(0)) if begin == 0 => quote!(#most * #at),
        (_, _) if begin == 0 => quote!(#length + #most * #at),
        _ => quote!(#length + #most * (#at - #begin_of)),
    }
}

/// The loop with the number of the iteration as a name, if that is wanted.
fn with_place(each: &syn::ExprForLoop, body: syn::Block, at: Option<&Ident>) -> syn::ExprForLoop {
    let mut whole = each.clone();
    whole.body = body;
    let Some(at) = at.filter(|at| counted_from(each).is_none_or(|(index, _)| index != *at)) else {
        return whole;
    };
    let from_zero = |range: &syn::ExprRange| {
        let start = range.start.to_token_stream();
        start.to_string() == "0"
    };
    let iterator: Expr = match (&*each.expr, &*each.pat) {
        (Expr::Range(range), syn::Pat::Wild(_)) if from_zero(range) => {
            *whole.pat = syn::parse_quote!(#at);
            return whole;
        }
        (Expr::Reference(of), _) => {
            let of = &of.expr;
            syn::parse_quote!(#of.iter())
        }
        (of @ Expr::Path(_), _) => syn::parse_quote!(#of.iter()),
        (other, _) => syn::parse_quote!((#other)),
    };
    let pattern = &each.pat;
    *whole.pat = syn::parse_quote!((#at, #pattern));
    *whole.expr = syn::parse_quote!(#iterator.enumerate());
    whole
}

/// Whether evaluating an iterator or an index twice makes no difference, as far as it can be seen.
pub(super) fn is_repeatable(expr: &Expr) -> bool {
    const QUESTIONS: &[&str] = &[
        "len",
        "nrows",
        "ncols",
        "iter",
        "iter_mut",
        "into_iter",
        "zip",
        "enumerate",
        "rev",
        "take",
        "skip",
        "step_by",
        "chain",
        "windows",
        "chunks",
        "chunks_exact",
        "column_iter",
        "row_iter",
        "column_iter_mut",
        "row_iter_mut",
        "map",
        "filter",
        "filter_map",
        "take_while",
        "map_while",
        "skip_while",
        "scan",
        "inspect",
        "flat_map",
        "flatten",
        "peekable",
        "fuse",
        "cycle",
        "copied",
        "cloned",
        "as_slice",
        "column",
        "row",
        "min",
        "max",
        "saturating_sub",
    ];
    match expr {
        Expr::Lit(_) | Expr::Path(_) | Expr::Closure(_) => true,
        Expr::Paren(inner) => is_repeatable(&inner.expr),
        Expr::Group(inner) => is_repeatable(&inner.expr),
        Expr::Reference(inner) => is_repeatable(&inner.expr),
        Expr::Unary(inner) => is_repeatable(&inner.expr),
        Expr::Cast(inner) => is_repeatable(&inner.expr),
        Expr::Field(inner) => is_repeatable(&inner.base),
        Expr::Index(inner) => is_repeatable(&inner.expr) && is_repeatable(&inner.index),
        Expr::Binary(inner) => is_repeatable(&inner.left) && is_repeatable(&inner.right),
        Expr::Array(inner) => inner.elems.iter().all(is_repeatable),
        Expr::Tuple(inner) => inner.elems.iter().all(is_repeatable),
        Expr::Range(range) => [&range.start, &range.end]
            .into_iter()
            .flatten()
            .all(|end| is_repeatable(end)),
        Expr::MethodCall(call) => {
            QUESTIONS.contains(&call.method.to_string().as_str())
                && is_repeatable(&call.receiver)
                && call.args.iter().all(is_repeatable)
        }
        Expr::Call(call) => {
            let of_usize = matches!(&*call.func, Expr::Path(path) if path.path.segments.iter().any(|s| s.ident == "usize"));
            let of_iter = super::adaptors::of_iter(call).is_some();
            (of_usize || of_iter) && call.args.iter().all(is_repeatable)
        }
        _ => false,
    }
}

/// How often statements push to a list at most.
fn most(stmts: &[Stmt], name: &Ident, changing: &[String], lower: &Lower) -> Option<Expr> {
    let mut tokens = TokenStream::new();
    let mut terms: Vec<Expr> = Vec::new();
    for stmt in stmts {
        match stmt {
            Stmt::Expr(Expr::ForLoop(inner), _) => {
                let mut found = Vec::new();
                pushes_to(inner.body.to_token_stream(), name, &mut found);
                if found.is_empty() {
                    continue;
                }
                let index: Expr = syn::parse_quote!(k);
                let count = lower.gone_through(&inner.expr, &index)?.least();
                // It is the same in every iteration.
                if changing.iter().any(|other| contains(quote!(#count), other)) {
                    return None;
                }
                let times = most(&inner.body.stmts, name, changing, lower)?;
                terms.push(match quote!(#times).to_string().as_str() {
                    "1" => count,
                    _ => syn::parse_quote!((#times) * (#count)),
                });
            }
            stmt => stmt.to_tokens(&mut tokens),
        }
    }
    let mut found = Vec::new();
    pushes_to(tokens.clone(), name, &mut found);
    // Loops inside of other statements are not counted.
    let loops = |ident: &Ident| *ident == "for" || *ident == "while" || *ident == "loop";
    if !found.is_empty() {
        if crate::ty::mentions(tokens, &loops) {
            return None;
        }
        let times = Literal::usize_unsuffixed(found.len());
        terms.push(syn::parse_quote!(#times));
    }
    terms.into_iter().reduce(|a, b| syn::parse_quote!(#a + #b))
}

/// `v.push(x);`
fn is_push(stmt: &Stmt, name: &Ident) -> bool {
    let Stmt::Expr(Expr::MethodCall(call), Some(_)) = stmt else {
        return false;
    };
    let mut inside = Vec::new();
    pushes_to(call.args.to_token_stream(), name, &mut inside);
    call.method == "push"
        && matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident(name))
        && inside.is_empty()
}

/// What is pushed to: `v` of `v.push(x)`.
fn pushes(tokens: TokenStream, names: &mut Vec<Ident>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(name) if pushed_at(&trees, i).is_some() && !names.contains(name) => {
                names.push(name.clone());
            }
            TokenTree::Group(group) => pushes(group.stream(), names),
            _ => {}
        }
    }
}

fn pushes_to(tokens: TokenStream, name: &Ident, found: &mut Vec<()>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) if ident == name && pushed_at(&trees, i).is_some() => {
                found.push(());
            }
            TokenTree::Group(group) => pushes_to(group.stream(), name, found),
            _ => {}
        }
    }
}

/// What is pushed, if this is `v.push(…)` as a statement.
fn pushed_at(trees: &[TokenTree], i: usize) -> Option<&Group> {
    let is =
        |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let field = i > 0 && is(i - 1, '.') && !(i > 1 && is(i - 2, '.'));
    if field || !is(i + 1, '.') {
        return None;
    }
    match (trees.get(i + 2)?, trees.get(i + 3)?) {
        (TokenTree::Ident(method), TokenTree::Group(group))
            if *method == "push" && group.delimiter() == Delimiter::Parenthesis =>
        {
            Some(group)
        }
        _ => None,
    }
}

/// The same statement, in which the list is `v[..at]`, and `v.push(x)` assigns to `v[at]`.
fn again(stmt: Stmt, name: &Ident, at: &TokenStream, more: &TokenStream) -> syn::Result<Stmt> {
    let tokens = rewritten(stmt.to_token_stream(), name, at, more);
    let block: syn::Block = syn::parse2(quote!({ #tokens }))?;
    let mut stmts = block.stmts;
    Ok(match stmts.len() {
        1 => stmts.remove(0),
        // What follows an assignment is counted with it.
        _ => Stmt::Expr(
            Expr::Block(syn::ExprBlock {
                attrs: Vec::new(),
                label: None,
                block: syn::Block {
                    brace_token: block.brace_token,
                    stmts,
                },
            }),
            None,
        ),
    })
}

fn rewritten(
    tokens: TokenStream,
    name: &Ident,
    at: &TokenStream,
    more: &TokenStream,
) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is =
        |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let called = |i: usize| match (trees.get(i + 2), trees.get(i + 3)) {
        (Some(TokenTree::Ident(method)), Some(TokenTree::Group(group)))
            if is(i + 1, '.') && group.stream().is_empty() =>
        {
            method.to_string()
        }
        _ => String::new(),
    };
    let mut out = TokenStream::new();
    let mut i = 0;
    while i < trees.len() {
        let mut taken = 1;
        match &trees[i] {
            TokenTree::Ident(ident)
                if ident == name && (i == 0 || !is(i - 1, '.') || i > 1 && is(i - 2, '.')) =>
            {
                if let Some(group) = pushed_at(&trees, i) {
                    let value = rewritten(group.stream(), name, at, more);
                    taken = 4;
                    let statement = is(i + 4, ';');
                    taken += usize::from(statement);
                    // Whole as long as it stands among statements.
                    match more.is_empty() {
                        true => out.extend(quote!(#ident[#at] = #value;)),
                        false => out.extend(quote!(#ident[#at] = #value; #more)),
                    }
                } else if called(i) == "len" {
                    out.extend(quote!((#at)));
                    taken = 4;
                } else if called(i) == "is_empty" {
                    out.extend(quote!((#at == 0)));
                    taken = 4;
                } else {
                    out.extend(quote!(#ident[..#at]));
                }
            }
            TokenTree::Group(group) => {
                let inner = rewritten(group.stream(), name, at, more);
                let mut new = Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            other => out.extend([other.clone()]),
        }
        i += taken;
    }
    out
}
