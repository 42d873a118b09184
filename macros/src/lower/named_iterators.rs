//! Iterators that are bound to names: where such a name is read, the iterator itself stands in its place, without the items
//! that have been taken from it before.

use super::assigned::assigned;
use super::loops::bound_in;
use super::{Lower, Lowered, Refusal, refuse};
use crate::scope::{Binding, Value, captured, contains, is_variable, rename, variables};
use proc_macro2::{Delimiter, Group, Ident, Literal, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::rc::Rc;
use syn::ext::IdentExt;
use syn::{Expr, Pat, Stmt};

/// What a name stands for that is bound to an iterator.
#[derive(Clone)]
pub struct NamedIterator {
    name: Ident,
    source: TokenStream,
    /// How many items have been taken from it, and from behind.
    taken: usize,
    taken_behind: usize,
    /// The variable that counts those that are taken in loops and branches.
    counter: Option<Ident>,
    /// Why no single items can be taken from it.
    is_whole: Option<&'static str>,
}

impl std::fmt::Debug for NamedIterator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source.to_string())
    }
}

const LEAVES_OUT: &str = "single items cannot be taken from an iterator that leaves some out, or goes along with a state\nhelp: `collect` it before, and go through the list";
const ACTS: &str = "it cannot be seen how often what happens in this iterator does, if single items are taken from it\nhelp: `collect` it before, and go through the list";
const OTHERWISE: &str = "this takes items from an iterator with a name in a way that cannot be followed\nhelp: take them with `next()`, go through the rest with `for`, or `collect` it and count";

impl NamedIterator {
    /// The items that are left.
    fn rest(&self) -> TokenStream {
        let mut rest = self.source.clone();
        let taken = Literal::usize_unsuffixed(self.taken);
        match (&self.counter, self.taken) {
            (None, 0) => {}
            (None, _) => rest = quote!(#rest.skip(#taken)),
            (Some(counter), 0) => rest = quote!(#rest.skip(#counter)),
            (Some(counter), _) => rest = quote!(#rest.skip(#counter + #taken)),
        }
        if self.taken_behind > 0 {
            let behind = Literal::usize_unsuffixed(self.taken_behind);
            rest = quote!(#rest.rev().skip(#behind).rev());
        }
        rest
    }
}

/// A method that takes items from an iterator.
enum Taking {
    Next,
    NextBack,
    Nth(TokenStream),
    Peek,
    /// `by_ref().take(n)`
    First(usize),
}

impl Lower<'_> {
    /// `let it = x.iter().map(…);`, with the statements that may read the name.
    pub(super) fn iterator_local(&mut self, stmt: &Stmt, rest: &[Stmt]) -> Lowered<bool> {
        let Stmt::Local(local) = stmt else {
            return Ok(false);
        };
        let (Pat::Ident(pat), Some(init)) = (&local.pat, &local.init) else {
            return Ok(false);
        };
        let iterator = &*init.expr;
        let written = matches!(
            iterator,
            Expr::MethodCall(_) | Expr::Range(_) | Expr::Call(_)
        );
        if !written
            || init.diverge.is_some()
            || pat.subpat.is_some()
            || self.closures > 0
            || self.is_inert(iterator)
        {
            return Ok(false);
        }
        let place: Expr = syn::parse_quote!(i);
        if self.items(iterator, &place).is_none() {
            return Ok(false);
        }
        let tokens = iterator.to_token_stream();
        if crate::ty::mentions(tokens.clone(), &|word| {
            word.to_string().ends_with("iter_mut")
        }) {
            return refuse(
                iterator,
                "an iterator that changes what it goes through is not bound to a name yet\nhelp: write it where it is gone through, as in `for v in x.iter_mut() { … }`",
            );
        }
        let mut later = TokenStream::new();
        rest.iter().for_each(|stmt| stmt.to_tokens(&mut later));
        let (mut block, held) = match self.made_before(iterator, quote!(#iterator; #later), true)? {
            Some(made) => made,
            None => (syn::parse_quote!({}), iterator.clone()),
        };
        let mut held = held.to_token_stream();
        if let Expr::Range(_) = iterator {
            held = quote!((#held));
        }
        // What its closures read stays what it is now.
        let mut hidden = Vec::new();
        bound_in(later.clone(), &mut hidden);
        let mut hidden: Vec<String> = hidden.iter().map(|name| name.unraw().to_string()).collect();
        hidden.extend(assigned(later.clone()));
        let own = assigned(held.clone());
        let (mut read, mut texts, mut new) = (Vec::new(), Vec::new(), Vec::new());
        variables(held.clone(), &mut read);
        captured(held.clone(), &mut texts);
        let moves = crate::ty::mentions(held.clone(), &|word| word == "move");
        for name in read {
            let Some(known) = self.scope.get(&name).cloned() else {
                continue;
            };
            if !hidden.contains(&name) || new.iter().any(|(old, _)| *old == name) {
                continue;
            }
            if own.contains(&name) || texts.contains(&name) {
                return refuse(
                    iterator,
                    format!(
                        "this iterator reads `{name}`, and what that stands for changes before it is gone through\nhelp: write the iterator where it is gone through"
                    ),
                );
            }
            let alias = self.fresh(&name);
            match &known.value {
                // A copy of its own.
                Value::Inert(inert) if inert.mutable && moves => {
                    let old = &known.ident;
                    block.stmts.push(syn::parse_quote!(let #alias = #old;));
                }
                _ => self.scope.bind(Binding {
                    ident: alias.clone(),
                    ..known
                }),
            }
            new.push((name, alias));
        }
        for stmt in &block.stmts {
            if let Stmt::Local(local) = stmt {
                self.local(local, stmt)?;
            }
        }
        let source = rename(held, &|ident| {
            let known = new.iter().find(|(name, _)| ident == name);
            known.map(|(_, alias)| alias.to_token_stream())
        });
        let whole: Expr = syn::parse2(source.clone()).map_err(|e| Refusal(Some(e)))?;
        let Some(items) = self.items(&whole, &place) else {
            return Ok(false);
        };
        let is_whole = if !items.is_plain() {
            Some(LEAVES_OUT)
        } else if self.acts(&items.item) {
            Some(ACTS)
        } else {
            None
        };
        // What is taken on one side of a branch, or in a loop, is counted.
        let name = pat.ident.unraw().to_string();
        let counts = rest.iter().any(|stmt| {
            let mut found = false;
            takes(stmt.to_token_stream(), &name, &mut found);
            found && !is_once(stmt, &name)
        });
        let counter = (counts && is_whole.is_none()).then(|| self.fresh(&format!("{name}_at")));
        if let Some(counter) = &counter {
            let stmt: Stmt = syn::parse_quote!(let mut #counter: usize = 0;);
            if let Stmt::Local(local) = &stmt {
                self.local(local, &stmt)?;
            }
        }
        self.has_named_iterators = true;
        let iterator = NamedIterator {
            name: pat.ident.clone(),
            source,
            taken: 0,
            taken_behind: 0,
            counter,
            is_whole,
        };
        self.scope.bind(Binding::active(
            pat.ident.clone(),
            Value::Iterator(Rc::new(iterator)),
        ));
        Ok(true)
    }

    /// A statement with the iterators in place of their names.
    pub(super) fn with_iterators(&mut self, stmt: &Stmt) -> Lowered<Option<Stmt>> {
        if !self.has_named_iterators {
            return Ok(None);
        }
        let mut whole: Option<Stmt> = None;
        let mut names = Vec::new();
        variables(stmt.to_token_stream(), &mut names);
        names.sort();
        names.dedup();
        for name in names {
            let Some(Value::Iterator(known)) = self.scope.get(&name).map(|b| &b.value) else {
                continue;
            };
            let mut iterator = (**known).clone();
            let stmt = whole.as_ref().unwrap_or(stmt);
            let mut bound = Vec::new();
            bound_in(stmt.to_token_stream(), &mut bound);
            let declares = match stmt {
                Stmt::Local(local) => {
                    let mut own = Vec::new();
                    super::pattern_names(&local.pat, &mut own);
                    own.iter().any(|own| *own == name)
                }
                _ => false,
            };
            if bound.iter().filter(|own| **own == name).count() > usize::from(declares) {
                return refuse(
                    stmt,
                    format!(
                        "`{name}` is an iterator, and the name of another variable here\nhelp: give that another name"
                    ),
                );
            }
            let once = is_once(stmt, &name);
            let stmt = self.without_peeking(stmt, &name)?;
            let tokens = match &stmt {
                Stmt::Local(local) => {
                    let (attrs, pat, init) = (&local.attrs, &local.pat, local.init.as_ref());
                    let value = init.map(|init| {
                        let value = init.expr.to_token_stream();
                        self.read_again(value, &mut iterator, once)
                    });
                    let value = value.transpose()?;
                    let diverge = init.and_then(|init| init.diverge.as_ref());
                    let diverge = diverge.map(|(_, diverge)| {
                        let diverge = diverge.to_token_stream();
                        self.read_again(diverge, &mut iterator, once)
                    });
                    let diverge = diverge.transpose()?.map(|diverge| quote!(else #diverge));
                    quote!(#(#attrs)* let #pat = #value #diverge;)
                }
                stmt => self.read_again(stmt.to_token_stream(), &mut iterator, once)?,
            };
            self.scope
                .replace(&name, Value::Iterator(Rc::new(iterator)));
            whole = Some(one_statement(tokens)?);
        }
        Ok(whole)
    }

    /// `while let Some(v) = it.next() { … }` as `for v in it { … }`, where the body takes nothing more.
    fn without_peeking(&self, stmt: &Stmt, name: &str) -> Lowered<Stmt> {
        let Stmt::Expr(Expr::While(each), semi) = stmt else {
            return Ok(stmt.clone());
        };
        let Expr::Let(cond) = &*each.cond else {
            return Ok(stmt.clone());
        };
        let next = match &*cond.expr {
            Expr::MethodCall(call) => {
                call.method == "next"
                    && matches!(&*call.receiver, Expr::Path(path) if path.path.is_ident(name))
            }
            _ => false,
        };
        let pattern = match &*cond.pat {
            Pat::TupleStruct(some) if some.path.is_ident("Some") && some.elems.len() == 1 => {
                some.elems.first()
            }
            _ => None,
        };
        let (true, Some(pattern)) = (next, pattern) else {
            return Ok(stmt.clone());
        };
        let again = contains(each.body.to_token_stream(), name)
            || crate::scope::leaves_loop(&each.body.to_token_stream()).is_some();
        if again || !super::matching::is_irrefutable(pattern) {
            return Ok(stmt.clone());
        }
        let (label, it, body) = (&each.label, &cond.expr, &each.body);
        let Expr::MethodCall(it) = &**it else {
            return Ok(stmt.clone());
        };
        let it = &it.receiver;
        let whole: Expr = syn::parse_quote!(#label for #pattern in #it.by_ref() #body);
        Ok(Stmt::Expr(whole, *semi))
    }

    /// Tokens with the iterator in place of its name; items that are taken are counted.
    fn read_again(
        &mut self,
        tokens: TokenStream,
        iterator: &mut NamedIterator,
        once: bool,
    ) -> Lowered<TokenStream> {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let mut out = TokenStream::new();
        let mut i = 0;
        while i < trees.len() {
            let mut read = 1;
            match &trees[i] {
                TokenTree::Ident(ident)
                    if iterator.name == ident.unraw() && is_variable(&trees, i) =>
                {
                    let rest = iterator.rest();
                    match taking(&trees, i)? {
                        None => out.extend(rest),
                        Some((taking, length)) => {
                            read = length;
                            if let Some(why) = iterator.is_whole {
                                return refuse(&trees[i + 2], why);
                            }
                            let plain = match &taking {
                                Taking::Nth(at) => at.to_string().parse::<usize>().ok(),
                                _ => Some(0),
                            };
                            out.extend(match (taking, plain) {
                                (Taking::Peek, _) => quote!(#rest.next()),
                                (Taking::First(count), _) if once => {
                                    iterator.taken += count;
                                    let count = Literal::usize_unsuffixed(count);
                                    quote!(#rest.take(#count))
                                }
                                (Taking::NextBack, _) if once => {
                                    iterator.taken_behind += 1;
                                    quote!(#rest.rev().next())
                                }
                                (Taking::Next | Taking::Nth(_), Some(at)) if once => {
                                    iterator.taken += at + 1;
                                    match at {
                                        0 => quote!(#rest.next()),
                                        at => {
                                            let at = Literal::usize_unsuffixed(at);
                                            quote!(#rest.nth(#at))
                                        }
                                    }
                                }
                                (taking @ (Taking::Next | Taking::Nth(_)), _)
                                    if iterator.counter.is_some() =>
                                {
                                    let counter = iterator.counter.clone();
                                    let number = self.fresh("number");
                                    let more = match taking {
                                        Taking::Nth(at) => {
                                            let at = self.read_again(at, iterator, false)?;
                                            Some(quote!(+ (#at)))
                                        }
                                        _ => None,
                                    };
                                    let source = &iterator.source;
                                    let mut whole = NamedIterator {
                                        source: source.clone(),
                                        counter: None,
                                        ..iterator.clone()
                                    };
                                    // Those before it are counted as well.
                                    whole.taken_behind = iterator.taken_behind;
                                    let whole = whole.rest();
                                    quote!({
                                        let #number: usize = #counter #more;
                                        #counter = #number + 1;
                                        #whole.nth(#number)
                                    })
                                }
                                _ => return refuse(&trees[i + 2], OTHERWISE),
                            });
                        }
                    }
                }
                TokenTree::Group(group) => {
                    let inner = self.read_again(group.stream(), iterator, once)?;
                    let mut new = Group::new(group.delimiter(), inner);
                    new.set_span(group.span());
                    out.extend([TokenTree::Group(new)]);
                }
                tree => out.extend([tree.clone()]),
            }
            i += read;
        }
        Ok(out)
    }
}

/// What is taken from an iterator whose name stands here, and how many tokens tell it.
fn taking(trees: &[TokenTree], i: usize) -> Lowered<Option<(Taking, usize)>> {
    let dot = |at: usize| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == '.');
    let called = |at: usize| match (trees.get(at), trees.get(at + 1)) {
        (Some(TokenTree::Ident(method)), Some(TokenTree::Group(group)))
            if group.delimiter() == Delimiter::Parenthesis =>
        {
            Some((method.to_string(), group.stream()))
        }
        _ => None,
    };
    if !dot(i + 1) {
        return Ok(None);
    }
    let Some((method, arguments)) = called(i + 2) else {
        return Ok(None);
    };
    Ok(match method.as_str() {
        "next" => Some((Taking::Next, 4)),
        "next_back" => Some((Taking::NextBack, 4)),
        "nth" => Some((Taking::Nth(arguments), 4)),
        "peek" => Some((Taking::Peek, 4)),
        "by_ref" => {
            // All that is left: a loop that is not left goes through it.
            let ends = matches!(trees.get(i + 4), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace);
            if ends {
                return Ok(Some((Taking::First(usize::MAX / 2), 4)));
            }
            let first = match called(i + 5) {
                Some((take, count)) if take == "take" && dot(i + 4) => {
                    count.to_string().parse::<usize>().ok()
                }
                _ => None,
            };
            const ALL: &[&str] = &[
                "sum", "product", "fold", "collect", "for_each", "map", "copied",
            ];
            let all = matches!(called(i + 8), Some((all, _)) if ALL.contains(&all.as_str()))
                || matches!(trees.get(i + 8), Some(TokenTree::Ident(all)) if ALL.iter().any(|known| all == known));
            match first {
                Some(count) if all && !ends_early(&trees[i + 8..]) => {
                    Some((Taking::First(count), 7))
                }
                _ => return refuse(&trees[i + 2], OTHERWISE),
            }
        }
        method if TAKES.contains(&method) => return refuse(&trees[i + 2], OTHERWISE),
        _ => None,
    })
}

/// Methods that take some items from an iterator that has a name, which can be used after them.
const TAKES: &[&str] = &[
    "nth_back",
    "next_if",
    "next_if_eq",
    "peek_mut",
    "next_chunk",
    "advance_by",
    "try_fold",
    "try_for_each",
];

/// Whether an adaptor or an end may leave items behind.
fn ends_early(trees: &[TokenTree]) -> bool {
    let early = |word: &Ident| {
        matches!(
            word.to_string().as_str(),
            "any"
                | "all"
                | "find"
                | "find_map"
                | "position"
                | "try_fold"
                | "try_for_each"
                | "take_while"
                | "map_while"
                | "scan"
                | "take"
                | "nth"
                | "next"
                | "zip"
        )
    };
    crate::ty::mentions(trees.iter().cloned().collect(), &early)
}

/// Whether items are taken from the iterator of this name.
fn takes(tokens: TokenStream, name: &str, found: &mut bool) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) if ident == name && is_variable(&trees, i) => {
                *found |= matches!(trees.get(i + 2), Some(TokenTree::Ident(method)) if *method == "next" || *method == "nth");
            }
            TokenTree::Group(group) => takes(group.stream(), name, found),
            _ => {}
        }
    }
}

/// Whether what a statement takes from an iterator it takes once, wherever it comes to its end.
fn is_once(stmt: &Stmt, name: &str) -> bool {
    match stmt {
        Stmt::Local(local) => local.init.as_ref().is_none_or(|init| {
            let diverge = init.diverge.as_ref();
            always(&init.expr, name)
                && diverge.is_none_or(|(_, diverge)| !contains(diverge.to_token_stream(), name))
        }),
        Stmt::Expr(expr, _) => always(expr, name),
        Stmt::Macro(_) => true,
        Stmt::Item(_) => false,
    }
}

/// Whether all that mentions a name is evaluated exactly once.
fn always(expr: &Expr, name: &str) -> bool {
    let none = |tokens: TokenStream| !contains(tokens, name);
    if none(expr.to_token_stream()) {
        return true;
    }
    match expr {
        Expr::Path(_) => true,
        Expr::Paren(e) => always(&e.expr, name),
        Expr::Group(e) => always(&e.expr, name),
        Expr::Reference(e) => always(&e.expr, name),
        Expr::Unary(e) => always(&e.expr, name),
        Expr::Cast(e) => always(&e.expr, name),
        Expr::Field(e) => always(&e.base, name),
        Expr::Try(e) => always(&e.expr, name),
        Expr::Index(e) => always(&e.expr, name) && always(&e.index, name),
        Expr::Let(e) => always(&e.expr, name),
        Expr::Binary(e) => match e.op {
            syn::BinOp::And(_) | syn::BinOp::Or(_) => {
                always(&e.left, name) && none(e.right.to_token_stream())
            }
            _ => always(&e.left, name) && always(&e.right, name),
        },
        Expr::Assign(e) => none(e.left.to_token_stream()) && always(&e.right, name),
        Expr::MethodCall(e) => {
            always(&e.receiver, name) && e.args.iter().all(|arg| always(arg, name))
        }
        Expr::Call(e) => {
            none(e.func.to_token_stream()) && e.args.iter().all(|arg| always(arg, name))
        }
        Expr::Tuple(e) => e.elems.iter().all(|e| always(e, name)),
        Expr::Array(e) => e.elems.iter().all(|e| always(e, name)),
        Expr::Return(e) => e.expr.iter().all(|e| always(e, name)),
        Expr::If(e) => {
            let branches = e.else_branch.as_ref().map(|(_, e)| e.to_token_stream());
            always(&e.cond, name)
                && none(e.then_branch.to_token_stream())
                && branches.is_none_or(none)
        }
        Expr::Match(e) => {
            let mut arms = e.arms.iter();
            always(&e.expr, name) && arms.all(|arm| none(arm.to_token_stream()))
        }
        Expr::ForLoop(e) => always(&e.expr, name) && none(e.body.to_token_stream()),
        Expr::While(e) => {
            // Such a loop takes all.
            matches!(&*e.cond, Expr::Let(cond) if matches!(&*cond.pat, Pat::TupleStruct(some) if some.elems.iter().all(super::matching::is_irrefutable)) && matches!(&*cond.expr, Expr::MethodCall(next) if next.method == "next" && matches!(*next.receiver, Expr::Path(_))))
                && none(e.body.to_token_stream())
                && crate::scope::leaves_loop(&e.body.to_token_stream()).is_none()
        }
        _ => false,
    }
}

/// The statement that tokens are.
fn one_statement(tokens: TokenStream) -> Lowered<Stmt> {
    let block: syn::Block =
        syn::parse2(quote!({ #tokens })).map_err(|error| Refusal(Some(error)))?;
    match block.stmts.len() {
        1 => Ok(block.stmts.into_iter().next().ok_or(Refusal(None))?),
        _ => Err(Refusal(None)),
    }
}
