//! Lists that grow in a loop: how often it pushes is known before, so that the list has room for all from the beginning,
//! and what is in it already are its first entries.

use super::assigned::assigned;
use super::loops::bound_in;
use super::statements::pattern_names;
use super::{Lower, Lowered, refuse};
use crate::graph::{Dim, Id, Kind, Shape};
use crate::rules::{Op, Part};
use crate::scope::{Lent, Value, captured, contains};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Stmt};

/// A list that a loop pushes to.
struct Grown {
    name: Ident,
    /// How often it pushes in an iteration, at most.
    most: Expr,
    /// Whether it pushes as often in every iteration: only statements of the body itself do.
    always: Option<usize>,
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
        let mut entries = match &known {
            Value::List(entries) => entries.clone(),
            known => match self.entries_of(known, expr)? {
                Some(entries) => entries,
                None => {
                    let grown = Grown {
                        name: name.clone(),
                        most: syn::parse_quote!(1),
                        always: Some(1),
                    };
                    let new = self.expr_node(value, &Kind::SCALAR)?;
                    let length = self.make_room(&grown, &syn::parse_quote!(1), expr)?;
                    let place: Expr = syn::parse_quote!(#name[#length]);
                    let place = self.place_of(&place)?;
                    self.same_kind(new, &Kind::SCALAR, value)?;
                    return self.put(&place, new, expr).map(|()| Value::Unit);
                }
            },
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
            matches!(known, Some(Value::List(_) | Value::Slice(_)))
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
        let at = match index_from_zero(each) {
            Some(index) if !declared.contains(index) => index.clone(),
            _ => self.fresh("k"),
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
        // What is left out does not count.
        let some = items.condition.is_some();
        let count = items.least();
        if !is_repeatable(&each.expr) {
            return refuse(
                &each.expr,
                "what this loop goes through would be asked for its length, and made once more for that\nhelp: bind it with `let` before the loop",
            );
        }
        let mut body = each.body.clone();
        let (mut before, mut lists): (Vec<Stmt>, Vec<(Ident, Ident)>) = (Vec::new(), Vec::new());
        let mut counted = false;
        let grown_names: Vec<String> = names.iter().map(Ident::to_string).collect();
        for name in names {
            let grown = match self.grown(&name, &each.body, &changing) {
                Some(grown) => grown,
                None => return refuse(&name, unknown(&name)),
            };
            let length = self.make_room(&grown, &count, expr)?;
            body.stmts = match grown.always.filter(|_| !some) {
                Some(most) => {
                    counted = true;
                    let first: TokenStream =
                        match (most, length.to_token_stream().to_string().as_str()) {
                            (1, "0") => quote!(#at),
                            (1, _) => quote!(#length + #at),
                            (_, "0") => quote!(#most * #at),
                            _ => quote!(#length + #most * #at),
                        };
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
                    lists.push((name.clone(), counter.clone()));
                    let stmts = body.stmts.into_iter();
                    let more = quote!(#counter += 1;);
                    let stmts = stmts.map(|s| again(s, &name, &quote!(#counter), &more));
                    stmts.collect::<syn::Result<_>>()
                }
            }
            .map_err(|error| super::Refusal(Some(error)))?;
        }
        let around = self.growing.len();
        self.growing.extend(grown_names);
        let whole = self.with_place(each, body, counted.then_some(&at));
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
        for (name, counter) in lists {
            let taken: Expr = syn::parse_quote!(#name.rows(0, #counter));
            let taken = self.expr_node(&taken, &Kind::SCALAR)?;
            self.assign(&name, Value::Slice(taken));
        }
        Ok(Some(Value::Unit))
    }

    /// The loop with the number of the iteration as a name, if that is wanted.
    fn with_place(
        &self,
        each: &syn::ExprForLoop,
        body: syn::Block,
        at: Option<&Ident>,
    ) -> syn::ExprForLoop {
        let mut whole = each.clone();
        whole.body = body;
        let Some(at) = at.filter(|at| index_from_zero(each) != Some(*at)) else {
            return whole;
        };
        let iterator: Expr = match &*each.expr {
            Expr::Reference(of) => {
                let of = &of.expr;
                syn::parse_quote!(#of.iter())
            }
            of @ Expr::Path(_) => syn::parse_quote!(#of.iter()),
            other => syn::parse_quote!((#other)),
        };
        let pattern = &each.pat;
        *whole.pat = syn::parse_quote!((#at, #pattern));
        *whole.expr = syn::parse_quote!(#iterator.enumerate());
        whole
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
        })
    }

    /// Gives a list room for what a loop pushes. Comes back with its length before.
    fn make_room(&mut self, grown: &Grown, count: &Expr, at: &Expr) -> Lowered<Expr> {
        let name = &grown.name;
        let known = self.scope.get(&name.to_string()).map(|b| b.value.clone());
        let known = match known {
            Some(Value::List(entries)) if entries.is_empty() => None,
            Some(Value::List(entries)) => Some(self.column_of_list(entries, at)?),
            Some(Value::Slice(id)) => Some(id),
            _ => return Err(super::Refusal(None)),
        };
        let most = &grown.most;
        let times: Expr = match quote!(#most).to_string().as_str() {
            "1" => count.clone(),
            _ => syn::parse_quote!((#most) * (#count)),
        };
        let rows = known.and_then(|id| self.graph.shape(id)).map(|s| s.rows);
        let length: Expr = match &rows {
            None => syn::parse_quote!(0),
            Some(Dim::Static(n)) => {
                let n = proc_macro2::Literal::usize_unsuffixed(*n);
                syn::parse_quote!(#n)
            }
            Some(_) => {
                // It is read before there is room for more.
                let length = self.fresh(&format!("{name}_start"));
                let stmt: syn::Stmt = syn::parse_quote!(let #length = #name.len(););
                if let Stmt::Local(local) = &stmt {
                    self.local(local, &stmt)?;
                }
                syn::parse_quote!(#length)
            }
        };
        let total: Expr = match known {
            None => times,
            Some(_) => syn::parse_quote!(#length + #times),
        };
        let rows = self.number_of(&total)?;
        let kind = Kind::matrix(Shape::new(rows, Dim::Static(1)));
        let zero = self.graph.constant(0.0);
        let room = self.exact_of(Op::Fill, vec![zero], kind, at)?;
        self.assign(name, Value::Slice(room));
        if let Some(old) = known {
            self.put_first(name, old, &length, at)?;
        }
        Ok(length)
    }

    /// The first entries of a list.
    fn put_first(&mut self, name: &Ident, old: Id, length: &Expr, at: &Expr) -> Lowered<()> {
        let start = self.graph.integer(0).id;
        let whole = Lent {
            name: name.clone(),
            path: Vec::new(),
        };
        let first = match self.graph.shape(old).map(|s| s.rows) {
            Some(count @ Dim::Static(_)) => whole.part(Part::FixedRows(count), vec![start]),
            _ => {
                let count = self.integer(length)?;
                whole.part(Part::Rows, vec![start, count])
            }
        };
        self.put(&first, old, at)
    }
}

/// The index of a loop that counts from zero.
fn index_from_zero(each: &syn::ExprForLoop) -> Option<&Ident> {
    match (&*each.expr, &*each.pat) {
        (Expr::Range(range), syn::Pat::Ident(index)) => {
            let start = range.start.as_ref()?;
            (quote!(#start).to_string() == "0").then_some(&index.ident)
        }
        _ => None,
    }
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
            of_usize && call.args.iter().all(is_repeatable)
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
        let times = proc_macro2::Literal::usize_unsuffixed(found.len());
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
