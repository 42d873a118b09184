//! What an iterator gives, item by item, as a loop computes it: sources as `x.iter()`, and the adaptors after them.

use super::loops::bound_in;
use super::statements::pattern_names;
use super::{Lower, Lowered, Refusal};
use crate::scope::{Value, captured, rename};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Expr, Lifetime, Pat, Stmt};

/// An iterator, as what it gives at place `i`.
pub(super) struct Items {
    /// How many places there are: the least of these. If there are none, it does not end by itself.
    pub counts: Vec<Expr>,
    pub item: Expr,
    /// What happens before it gives that, in order.
    pub steps: Vec<Before>,
    /// Variables that change from one item to the next, bound before the first.
    pub variables: Vec<Stmt>,
    /// The names that the steps and the variables bind.
    names: Vec<Ident>,
}

/// What happens before an iterator gives something at a place.
pub(super) enum Before {
    /// What is looked at, and given later.
    Let(Stmt),
    /// What is counted, noted or looked at.
    Do(Stmt),
    /// Whether it gives anything at that place.
    If(Expr),
    /// Whether it goes on.
    While(Expr),
    /// It gives all items of another iterator there.
    Each(Ident, Expr),
}

impl Items {
    fn new(counts: Vec<Expr>, item: Expr) -> Self {
        Items {
            counts,
            item,
            steps: Vec::new(),
            variables: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Whether it gives something at every place.
    pub(super) fn is_plain(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether it gives something at every place, whatever happens before.
    fn is_everywhere(&self) -> bool {
        let happens = |step: &Before| matches!(step, Before::Let(_) | Before::Do(_));
        self.steps.iter().all(happens)
    }

    /// Whether it tells at every place by itself whether it gives something there.
    fn is_of_place(&self) -> bool {
        let of_place = |step: &Before| matches!(step, Before::Let(_) | Before::If(_));
        self.variables.is_empty() && self.steps.iter().all(of_place)
    }

    /// Whether it goes through other iterators.
    fn has_others(&self) -> bool {
        let goes = |step: &Before| matches!(step, Before::Each(..));
        self.steps.iter().any(goes)
    }

    /// The body of a loop, with what happens before it.
    fn body(&self, pattern: &Pat, stmts: &[Stmt], label: Option<&Lifetime>) -> TokenStream {
        let item = &self.item;
        let mut body = quote!(let #pattern = #item; #(#stmts)*);
        for (at, step) in self.steps.iter().enumerate().rev() {
            body = match step {
                Before::Let(stmt) | Before::Do(stmt) => quote!(#stmt #body),
                Before::If(condition) => quote!(if #condition { #body }),
                Before::While(condition) => {
                    let goes = |step: &Before| matches!(step, Before::Each(..));
                    let inside = self.steps[..at].iter().any(goes);
                    let label = label.filter(|_| inside);
                    quote!(if !#condition { break #label; } #body)
                }
                Before::Each(item, iterator) => quote!(for #item in #iterator { #body }),
            };
        }
        body
    }

    /// How many places there are.
    pub(super) fn least(&self) -> Expr {
        let counts = self.counts.iter().cloned();
        let least =
            |a: Expr, b: Expr| -> Expr { syn::parse_quote!(::core::primitive::usize::min(#a, #b)) };
        let endless = || syn::parse_quote!(::core::primitive::usize::MAX);
        counts.reduce(least).unwrap_or_else(endless)
    }

    /// A step that asks whether the iterator goes on, before anything else happens there.
    fn goes_on_at_once(&mut self, condition: Expr) {
        let again = |step: &Before| matches!(step, Before::Each(..));
        let places = (0..self.steps.len()).rev();
        let places: Vec<usize> = places.filter(|at| again(&self.steps[*at])).collect();
        for at in places {
            let step = Before::While(condition.clone());
            self.steps.insert(at + 1, step);
        }
        self.steps.insert(0, Before::While(condition));
    }
}

/// The loop that goes through an iterator.
pub(super) struct Through {
    /// What is bound before it.
    pub variables: Vec<Stmt>,
    pub label: Option<syn::Label>,
    pub body: syn::Block,
}

impl Lower<'_> {
    /// What a loop over the places of an iterator does, with these statements for each item.
    pub(super) fn through(
        &mut self,
        items: &Items,
        pattern: &Pat,
        stmts: &[Stmt],
        label: Option<&syn::Label>,
    ) -> Lowered<Through> {
        let (mut label, mut stmts) = (label.cloned(), stmts.to_vec());
        if items.has_others() {
            // What leaves the loop leaves those inside of it.
            let outer = match &label {
                Some(label) => label.name.clone(),
                None => {
                    let name = self.fresh("items");
                    Lifetime::new(&format!("'{name}"), Span::mixed_site())
                }
            };
            let whole = quote!({ #(#stmts)* });
            let block: syn::Block =
                syn::parse2(leaving(whole, &outer)).map_err(|error| Refusal(Some(error)))?;
            stmts = block.stmts;
            label.get_or_insert(syn::Label {
                name: outer,
                colon_token: Default::default(),
            });
        }
        let body = items.body(pattern, &stmts, label.as_ref().map(|label| &label.name));
        let variables = &items.variables;
        let mut whole = quote!({ #(#variables)* { #body } });
        if items.has_others() {
            // The loops inside have such names as well.
            let wish = |name: &Ident| {
                name.to_string()
                    .trim_end_matches(|c: char| c == '_' || c.is_ascii_digit())
                    .to_string()
            };
            let own: Vec<(Ident, Ident)> = items
                .names
                .iter()
                .map(|name| (name.clone(), self.fresh(&wish(name))))
                .collect();
            let new = |ident: &Ident| {
                let known = own.iter().find(|(name, _)| name == ident);
                known.map(|(_, new)| new.to_token_stream())
            };
            whole = rename(whole, &new);
        }
        let mut block: syn::Block = syn::parse2(whole).map_err(|error| Refusal(Some(error)))?;
        let Some(Stmt::Expr(Expr::Block(body), None)) = block.stmts.pop() else {
            return Err(Refusal(None));
        };
        for stmt in &block.stmts {
            if let Stmt::Local(local) = stmt {
                let mut names = Vec::new();
                pattern_names(&local.pat, &mut names);
                self.changing.extend(names.iter().map(Ident::to_string));
            }
        }
        Ok(Through {
            variables: block.stmts,
            label,
            body: body.block,
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
                Value::Columns(..) | Value::List(_) | Value::Elements(_),
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

    /// `iterator.cycle()`, so many times.
    fn again(&self, of: &Expr, count: &Expr, place: &Expr) -> Option<Items> {
        match of {
            Expr::MethodCall(call) if call.method == "cycle" && call.args.is_empty() => {
                let least = self.plain(&call.receiver, place)?.least();
                let around: Expr = syn::parse_quote!((#place % (#least)));
                let item = self.plain(&call.receiver, &around)?.item;
                let count = syn::parse_quote!(if (#least) == 0 { 0 } else { #count });
                Some(Items::new(vec![count], item))
            }
            _ => None,
        }
    }

    /// A name of an iterator's own.
    fn own_step(&self, wish: &str, items: &mut Items) -> Ident {
        let wishes = (items.steps.len()..).map(|n| format!("{wish}_{n}"));
        let free = wishes.into_iter().find(|name| !self.taken.contains(name));
        let name = Ident::new(&free.unwrap_or_default(), Span::mixed_site());
        items.names.push(name.clone());
        name
    }

    /// Gives the item a name.
    fn hold(&self, items: &mut Items) {
        let (held, item) = (self.own_step("held", items), &items.item);
        let stmt = syn::parse_quote!(let #held = #item;);
        items.steps.push(Before::Let(stmt));
        items.item = syn::parse_quote!(#held);
    }

    /// Holds what may not be made twice, or not later.
    fn hold_what_is_made(&self, items: &mut Items) {
        if !super::growing::is_repeatable(&items.item) {
            self.hold(items);
        }
    }

    /// Counts the items: the number of this one, and the variable that has the number of the next.
    fn count_items(&self, items: &mut Items) -> (Expr, Expr) {
        self.hold_what_is_made(items);
        let (counter, number) = (
            self.own_step("counted", items),
            self.own_step("number", items),
        );
        items
            .variables
            .push(syn::parse_quote!(let mut #counter = 0usize;));
        let stmt = syn::parse_quote!(let #number = #counter;);
        items.steps.push(Before::Let(stmt));
        let stmt = syn::parse_quote!(#counter += 1;);
        items.steps.push(Before::Do(stmt));
        (syn::parse_quote!(#number), syn::parse_quote!(#counter))
    }

    /// An `Option` that the iterator makes: its value is given where it is there.
    fn give_what_is_there(&self, made: TokenStream, items: &mut Items, goes_on: bool) {
        let option = self.own_step("held", items);
        let there: Expr = syn::parse_quote!(#option.is_some());
        let stmt = syn::parse_quote!(let #option = #made;);
        items.steps.push(Before::Let(stmt));
        items.steps.push(match goes_on {
            true => Before::If(there),
            false => Before::While(there),
        });
        items.item = syn::parse_quote!(#option.unwrap());
    }

    /// Whether it is not known how often something happens: that of the first of two if it is longer, and of what is
    /// left out, from behind.
    pub(super) fn acts_unseen(&self, call: &syn::ExprMethodCall, place: &Expr) -> bool {
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
            ("rev", None) => leaves_out(&call.receiver),
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
            Expr::Call(call) => self.items_of_function(call, place),
            Expr::Range(range) => {
                let start = range.start.as_ref()?;
                let is_zero = quote!(#start).to_string() == "0";
                let Some(end) = range.end.as_ref() else {
                    let item = match is_zero {
                        true => place.clone(),
                        false => syn::parse_quote!(((#start) + #place)),
                    };
                    return Some(Items::new(Vec::new(), item));
                };
                let closed =
                    matches!(range.limits, syn::RangeLimits::Closed(_)).then(|| quote!(+ 1));
                if is_zero {
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
                if self.acts_unseen(call, place) {
                    return None;
                }
                self.items_of_list(call, place)
                    .or_else(|| self.items_adapted(call, place))
                    .or_else(|| self.items_of_closure(call, place))
            }
            _ => None,
        }
    }

    /// `iter::once(x)` and the like.
    fn items_of_function(&self, call: &syn::ExprCall, place: &Expr) -> Option<Items> {
        let args: Vec<&Expr> = call.args.iter().collect();
        match (of_iter(call)?.as_str(), &args[..]) {
            ("repeat_n", [value, count]) => {
                Some(Items::new(vec![(*count).clone()], (*value).clone()))
            }
            ("repeat", [value]) => Some(Items::new(Vec::new(), (*value).clone())),
            ("once", [value]) => Some(Items::new(vec![syn::parse_quote!(1)], (*value).clone())),
            ("repeat_with", [Expr::Closure(closure)]) if closure.inputs.is_empty() => {
                let item = without_arguments(closure);
                Some(Items::new(Vec::new(), item))
            }
            ("from_fn", [Expr::Closure(closure)]) if closure.inputs.is_empty() => {
                let made = without_arguments(closure);
                let mut items = Items::new(Vec::new(), place.clone());
                self.give_what_is_there(quote!(#made), &mut items, false);
                Some(items)
            }
            ("successors", [first, next]) => {
                let mut items = Items::new(Vec::new(), place.clone());
                let state = self.own_step("state", &mut items);
                let (mut first, mut always) = ((*first).clone(), false);
                let held = self.own_step("held", &mut items);
                let mut step: Expr = applied(next, &syn::parse_quote!(&#held))?;
                // What goes on for ever is no `Option`.
                if let (Some(start), Some(value)) = (in_some(&first), always_some(next)) {
                    first = start;
                    step = applied(&value, &syn::parse_quote!(&#held))?;
                    always = true;
                }
                items
                    .variables
                    .push(syn::parse_quote!(let mut #state = #first;));
                let value: Expr = match always {
                    true => syn::parse_quote!(#state),
                    false => {
                        let there = syn::parse_quote!(#state.is_some());
                        items.steps.push(Before::While(there));
                        syn::parse_quote!(#state.unwrap())
                    }
                };
                let stmt = syn::parse_quote!(let #held = #value;);
                items.steps.push(Before::Let(stmt));
                let stmt = syn::parse_quote!(#state = #step;);
                items.steps.push(Before::Do(stmt));
                items.item = syn::parse_quote!(#held);
                Some(items)
            }
            _ => None,
        }
    }

    /// The entries, rows and columns of matrices, and the items of lists.
    fn items_of_list(&self, call: &syn::ExprMethodCall, place: &Expr) -> Option<Items> {
        let args: Vec<&Expr> = call.args.iter().collect();
        let name = call.method.to_string();
        let of = &call.receiver;
        match (name.as_str(), &args[..]) {
            ("iter", []) => Some(Items::new(
                vec![syn::parse_quote!(#of.len())],
                self.item_of(of, place),
            )),
            ("iter_mut", []) => Some(Items::new(
                vec![syn::parse_quote!(#of.len())],
                syn::parse_quote!(&mut #of[#place]),
            )),
            ("into_iter", []) => self.gone_through(of, place),
            ("column_iter" | "row_iter" | "column_iter_mut" | "row_iter_mut", []) => {
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
            ("windows", [size]) => {
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
                let start: Expr = syn::parse_quote!((#place * (#size)));
                let count: Expr =
                    syn::parse_quote!(::core::primitive::usize::min(#size, #of.len() - #start));
                Some(Items::new(
                    vec![syn::parse_quote!((#of.len() + (#size) - 1) / (#size))],
                    self.part_of_list(of, &start, &count),
                ))
            }
            ("chunks_exact", [size]) => {
                let start: Expr = syn::parse_quote!((#place * (#size)));
                Some(Items::new(
                    vec![syn::parse_quote!(#of.len() / (#size))],
                    self.part_of_list(of, &start, size),
                ))
            }
            _ => None,
        }
    }

    /// What adaptors without a closure make of an iterator.
    fn items_adapted(&self, call: &syn::ExprMethodCall, place: &Expr) -> Option<Items> {
        let args: Vec<&Expr> = call.args.iter().collect();
        let (name, source) = (call.method.to_string(), &*call.receiver);
        match (name.as_str(), &args[..]) {
            ("copied" | "cloned", []) => {
                let items = self.items(source, place)?;
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
            ("by_ref" | "fuse" | "peekable" | "clone", []) => self.items(source, place),
            ("rev", []) => {
                let items = self.items(source, place)?;
                if items.counts.is_empty() {
                    return None;
                }
                let least = items.least();
                let back: Expr = syn::parse_quote!(((#least) - 1 - #place));
                let items = self.items(source, &back)?;
                let every = items.is_plain();
                // From behind, what a step leaves out is not made.
                (every || items.is_of_place() && !leaves_out(source)).then_some(items)
            }
            ("take", [count]) => {
                if let Some(again) = self.again(source, count, place) {
                    return Some(again);
                }
                let mut items = self.items(source, place)?;
                if items.is_everywhere() {
                    items.counts.push((*count).clone());
                    return Some(items);
                }
                // What comes after the last of them is not even looked at.
                let inner = |step: &Before| matches!(step, Before::Each(_, inner) if self.plain_or_list(inner).is_none());
                if items.steps.iter().any(inner) {
                    return None;
                }
                let (_, counter) = self.count_items(&mut items);
                items.goes_on_at_once(syn::parse_quote!((#counter < #count)));
                Some(items)
            }
            ("skip" | "step_by", [count]) => {
                let mut items = self.items(source, place)?;
                if items.is_plain() && !self.acts(&items.item) {
                    return match name.as_str() {
                        "skip" => self.skipped(source, count, place),
                        _ => self.stepped(source, count, place),
                    };
                }
                // What is left out is made nevertheless.
                let number = match items.is_plain() {
                    true => {
                        self.hold(&mut items);
                        place.clone()
                    }
                    false => self.count_items(&mut items).0,
                };
                items.steps.push(Before::If(match name.as_str() {
                    "skip" => syn::parse_quote!(#number >= #count),
                    _ => syn::parse_quote!(#number % (#count) == 0),
                }));
                Some(items)
            }
            ("cycle", []) => {
                let least = self.plain(source, place)?.least();
                let around: Expr = syn::parse_quote!((#place % (#least)));
                let mut items = Items::new(Vec::new(), self.plain(source, &around)?.item);
                items
                    .steps
                    .push(Before::While(syn::parse_quote!(((#least) > 0))));
                Some(items)
            }
            ("chain", [other]) => self.one_after_the_other(source, other, place),
            ("zip", [other]) => self.side_by_side_of(source, other, place),
            ("enumerate", []) => {
                let mut items = self.items(source, place)?;
                let number = match items.is_everywhere() {
                    true => place.clone(),
                    false => self.count_items(&mut items).0,
                };
                let item = &items.item;
                items.item = syn::parse_quote!((#number, #item));
                Some(items)
            }
            ("flatten", []) => self.each_of(self.items(source, place)?),
            _ => None,
        }
    }

    /// What adaptors with a closure make of an iterator.
    fn items_of_closure(&self, call: &syn::ExprMethodCall, place: &Expr) -> Option<Items> {
        let args: Vec<&Expr> = call.args.iter().collect();
        let name = call.method.to_string();
        if let ("scan", [start, Expr::Closure(closure)]) = (name.as_str(), &args[..]) {
            return self.scanned(self.items(&call.receiver, place)?, start, closure);
        }
        let [function] = args[..] else {
            return None;
        };
        if !matches!(
            name.as_str(),
            "map"
                | "filter"
                | "filter_map"
                | "flat_map"
                | "take_while"
                | "skip_while"
                | "map_while"
                | "inspect"
        ) {
            return None;
        }
        let mut items = self.items(&call.receiver, place)?;
        let looks = matches!(
            name.as_str(),
            "filter" | "take_while" | "skip_while" | "inspect"
        );
        if looks {
            // What is made there is made once.
            self.hold_what_is_made(&mut items);
        }
        let item = &items.item;
        let made: Expr = match looks {
            true => applied(function, &syn::parse_quote!(&#item))?,
            false => applied(function, item)?,
        };
        match name.as_str() {
            "map" => items.item = made,
            "filter" => items.steps.push(Before::If(made)),
            "take_while" => items.steps.push(Before::While(made)),
            "inspect" => {
                let stmt = syn::parse_quote!(#made;);
                items.steps.push(Before::Do(stmt));
            }
            "skip_while" => {
                let skips = self.own_step("skips", &mut items);
                items
                    .variables
                    .push(syn::parse_quote!(let mut #skips = true;));
                let stmt = syn::parse_quote!(if #skips { if !#made { #skips = false; } });
                items.steps.push(Before::Do(stmt));
                items.steps.push(Before::If(syn::parse_quote!(!#skips)));
            }
            "flat_map" => {
                items.item = made;
                return self.each_of(items);
            }
            name => self.give_what_is_there(quote!(#made), &mut items, name == "filter_map"),
        }
        Some(items)
    }

    /// What `gone_through` gives of an iterator, if that gives something at every place.
    fn plain_or_list(&self, iterable: &Expr) -> Option<Items> {
        self.gone_through(iterable, &syn::parse_quote!(i))
            .filter(Items::is_plain)
    }

    /// `iterator.skip(count)`, where nobody sees that what is left out is not made.
    fn skipped(&self, source: &Expr, count: &Expr, place: &Expr) -> Option<Items> {
        let later: Expr = syn::parse_quote!((#place + (#count)));
        let Items { counts, item, .. } = self.plain(source, &later)?;
        let left = counts.iter().map(|all| -> Expr {
            syn::parse_quote!(::core::primitive::usize::saturating_sub(#all, #count))
        });
        Some(Items::new(left.collect(), item))
    }

    /// `iterator.step_by(step)`, likewise.
    fn stepped(&self, source: &Expr, step: &Expr, place: &Expr) -> Option<Items> {
        let later: Expr = syn::parse_quote!((#place * (#step)));
        let Items { counts, item, .. } = self.plain(source, &later)?;
        let counts = counts
            .iter()
            .map(|all| -> Expr { syn::parse_quote!((#all + (#step) - 1) / (#step)) });
        Some(Items::new(counts.collect(), item))
    }

    /// `iterator.chain(other)`
    fn one_after_the_other(&self, source: &Expr, other: &Expr, place: &Expr) -> Option<Items> {
        let first = self.items(source, place)?;
        if first.counts.is_empty() {
            return None;
        }
        let least = first.least();
        let later: Expr = syn::parse_quote!((#place - #least));
        let second = self.gone_through(other, &later)?;
        let counts = match second.counts.is_empty() {
            true => Vec::new(),
            false => {
                let more = second.least();
                vec![syn::parse_quote!(#least + #more)]
            }
        };
        if first.is_plain() && second.is_plain() {
            let (a, b) = (first.item, second.item);
            let item = syn::parse_quote!(if #place < #least { #a } else { #b });
            return Some(Items::new(counts, item));
        }
        // What is left out of one of them is `None`.
        let option = |items: &Items| {
            let item = &items.item;
            let mut made = quote!(Some(#item));
            for step in items.steps.iter().rev() {
                made = match step {
                    Before::Let(stmt) => quote!(#stmt #made),
                    Before::If(condition) => quote!(if #condition { #made } else { None }),
                    _ => return None,
                };
            }
            items.is_of_place().then_some(made)
        };
        let (a, b) = (option(&first)?, option(&second)?);
        let mut items = Items::new(counts, place.clone());
        let made = quote!(if #place < #least { #a } else { #b });
        self.give_what_is_there(made, &mut items, true);
        Some(items)
    }

    /// `iterator.zip(other)`
    fn side_by_side_of(&self, source: &Expr, other: &Expr, place: &Expr) -> Option<Items> {
        let mut first = self.items(source, place)?;
        let second = self.gone_through(other, place)?;
        match (first.is_plain(), second.is_plain()) {
            (true, true) => {
                let (a, b) = (first.item, second.item);
                let counts = first.counts.into_iter().chain(second.counts);
                Some(Items::new(counts.collect(), syn::parse_quote!((#a, #b))))
            }
            // The other one is asked after it, and as often as it gives something.
            (false, true) => {
                self.hold_what_is_made(&mut first);
                let (number, counter) = self.count_items(&mut first);
                let second = self.gone_through(other, &number)?;
                if !second.counts.is_empty() {
                    let least = second.least();
                    let before = first.steps.len().saturating_sub(2);
                    let there = Before::While(syn::parse_quote!((#counter < #least)));
                    first.steps.insert(before, there);
                }
                let (a, b) = (&first.item, second.item);
                first.item = syn::parse_quote!((#a, #b));
                Some(first)
            }
            // The first is asked before, so that the other one is not where it has come to its end.
            (true, false) if !self.acts(&first.item) => {
                let mut items = second;
                let (number, counter) = self.count_items(&mut items);
                let first = self.plain(source, &number)?;
                if !first.counts.is_empty() {
                    let least = first.least();
                    items.goes_on_at_once(syn::parse_quote!((#counter < #least)));
                }
                let (a, b) = (first.item, &items.item);
                items.item = syn::parse_quote!((#a, #b));
                Some(items)
            }
            _ => None,
        }
    }

    /// Each item is gone through.
    fn each_of(&self, mut items: Items) -> Option<Items> {
        let mut inner = items.item.clone();
        loop {
            inner = match inner {
                Expr::Block(syn::ExprBlock {
                    label: None, block, ..
                }) => {
                    // What the closure binds is not seen by what comes after.
                    let (mut names, mut texts) = (Vec::new(), Vec::new());
                    for stmt in &block.stmts {
                        if let Stmt::Local(local) = stmt {
                            pattern_names(&local.pat, &mut names);
                        }
                    }
                    captured(block.to_token_stream(), &mut texts);
                    if names
                        .iter()
                        .any(|name| texts.iter().any(|text| name == text))
                    {
                        return None;
                    }
                    let own: Vec<(Ident, Ident)> = names
                        .into_iter()
                        .map(|name| {
                            let own = self.own_step(&name.to_string(), &mut items);
                            (name, own)
                        })
                        .collect();
                    let new = |ident: &Ident| {
                        let known = own.iter().find(|(name, _)| name == ident);
                        known.map(|(_, new)| new.to_token_stream())
                    };
                    let (last, before) = block.stmts.split_last()?;
                    let mut lets = Vec::new();
                    for (at, stmt) in before.iter().enumerate() {
                        // The item itself is no name of the closure's.
                        let tokens = match (at, stmt) {
                            (0, Stmt::Local(local)) => {
                                let init = local.init.as_ref()?;
                                let (pat, value) =
                                    (rename(local.pat.to_token_stream(), &new), &init.expr);
                                quote!(let #pat = #value;)
                            }
                            (_, stmt) => rename(stmt.to_token_stream(), &new),
                        };
                        lets.push(syn::parse2::<Stmt>(tokens).ok()?);
                    }
                    items.steps.extend(lets.into_iter().map(Before::Let));
                    let Stmt::Expr(last, None) = last else {
                        return None;
                    };
                    syn::parse2(rename(last.to_token_stream(), &new)).ok()?
                }
                Expr::Paren(of) => *of.expr,
                inner => {
                    if !matches!(
                        inner,
                        Expr::Path(_)
                            | Expr::Reference(_)
                            | Expr::MethodCall(_)
                            | Expr::Range(_)
                            | Expr::Call(_)
                            | Expr::Array(_)
                    ) {
                        return None;
                    }
                    let item = self.own_step("item", &mut items);
                    items.steps.push(Before::Each(item.clone(), inner));
                    items.item = syn::parse_quote!(#item);
                    return Some(items);
                }
            };
        }
    }

    /// `iterator.scan(start, |state, item| …)`
    fn scanned(&self, mut items: Items, start: &Expr, closure: &syn::ExprClosure) -> Option<Items> {
        let (2, Some(state), Some(pattern)) = (
            closure.inputs.len(),
            closure.inputs.first(),
            closure.inputs.last(),
        ) else {
            return None;
        };
        let names: Vec<&Ident> = match without_type(state) {
            Pat::Ident(name) => vec![&name.ident],
            Pat::Tuple(tuple) => {
                let names = tuple.elems.iter().map(|part| match part {
                    Pat::Ident(name) => Some(&name.ident),
                    _ => None,
                });
                names.collect::<Option<_>>()?
            }
            _ => return None,
        };
        let starts: Vec<&Expr> = match (without_type(state), start) {
            (Pat::Tuple(_), Expr::Tuple(starts)) => starts.elems.iter().collect(),
            (Pat::Tuple(_), _) => return None,
            _ => vec![start],
        };
        if names.len() != starts.len() {
            return None;
        }
        let mut own = Vec::new();
        for (name, start) in names.into_iter().zip(starts) {
            let variable = self.own_step(&format!("{name}_of_scan"), &mut items);
            items
                .variables
                .push(syn::parse_quote!(let mut #variable = #start;));
            own.push((name.clone(), variable));
        }
        let mut hidden = Vec::new();
        bound_in(closure.body.to_token_stream(), &mut hidden);
        pattern_names(pattern, &mut hidden);
        if own.iter().any(|(name, _)| hidden.contains(name)) {
            return None;
        }
        let body = behind(closure.body.to_token_stream(), &own)?;
        let mut changed = closure.clone();
        *changed.body = syn::parse2(body).ok()?;
        changed.inputs = std::iter::once(pattern.clone()).collect();
        let item = &items.item;
        let made = applied(&Expr::Closure(changed.clone()), item)?;
        match always_some(&Expr::Closure(changed)) {
            Some(value) => {
                items.item = applied(&value, item)?;
                self.hold(&mut items);
            }
            None => self.give_what_is_there(quote!(#made), &mut items, false),
        }
        Some(items)
    }
}

/// Whether an adaptor among these leaves out some that come after others.
fn leaves_out(iterator: &Expr) -> bool {
    let leaves =
        |word: &Ident| *word == "take" || *word == "skip" || *word == "step_by" || *word == "zip";
    crate::ty::mentions(iterator.to_token_stream(), &leaves)
}

/// The name of a function of `std::iter`.
pub(super) fn of_iter(call: &syn::ExprCall) -> Option<String> {
    let Expr::Path(path) = &*call.func else {
        return None;
    };
    let mut names = path.path.segments.iter().rev().map(|s| s.ident.to_string());
    let name = names.next()?;
    (names.next()? == "iter").then_some(name)
}

fn without_type(pat: &Pat) -> &Pat {
    match pat {
        Pat::Type(typed) => without_type(&typed.pat),
        Pat::Paren(inner) => without_type(&inner.pat),
        pat => pat,
    }
}

/// What a closure or a function makes of an item: the body of the closure, with its parameter bound.
pub(super) fn applied(function: &Expr, item: &Expr) -> Option<Expr> {
    match function {
        Expr::Closure(closure) if closure.inputs.len() == 1 => {
            let (pattern, body) = (&closure.inputs[0], &closure.body);
            // What leaves the closure does not leave what is around it.
            Some(match may_be_left(body.to_token_stream()) {
                true => syn::parse_quote!((#closure)(#item)),
                false => syn::parse_quote!({ let #pattern = #item; #body }),
            })
        }
        Expr::Path(_) => Some(syn::parse_quote!(#function(#item))),
        Expr::Reference(of) => {
            applied(&of.expr, item).filter(|_| matches!(*of.expr, Expr::Path(_)))
        }
        Expr::Paren(of) => applied(&of.expr, item),
        _ => None,
    }
}

/// `|| body`, called.
fn without_arguments(closure: &syn::ExprClosure) -> Expr {
    let body = &closure.body;
    match may_be_left(body.to_token_stream()) {
        true => syn::parse_quote!((#closure)()),
        false => (**body).clone(),
    }
}

/// Whether the body of a closure may be left by `return` or `?`.
pub(super) fn may_be_left(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Ident(word) => word == "return",
        TokenTree::Punct(p) => p.as_char() == '?',
        TokenTree::Group(group) => may_be_left(group.stream()),
        TokenTree::Literal(_) => false,
    })
}

/// `value` of `Some(value)`
pub(super) fn in_some(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Call(call) if call.args.len() == 1 => match &*call.func {
            Expr::Path(path) if path.path.is_ident("Some") => call.args.first().cloned(),
            _ => None,
        },
        _ => None,
    }
}

/// The closure that gives what this one always gives in `Some(…)`.
fn always_some(function: &Expr) -> Option<Expr> {
    let Expr::Closure(closure) = function else {
        return None;
    };
    if may_be_left(closure.body.to_token_stream()) {
        return None;
    }
    let mut closure = closure.clone();
    closure.output = syn::ReturnType::Default;
    *closure.body = match &*closure.body {
        Expr::Block(block) if block.label.is_none() => {
            let mut block = block.clone();
            let Some(Stmt::Expr(last, None)) = block.block.stmts.last_mut() else {
                return None;
            };
            *last = in_some(last)?;
            Expr::Block(block)
        }
        body => in_some(body)?,
    };
    Some(Expr::Closure(closure))
}

/// The tokens with variables in place of what is behind references of these names; `None` if one is used otherwise.
fn behind(tokens: TokenStream, names: &[(Ident, Ident)]) -> Option<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let is =
        |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
    let part = |i: usize| {
        let entry = matches!(trees.get(i + 1), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Bracket);
        entry || is(i + 1, '.') && !is(i + 2, '.')
    };
    let own = |at: usize| match trees.get(at) {
        Some(TokenTree::Ident(name)) if crate::scope::is_variable(&trees, at) => {
            names.iter().find(|(known, _)| known == name).map(|n| &n.1)
        }
        _ => None,
    };
    let mut out = TokenStream::new();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            // The star of what is behind it.
            TokenTree::Punct(p) if p.as_char() == '*' && own(i + 1).is_some() && !part(i + 1) => {}
            TokenTree::Group(group) => {
                let inner = behind(group.stream(), names)?;
                let mut new = Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            TokenTree::Ident(_) if own(i).is_some() => {
                let read = i > 0 && is(i - 1, '*');
                if !read && !part(i) {
                    return None;
                }
                out.extend(own(i).map(ToTokens::to_token_stream));
            }
            TokenTree::Literal(literal) => {
                let mut texts = Vec::new();
                captured(literal.to_token_stream(), &mut texts);
                if names
                    .iter()
                    .any(|(name, _)| texts.iter().any(|text| name == text))
                {
                    return None;
                }
                out.extend([tree.clone()]);
            }
            tree => out.extend([tree.clone()]),
        }
    }
    Some(out)
}

/// The body of a loop in which `break` leaves the loop of this name.
fn leaving(tokens: TokenStream, label: &Lifetime) -> TokenStream {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut out = TokenStream::new();
    let mut header = false;
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(word) => {
                header |= *word == "for" || *word == "while" || *word == "loop";
                out.extend([tree.clone()]);
                let labelled =
                    matches!(trees.get(i + 1), Some(TokenTree::Punct(p)) if p.as_char() == '\'');
                if *word == "break" && !labelled {
                    out.extend(label.to_token_stream());
                }
            }
            TokenTree::Group(group) => {
                let body = header && group.delimiter() == Delimiter::Brace;
                header &= !body;
                let inner = match body {
                    true => group.stream(),
                    false => leaving(group.stream(), label),
                };
                let mut new = Group::new(group.delimiter(), inner);
                new.set_span(group.span());
                out.extend([TokenTree::Group(new)]);
            }
            tree => out.extend([tree.clone()]),
        }
    }
    out
}
