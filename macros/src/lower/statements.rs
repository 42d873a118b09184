//! Statements: bindings, what is kept as it stands, items and macros.

use super::checkpoints::may_have_effect;
use super::declared::Declared;
use super::functions::closure_in;
use super::inert::refuse_in_closure;
use super::loops::{Left, broken_with};
use super::matching::{Exit, as_slice, is_panic, paired, places_in, renamed};
use super::{Lower, Lowered, Refusal, hint_of_plain_type, refuse};
use crate::error::text;
use crate::graph::{Elem, Form, Kind, Leaf, Placed, Shape, Sources, Step};
use crate::scope::{
    Binding, Columns, Hint, Inert, Value, control_flow, is_observer, leaves_loop, variables,
};
use crate::ty::{Class, Extent, Passing};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::collections::HashSet;
use std::rc::Rc;
use syn::ext::IdentExt;
use syn::{Expr, Pat, Stmt};

impl Lower<'_> {
    /// A block: its statements, and the value of its last expression.
    pub(super) fn block(&mut self, block: &syn::Block) -> Lowered<Value> {
        self.scope.push();
        let value = self.statements(&block.stmts);
        self.scope.pop();
        value
    }

    /// A block inside another, whose statements join those around it.
    pub(super) fn nested_block(&mut self, block: &syn::Block) -> Lowered<Value> {
        self.nested += 1;
        let value = self.block(block);
        self.nested -= 1;
        value
    }

    pub(super) fn statements(&mut self, stmts: &[Stmt]) -> Lowered<Value> {
        let around = self.later.len();
        self.later.push(Rc::default());
        let value = self.statements_of_block(stmts);
        self.later.truncate(around);
        value
    }

    fn statements_of_block(&mut self, stmts: &[Stmt]) -> Lowered<Value> {
        // Whether the value of the block is that of the function.
        let tail = std::mem::take(&mut self.tail);
        if self.nested == 0 {
            self.note_functions(stmts);
        }
        let mut value = Ok(Value::Unit);
        let later = changed_after(stmts);
        for (i, stmt) in stmts.iter().enumerate() {
            let last = i + 1 == stmts.len();
            if let (Some(innermost), Some(later)) = (self.later.last_mut(), later.get(i)) {
                innermost.clone_from(later);
            }
            match self.has_left() {
                Left::Never => {}
                Left::If(left) => return self.unless_left(left, &stmts[i..]),
                // What follows is never reached.
                Left::Always => break,
            }
            let with_iterators = match self.with_iterators(stmt) {
                Ok(stmt) => stmt,
                Err(Refusal(error)) => {
                    error.into_iter().for_each(|error| self.errors.add(error));
                    self.poison(stmt);
                    continue;
                }
            };
            let stmt = with_iterators.as_ref().unwrap_or(stmt);
            match self.iterator_local(stmt, &stmts[i + 1..]) {
                Ok(false) => {}
                Ok(true) => continue,
                Err(Refusal(error)) => {
                    error.into_iter().for_each(|error| self.errors.add(error));
                    self.poison(stmt);
                    continue;
                }
            }
            match self.leaves_at_once(stmt) {
                Ok(false) => {}
                Ok(true) => continue,
                Err(Refusal(error)) => {
                    error.into_iter().for_each(|error| self.errors.add(error));
                    continue;
                }
            }
            if let (Stmt::Expr(Expr::If(branch), _), true) = (stmt, tail && !last)
                && let Some(whole) = self.with_rest(branch, &stmts[i + 1..])
            {
                self.tail = true;
                return self.expr(&Expr::If(whole));
            }
            if tail
                && !last
                && let Some(whole) = self.with_returns(stmt, &stmts[i + 1..])
            {
                return whole;
            }
            if let Some(rest) = self.let_else_in_block(stmt, &stmts[i + 1..]) {
                return rest;
            }
            if last && let Some(left) = self.left_without_value(stmt, tail) {
                value = left;
                continue;
            }
            let outcome = match stmt {
                Stmt::Local(local) => self.local(local, stmt),
                Stmt::Item(item) => self.item(item),
                Stmt::Expr(Expr::Return(returned), _) if last && tail => {
                    match &returned.expr {
                        Some(expr) => value = self.expr(expr),
                        None => value = Ok(Value::Unit),
                    }
                    continue;
                }
                Stmt::Expr(expr, None) if last && !is_unit(expr) => {
                    self.wanted = self.wanted_of_result(expr, tail);
                    self.tail =
                        tail && matches!(expr, Expr::If(_) | Expr::Match(_) | Expr::Block(_));
                    value = match self.converted_result(expr, tail) {
                        Ok(Some(converted)) => Ok(converted),
                        Ok(None) => self.expr(expr),
                        Err(refusal) => Err(refusal),
                    };
                    self.tail = false;
                    continue;
                }
                Stmt::Expr(expr, semi) => self.statement(expr, semi.is_some(), stmt),
                Stmt::Macro(mac) if last && mac.semi_token.is_none() => {
                    value = self.macro_value(&mac.mac, &mac.mac);
                    continue;
                }
                Stmt::Macro(mac) => self.macro_statement(&mac.mac, stmt),
            };
            match outcome {
                Err(Refusal(Some(error))) => self.errors.add(error),
                Err(Refusal(None)) => self.left_out.push(stmt.to_token_stream()),
                Ok(()) => {}
            }
            if let Some(returned) = self.pending_return.take() {
                return self.unless_returned(returned, stmt, &stmts[i + 1..], tail);
            }
        }
        value
    }

    /// What the type of the result tells of an iterator that gives it.
    fn wanted_of_result(
        &self,
        expr: &Expr,
        tail: bool,
    ) -> Option<(Option<syn::Type>, Option<Ident>)> {
        match (expr, &self.returned) {
            (Expr::MethodCall(call), crate::ty::Returned::Value(value))
                if tail && self.bodies == 0 && call.method == "sum" =>
            {
                Some((syn::parse2(value.written.clone()).ok(), None))
            }
            _ => None,
        }
    }

    /// A last statement that panics or leaves the function without a value.
    fn left_without_value(&mut self, stmt: &Stmt, tail: bool) -> Option<Lowered<Value>> {
        match stmt {
            Stmt::Macro(mac) if is_panic(&mac.mac) => Some(
                self.observed_panic(&mac.mac)
                    .and_then(|()| self.diverge(&mac.mac)),
            ),
            Stmt::Expr(Expr::Return(returned), _) => {
                let without_value = self.wrapped
                    && self.is_on_a_side()
                    && returned.expr.iter().any(|e| self.leaves_without_value(e));
                without_value.then(|| self.diverge(&Expr::Return(returned.clone())))
            }
            // The value of the function.
            Stmt::Expr(expr, None)
                if tail
                    && self.wrapped
                    && self.is_on_a_side()
                    && self.leaves_without_value(expr) =>
            {
                let returned = quote!(return #expr);
                Some(self.diverge(&returned))
            }
            _ => None,
        }
    }

    /// Whether the expression is on a side of a branch.
    fn is_on_a_side(&self) -> bool {
        !self.graph.guards.borrow().is_empty()
    }

    /// What never gives a value is kept as it stands.
    pub(super) fn diverge(&mut self, stmt: &dyn ToTokens) -> Lowered<Value> {
        self.verbatim(&quote!(#stmt;))?;
        Ok(Value::Never)
    }

    /// A panic may print what it is given, and nothing else.
    pub(super) fn observed_panic(&mut self, mac: &syn::Macro) -> Lowered<()> {
        if self.is_inert(mac) || self.observed(mac) {
            return Ok(());
        }
        refuse(
            mac,
            "cannot see what happens to a differentiated value inside this panic\nhelp: pass plain expressions to it",
        )
    }

    /// `if … { return a; }` with the rest of the function as its other side.
    fn with_rest(&self, branch: &syn::ExprIf, rest: &[Stmt]) -> Option<syn::ExprIf> {
        let leaves =
            |block: &syn::Block| matches!(block.stmts.last(), Some(Stmt::Expr(Expr::Return(_), _)));
        // What leaves without a value may stay as it stands.
        let without_value = |block: &syn::Block| match block.stmts.last() {
            Some(Stmt::Expr(Expr::Return(returned), _)) => {
                let text = returned.expr.to_token_stream().to_string();
                self.wrapped && (text == "None" || text.starts_with("Err"))
            }
            _ => false,
        };
        if !leaves(&branch.then_branch) || without_value(&branch.then_branch) {
            return None;
        }
        let block = |stmts: Vec<Stmt>| {
            Expr::Block(syn::ExprBlock {
                attrs: Vec::new(),
                label: None,
                block: syn::Block {
                    brace_token: branch.then_branch.brace_token,
                    stmts,
                },
            })
        };
        let otherwise = match &branch.else_branch {
            None => block(rest.to_vec()),
            Some((_, otherwise)) => match &**otherwise {
                Expr::If(inner) => Expr::If(self.with_rest(inner, rest)?),
                Expr::Block(inner) => {
                    // Its own variables are not those of the rest.
                    let binds = inner
                        .block
                        .stmts
                        .iter()
                        .any(|s| !matches!(s, Stmt::Expr(..)));
                    if binds && !leaves(&inner.block) {
                        return None;
                    }
                    let stmts = inner.block.stmts.iter().chain(rest).cloned();
                    block(stmts.collect())
                }
                _ => return None,
            },
        };
        let mut whole = branch.clone();
        whole.else_branch = Some((Default::default(), Box::new(otherwise)));
        Some(whole)
    }

    /// Keeps a statement that binds no names.
    pub(super) fn verbatim(&mut self, stmt: &dyn ToTokens) -> Lowered<()> {
        let tokens = self.with_fields(stmt.to_token_stream());
        self.check_kept(&tokens)?;
        self.name_parts(&tokens);
        let reads = self.reads(&tokens);
        let kept = self.kept_with_strings(tokens);
        self.place(Step::Verbatim {
            tokens: kept,
            reads,
            binds: Vec::new(),
        });
        Ok(())
    }

    /// Tokens as the companion keeps them; a format string reads its variables under the user's names.
    pub(super) fn kept_with_strings(&self, tokens: TokenStream) -> TokenStream {
        let asserted = self.asserted(&tokens);
        let own: Vec<Ident> = asserted.iter().map(|(ident, _)| ident.clone()).collect();
        let kept = self.kept_but(tokens.clone(), &own);
        let names = self.renamed_in_strings(tokens);
        let names = names.iter().filter(|(ident, _)| !own.contains(ident));
        let lets = names.map(|(ident, new)| quote!(let #ident = &#new;));
        let asserted = asserted
            .iter()
            .map(|(ident, new)| quote!(let #ident = #new;));
        let lets: Vec<TokenStream> = lets.chain(asserted).collect();
        if lets.is_empty() {
            return kept;
        }
        quote!({ #(#lets)* #kept })
    }

    /// The numbers that are called otherwise in the companion, where the words of an assertion are its message.
    fn asserted(&self, tokens: &TokenStream) -> Vec<(Ident, TokenStream)> {
        let asserts = |word: &Ident| *word == "assert" || *word == "debug_assert";
        if !crate::ty::mentions(tokens.clone(), &asserts) {
            return Vec::new();
        }
        let references = self.references_among(tokens);
        let mut names = Vec::new();
        variables(tokens.clone(), &mut names);
        names.sort();
        names.dedup();
        let number = |name: &String| {
            let binding = self.scope.get(name)?;
            let Value::Node(id) = &binding.value else {
                return None;
            };
            let ident = &binding.ident;
            let reference = references.iter().find(|known| known.ident == *ident);
            let new = match reference {
                Some(reference) => reference.itself(),
                None if self.graph.is_matrix(*id) => return None,
                None => self.emitted(ident)?,
            };
            Some((ident.clone(), new))
        };
        names.iter().filter_map(number).collect()
    }

    /// Keeps `let pattern = init;` and gives the names of its variables in the companion.
    pub(super) fn keep_let(&mut self, local: &syn::Local, init: &Expr) -> Lowered<Vec<Ident>> {
        let tokens = init.to_token_stream();
        self.check_kept(&tokens)?;
        self.name_parts(&tokens);
        if let Some((ident, _)) = self.renamed_in_strings(tokens.clone()).first() {
            return refuse(
                init,
                format!(
                    "the format string reads `{ident}`, which is the name of several variables\nhelp: give this one another name"
                ),
            );
        }
        let reads = self.reads(&tokens);
        let init = self.kept(&tokens);
        let mut names = Vec::new();
        pattern_names(&local.pat, &mut names);
        let new: Vec<Ident> = names.iter().map(|n| self.own_name(n)).collect();
        let repeatable = self.is_repeatable(local, &tokens);
        if !repeatable {
            self.kept_names.extend(new.iter().map(ToString::to_string));
        }
        let position = |ident: &Ident| names.iter().position(|n| n == ident);
        let pattern = renamed(&local.pat, &|i| position(i).map(|k| new[k].clone()));
        let otherwise = match &local.init {
            Some(syn::LocalInit {
                diverge: Some((_, diverge)),
                ..
            }) => {
                self.check_kept(&diverge.to_token_stream())?;
                let kept = self.kept(diverge);
                Some(quote!(else #kept))
            }
            _ => None,
        };
        let attrs = &local.attrs;
        let tokens = quote!(#(#attrs)* let #pattern = #init #otherwise;);
        let binds = Vec::new();
        self.place(match repeatable {
            true => Step::Let {
                tokens,
                names: new.clone(),
                binds,
            },
            false => Step::Verbatim {
                tokens,
                reads,
                binds,
            },
        });
        Ok(new)
    }

    /// Whether a loop over the same iterations may have this statement as well.
    fn is_repeatable(&self, local: &syn::Local, init: &TokenStream) -> bool {
        let repeats = self.around.as_ref().is_some_and(|around| around.repeats);
        let in_iteration = repeats && self.steps.len() == 1;
        let plain = match &local.pat {
            Pat::Ident(name) => name.mutability.is_none() && name.by_ref.is_none(),
            _ => false,
        };
        let diverges = local
            .init
            .as_ref()
            .is_some_and(|init| init.diverge.is_some());
        let own = |ident: &Ident| self.kept_names.contains(&ident.to_string());
        // A parameter behind a reference stays, and is in reach everywhere.
        let stays = || {
            let read = self.scope.read_by(init.clone());
            read.iter().all(|binding| match &binding.value {
                Value::Inert(inert) => !inert.mutable,
                Value::Node(id) => {
                    let leaf = self.graph.leaf_of(*id);
                    leaf.is_some_and(|leaf| !binding.active || leaf.form != Form::Owned)
                }
                _ => false,
            })
        };
        in_iteration
            && plain
            && !diverges
            && local.attrs.is_empty()
            && self.is_pure(init)
            && !crate::ty::mentions(self.kept(init), &own)
            && stays()
    }

    /// Whether tokens may be kept here as they stand.
    pub(super) fn check_kept(&self, tokens: &TokenStream) -> Lowered<()> {
        if self.closures > 0 {
            return refuse(
                tokens,
                "this statement cannot be kept inside the closure of an elementwise method: it would run another number of times\nhelp: move it before the closure",
            );
        }
        let read = self.scope.read_by(self.with_fields(tokens.clone()));
        let whole = |b: &&&Binding| matches!(b.value, Value::Record(_) | Value::Fields(_));
        if let Some(binding) = read.iter().find(whole) {
            return refuse(
                tokens,
                format!(
                    "the struct `{0}` is not there as a whole\nhelp: bind its fields before, as in `let x = {0}.x;`",
                    binding.ident
                ),
            );
        }
        let lent = |b: &&&Binding| match &b.value {
            Value::Lent(lent) => self.emitted_lent(lent).is_none(),
            _ => false,
        };
        if let Some(binding) = read.iter().find(lent) {
            return refuse(
                tokens,
                format!(
                    "`{}` borrows what is not there as it stands\nhelp: read the variable itself that it borrows",
                    binding.ident
                ),
            );
        }
        if let Some(found) = leaves_loop(tokens) {
            return refuse(
                found,
                "a loop cannot be left inside of an expression yet\nhelp: use a statement of its own, as in `if … { break; }`",
            );
        }
        match control_flow(tokens.clone(), self.wrapped) {
            Some((found, what)) => refuse(
                found,
                format!(
                    "{what} is not supported here yet: the companion would leave the function with a value of another type\nhelp: bind the value before calling this function and pass it as a parameter"
                ),
            ),
            None => Ok(()),
        }
    }

    pub(super) fn item(&mut self, item: &syn::Item) -> Lowered<()> {
        match item {
            // Items are in scope everywhere in their block, and inert. A named constant may shadow a variable.
            syn::Item::Const(c) => {
                let mut kept = c.clone();
                kept.ident = self.own_name(&c.ident);
                let inert = Inert::plain(kept.ident.to_token_stream(), false);
                let binding = Binding::inert(c.ident.clone(), Value::Inert(inert), false);
                if self.nested == 0 {
                    self.constants.bind(binding.clone());
                }
                self.scope.bind(binding);
                self.place(Step::Verbatim {
                    tokens: kept.to_token_stream(),
                    reads: Vec::new(),
                    binds: Vec::new(),
                });
                Ok(())
            }
            syn::Item::Use(_)
            | syn::Item::Fn(_)
            | syn::Item::Static(_)
            | syn::Item::Struct(_)
            | syn::Item::Enum(_)
            | syn::Item::Type(_)
                if self.nested == 0 =>
            {
                self.place(Step::Verbatim {
                    tokens: item.to_token_stream(),
                    reads: Vec::new(),
                    binds: Vec::new(),
                });
                Ok(())
            }
            other => refuse(
                other,
                "this item is not supported inside a differentiated function\nhelp: move it out of the function",
            ),
        }
    }

    /// What follows may use the names of a statement that could not be read: it must not fail a second time.
    fn poison(&mut self, stmt: &Stmt) {
        let mut names = Vec::new();
        if let Stmt::Local(local) = stmt {
            pattern_names(&local.pat, &mut names);
        }
        for ident in names {
            self.scope.bind(Binding::active(ident, Value::Poison));
        }
    }

    pub(super) fn local(&mut self, local: &syn::Local, stmt: &Stmt) -> Lowered<()> {
        let mut names = Vec::new();
        pattern_names(&local.pat, &mut names);
        let result = self.local_value(local, stmt);
        if let Some(init) = &local.init {
            self.refer(&local.pat, &init.expr);
        }
        if result.is_err() {
            // What follows may use the names: it must not fail a second time.
            for ident in names {
                self.scope.bind(Binding::active(ident, Value::Poison));
            }
        }
        result
    }

    /// Notes which variables of a pattern are references, or views.
    pub(super) fn refer(&mut self, pat: &Pat, init: &Expr) {
        match (pat, init) {
            (pat, Expr::Paren(inner)) => self.refer(pat, &inner.expr),
            (pat, Expr::Group(inner)) => self.refer(pat, &inner.expr),
            (Pat::Type(typed), init) => {
                self.refer(&typed.pat, init);
                self.own_by_type(&typed.pat, &typed.ty);
            }
            (Pat::Paren(inner), init) => self.refer(&inner.pat, init),
            (Pat::Ident(name), init) => {
                let (reference, view) = (self.is_reference(init), self.is_view(init));
                let name = name.ident.unraw().to_string();
                self.scope.refer(&name, reference, view);
                if !view && self.is_copy(init) {
                    self.scope.own(&name);
                }
            }
            (Pat::Tuple(pats), Expr::Tuple(parts)) => {
                for (pat, part) in pats.elems.iter().zip(&parts.elems) {
                    self.refer(pat, part);
                }
            }
            (Pat::Reference(inner), Expr::Reference(of)) => self.refer(&inner.pat, &of.expr),
            (Pat::TupleStruct(some), init) if some.elems.len() == 1 => match init {
                Expr::Call(made) if made.args.len() == 1 => {
                    self.refer(&some.elems[0], &made.args[0]);
                }
                init => self.refer(&some.elems[0], init),
            },
            // What a pattern takes from behind a reference.
            (Pat::Tuple(pats), Expr::MethodCall(call))
                if matches!(
                    call.method.to_string().as_str(),
                    "split_at" | "split_first" | "split_last"
                ) =>
            {
                pats.elems.iter().for_each(|pat| self.refer_all(pat, true));
            }
            (Pat::Slice(slice), init) => {
                let behind = self.is_reference(init);
                let each = slice.elems.iter();
                each.for_each(|pat| self.refer_all(pat, behind || super::matching::is_rest(pat)));
            }
            _ => {}
        }
    }

    /// Notes which variables of a pattern own their values, as their type tells.
    fn own_by_type(&mut self, pat: &Pat, ty: &syn::Type) {
        match (pat, crate::ty::strip(ty)) {
            (Pat::Paren(inner), ty) => self.own_by_type(&inner.pat, ty),
            (Pat::Tuple(pats), syn::Type::Tuple(types)) => {
                for (pat, ty) in pats.elems.iter().zip(&types.elems) {
                    self.own_by_type(pat, ty);
                }
            }
            (Pat::Ident(name), ty) => {
                if let Class::Value(value) = self.context.classify(ty)
                    && value.passing == Passing::Owned
                {
                    self.scope.own(&name.ident.unraw().to_string());
                }
            }
            _ => {}
        }
    }

    /// The names in a pattern of what is behind a reference are references.
    fn refer_all(&mut self, pat: &Pat, behind: bool) {
        match pat {
            Pat::Ident(name) => {
                let name = name.ident.unraw().to_string();
                self.scope.refer(&name, behind, false);
            }
            Pat::Paren(inner) => self.refer_all(&inner.pat, behind),
            Pat::Slice(inner) => {
                let each = inner.elems.iter();
                each.for_each(|pat| self.refer_all(pat, behind));
            }
            Pat::Tuple(inner) => {
                let each = inner.elems.iter();
                each.for_each(|pat| self.refer_all(pat, behind));
            }
            _ => {}
        }
    }

    /// Whether an expression, or what is in the `Option` that it gives, is a reference, as far as the tokens tell.
    pub(super) fn is_reference(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Reference(_) => true,
            Expr::Paren(inner) => self.is_reference(&inner.expr),
            Expr::Group(inner) => self.is_reference(&inner.expr),
            Expr::Try(inner) => self.is_reference(&inner.expr),
            Expr::Path(path) => self.scope.named(path).is_some_and(|known| known.reference),
            Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "as_ref" | "as_slice" | "first" | "get" | "split_first" | "split_last" => true,
                "last" => gives_references(&call.receiver).unwrap_or(true),
                "nth" | "next" | "find" | "max_by" | "min_by" => {
                    gives_references(&call.receiver).unwrap_or(false)
                }
                "unwrap" | "expect" | "filter" => self.is_reference(&call.receiver),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether an expression is a copy for certain, as far as the tokens tell.
    fn is_copy(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Paren(inner) => self.is_copy(&inner.expr),
            Expr::Group(inner) => self.is_copy(&inner.expr),
            Expr::Block(block) => self.is_copied_by(&block.block),
            Expr::If(branch) => self.is_copied_by(&branch.then_branch),
            Expr::Path(path) => self.scope.named(path).is_some_and(|known| known.owned),
            Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Deref(_)),
            Expr::Binary(_) => true,
            Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "clone_owned" | "into_owned" => true,
                // That of a view is a view.
                "clone" => match &*call.receiver {
                    Expr::Path(path) => match self.scope.named(path).map(|known| &known.value) {
                        Some(Value::Node(id)) => {
                            let leaf = self.graph.leaf_of(*id);
                            leaf.is_none_or(|leaf| leaf.form != Form::View)
                        }
                        _ => false,
                    },
                    _ => false,
                },
                _ => false,
            },
            _ => false,
        }
    }

    /// The same of what a block gives.
    fn is_copied_by(&self, block: &syn::Block) -> bool {
        matches!(block.stmts.last(), Some(Stmt::Expr(last, None)) if self.is_copy(last))
    }

    /// Whether an expression is a view, or a reference to one, as far as the tokens tell.
    pub(super) fn is_view(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Reference(inner) => self.is_view(&inner.expr),
            Expr::Paren(inner) => self.is_view(&inner.expr),
            Expr::Group(inner) => self.is_view(&inner.expr),
            Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "row" | "rows" | "column" | "columns" | "fixed_rows" | "fixed_columns" | "view"
                | "fixed_view" | "as_view" => true,
                "clone" => self.is_view(&call.receiver),
                _ => false,
            },
            Expr::Path(path) => self.scope.named(path).is_some_and(|known| known.view),
            _ => false,
        }
    }

    pub(super) fn local_value(&mut self, local: &syn::Local, stmt: &Stmt) -> Lowered<()> {
        let (pat, ty) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            pat => (pat, None),
        };
        let Some(init) = &local.init else {
            return self.unset(pat, ty, stmt);
        };
        if let Some(ty) = ty
            && init.diverge.is_none()
            && !self.is_inert(&init.expr)
            && let Some(value) = self.turned_into(&init.expr, ty)?
        {
            self.check_type(&value, ty)?;
            return self.bind_typed(pat, None, value);
        }
        self.wanted = match (&*init.expr, pat) {
            (Expr::MethodCall(call), Pat::Ident(name))
                if call.method == "sum" || call.method == "collect" =>
            {
                Some((ty.cloned(), Some(name.ident.clone())))
            }
            _ => None,
        };
        if let (Pat::Ident(name), true, None, 0) =
            (pat, self.is_carrying(pat), &init.diverge, self.closures)
        {
            if self.option_variable(name, &init.expr, ty)? {
                return Ok(());
            }
            if let Some(value) = self.first_value(&init.expr, ty)? {
                // A variable that is given differentiated values later is a value of the graph from the beginning.
                self.bind(pat, value)?;
                self.scope.activate(&name.ident.to_string());
                return Ok(());
            }
        }
        if let (Some(closure), Pat::Ident(name)) = (closure_in(&init.expr), pat)
            && init.diverge.is_none()
        {
            return self.closure_local(local, name, &init.expr, closure);
        }
        if let Some((_, diverge)) = &init.diverge
            && (self.exit_of(diverge) != Exit::Diverges || !self.is_inert(&init.expr))
        {
            return refuse(
                diverge,
                "`let … else` is not understood here\nhelp: take the value with `.unwrap()` or `.expect(…)`, or write it among the statements of the function itself",
            );
        }
        if let (true, true) = (self.is_inert(&init.expr), self.closures == 0) {
            return self.inert_local(local, pat, ty, &init.expr);
        }
        let mark = self.mark();
        let value = self.expr(&init.expr)?;
        if let (Value::Untyped(place), Some(ty), Pat::Ident(name)) = (&value, ty, pat) {
            if place.path.is_empty() {
                return self.typed_parameter(name, ty, &init.expr);
            }
            return self.typed_field(place, name, ty, local, &init.expr);
        }
        if let (Value::Inert(inert), 0) = (&value, self.closures)
            && !is_read_apart(&init.expr)
        {
            // An integer or a condition read from an active value: the statement stays, and its names are inert.
            let (hint, varies) = (inert.hint.clone(), inert.varies);
            let mut names = Vec::new();
            pattern_names(pat, &mut names);
            self.roll_back(mark);
            let new = self.keep_let(local, &init.expr)?;
            for (name, new) in names.iter().zip(&new) {
                let hint = if matches!(pat, Pat::Ident(_)) {
                    hint.clone()
                } else {
                    Hint::Unknown
                };
                self.bind_inert(name, new, hint, Form::Owned, varies, is_mutable(pat, name));
            }
            return Ok(());
        }
        self.bind_typed(pat, ty, value)
    }

    /// `value.into()`, where the type is known that it becomes: `T::from(value)`.
    fn turned_into(&mut self, expr: &Expr, ty: &syn::Type) -> Lowered<Option<Value>> {
        let value = super::geometry::without_conversion(expr);
        if std::ptr::eq(value, expr) {
            return Ok(None);
        }
        match crate::ty::strip(ty) {
            syn::Type::Path(path) if path.qself.is_none() => {
                let mut path = path.path.clone();
                for segment in &mut path.segments {
                    if let syn::PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
                        arguments.colon2_token.get_or_insert_default();
                    }
                }
                self.expr(&syn::parse_quote!(#path::from(#value))).map(Some)
            }
            // A static vector as an array.
            syn::Type::Array(_) => self.expr(&syn::parse_quote!((#value).as_slice())).map(Some),
            _ => Ok(None),
        }
    }

    /// The same as the result of the function, the type of which tells.
    fn converted_result(&mut self, expr: &Expr, tail: bool) -> Lowered<Option<Value>> {
        let written = match &self.returned {
            crate::ty::Returned::Value(value) if tail && self.bodies == 0 => value.written.clone(),
            _ => return Ok(None),
        };
        match syn::parse2(written) {
            Ok(ty) if !self.is_inert(expr) => self.turned_into(expr, &ty),
            _ => Ok(None),
        }
    }

    /// `let x;`, which stays where its value carries no derivative.
    fn unset(&mut self, pat: &Pat, ty: Option<&syn::Type>, stmt: &Stmt) -> Lowered<()> {
        let (Pat::Ident(name), 0) = (pat, self.closures) else {
            return refuse(
                stmt,
                "a variable without an initial value is not supported here\nhelp: give it its value here, as in `let x = if … { … } else { … };`",
            );
        };
        let new = self.own_name(&name.ident);
        let mutability = name.mutability;
        let hint = ty.map_or(Hint::Unknown, |ty| self.hint_of_type(ty));
        let ty = ty.map(|ty| quote!(: #ty));
        self.place(Step::Verbatim {
            tokens: quote!(let #mutability #new #ty;),
            reads: Vec::new(),
            binds: Vec::new(),
        });
        self.may_be_left_out(Some(new.clone()));
        self.kept_names.insert(new.to_string());
        if mutability.is_some() {
            self.owned.insert(new.to_string());
        }
        self.scope.bind(Binding::inert(
            name.ident.clone(),
            Value::Unset(Inert {
                tokens: new.to_token_stream(),
                hint,
                reads: Vec::new(),
                varies: true,
                pure: mutability.is_none(),
                mutable: mutability.is_some(),
                leaf: None,
            }),
            true,
        ));
        Ok(())
    }

    /// `let [a, b] = list;`: rustc knows that its length fits.
    fn bind_elements(&mut self, slice: &syn::PatSlice, value: Value) -> Lowered<()> {
        let list = self.fresh("list");
        self.name_value(&value, &list);
        self.scope.bind(Binding::active(list.clone(), value));
        for (pat, place) in places_in(slice, &list) {
            let value = self.expr(&place)?;
            match pat {
                Pat::Rest(_) => {}
                Pat::Ident(name) => {
                    let name = syn::PatIdent {
                        subpat: None,
                        ..name.clone()
                    };
                    self.bind(&Pat::Ident(name), value)?;
                }
                pat => self.bind(pat, value)?,
            }
        }
        Ok(())
    }

    /// Binds a pattern to an active value of the type that a `let` tells.
    pub(super) fn bind_typed(
        &mut self,
        pat: &Pat,
        ty: Option<&syn::Type>,
        value: Value,
    ) -> Lowered<()> {
        let value = match (value, ty) {
            (Value::Called(call, part), Some(ty)) => self.called_as(call, &part, ty)?,
            (value, _) => value,
        };
        if let Some(ty) = ty {
            self.check_type(&value, ty)?;
        }
        self.bind(pat, value)
    }

    /// The first value of a variable of the graph; `None` if it is nothing that the graph has.
    pub(super) fn first_value(
        &mut self,
        init: &Expr,
        ty: Option<&syn::Type>,
    ) -> Lowered<Option<Value>> {
        if self.empty_list(init) {
            return Ok(Some(self.empty_list_of(ty)?));
        }
        let mark = self.mark();
        if let Expr::Struct(literal) = init {
            return self.first_fields(literal);
        }
        let value = match self.repeated(init)? {
            Some(list) => Ok(list),
            None => match self.copied_list(init)? {
                Some(list) => Ok(list),
                None => self.expr(init),
            },
        };
        let value = match value {
            Ok(Value::List(values)) => match self.listed_columns(&values, init)? {
                Some(columns) => Ok(columns),
                None => {
                    let column = self.column_of_list(values, init);
                    column.map(Value::Slice)
                }
            },
            value => value,
        };
        let kept = match &value {
            Ok(Value::Slice(_) | Value::Columns(..)) => true,
            Ok(value @ Value::Node(id)) => {
                self.graph.kind(*id).elem == Elem::Real
                    && ty.is_none_or(|ty| self.check_type(value, ty).is_ok())
            }
            Ok(Value::Tuple(parts)) if ty.is_none() => parts.iter().all(
                |part| matches!(part, Value::Node(id) if self.graph.kind(*id).elem == Elem::Real),
            ),
            _ => false,
        };
        if kept {
            return value.map(Some);
        }
        self.roll_back(mark);
        Ok(None)
    }

    /// `[value; n]` or `vec![value; n]`, as a vector that is a list.
    fn repeated(&mut self, init: &Expr) -> Lowered<Option<Value>> {
        let (value, count) = match init {
            Expr::Repeat(repeat) => ((*repeat.expr).clone(), (*repeat.len).clone()),
            Expr::Macro(mac) if mac.mac.path.is_ident("vec") => {
                let tokens = mac.mac.tokens.clone();
                match syn::parse2::<syn::ExprRepeat>(quote!([#tokens])) {
                    Ok(repeat) => (*repeat.expr, *repeat.len),
                    Err(_) => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let init_value = value.clone();
        let inner = self.repeated(&value)?;
        let value = match inner {
            Some(list) => list,
            None => self.expr(&value)?,
        };
        let value = match (&value, &init_value) {
            (Value::Inert(_), Expr::Path(path)) if is_real_constant(path) => {
                Value::Node(self.node(&value, init, &Kind::SCALAR)?)
            }
            _ => value,
        };
        let (id, columns) = match value {
            Value::Node(id) if self.graph.kind(id) == Kind::SCALAR => (id, None),
            Value::Node(id) if self.graph.kind(id).elem == Elem::Real => {
                match self.graph.shape(id).map(|shape| shape.cols) {
                    Some(crate::graph::Dim::Static(width)) => (id, Some(Columns::Matrices(width))),
                    _ => return Ok(None),
                }
            }
            Value::Slice(id) => (id, Some(Columns::Lists)),
            _ => return Ok(None),
        };
        if let Some(columns) = columns {
            return self.repeated_columns(id, columns, (&count, init)).map(Some);
        }
        let rows = match init {
            Expr::Repeat(_) => crate::ty::constant_size(&count),
            _ => self.number_of(&count)?,
        };
        let kind = Kind::matrix(Shape::new(rows, crate::graph::Dim::Static(1)));
        let filled = self.exact_of(crate::rules::Op::Fill, vec![id], kind, init)?;
        Ok(Some(Value::Slice(filled)))
    }

    /// Whether the pattern is a variable that changes, and is given differentiated values somewhere.
    fn is_carrying(&self, pat: &Pat) -> bool {
        let Pat::Ident(name) = pat else { return false };
        name.mutability.is_some() && self.changing.contains(&name.ident.unraw().to_string())
    }

    pub(super) fn inert_local(
        &mut self,
        local: &syn::Local,
        pat: &Pat,
        ty: Option<&syn::Type>,
        init: &Expr,
    ) -> Lowered<()> {
        let mut names = Vec::new();
        pattern_names(pat, &mut names);
        let varies = self.varies(&init.to_token_stream());
        // Only the kinds are wanted here: what reading it placed is taken back.
        let (mark, guesses) = (self.mark(), self.guesses);
        let value = self.expr(init).unwrap_or(Value::Poison);
        let guessed = self.guesses > guesses;
        self.roll_back(mark);
        let declared = match ty {
            None => self.declared(init),
            Some(ty) => Declared::Type(ty.clone()),
        };
        let declared = declared.taken_by(pat);
        let new = self.keep_let(local, init)?;
        // What is behind a mutable reference may change as well.
        let mutable_reference =
            crate::ty::mentions(init.to_token_stream(), &|ident| ident == "mut");
        let lends = matches!(ty, Some(syn::Type::Reference(_))) || self.may_lend(init);
        for (name, new) in names.iter().zip(&new) {
            if !lends && is_mutable(pat, name) {
                self.owned.insert(new.to_string());
            }
            let value = match (&value, pat) {
                (Value::Tuple(parts), Pat::Tuple(tuple)) if tuple.elems.len() == parts.len() => {
                    let place = tuple
                        .elems
                        .iter()
                        .position(|p| matches!(p, Pat::Ident(p) if p.ident == *name));
                    place.map_or(Value::Poison, |i| parts[i].clone())
                }
                (value, Pat::Ident(_)) => value.clone(),
                _ => Value::Poison,
            };
            let known = declared.iter().find(|(own, _)| own == name);
            let known = known.map(|(_, known)| known);
            let hint = match (known, &value) {
                (Some(Declared::Type(own)), _) if ty.is_some() => self.hint_of_type(own),
                (_, Value::Node(id)) if !guessed => match self.graph.kind(*id) {
                    Kind {
                        elem: Elem::Real,
                        shape: None,
                    } => Hint::Real,
                    Kind {
                        elem: Elem::Real,
                        shape: Some(shape),
                    } => Hint::Matrix(shape),
                    Kind {
                        elem: Elem::Bool, ..
                    } => Hint::Bool,
                    _ => Hint::Unknown,
                },
                (_, Value::Geometric(geometric)) => self.hint_of_geometric(geometric),
                (_, Value::Inert(inert)) if inert.hint != Hint::Unknown => inert.hint.clone(),
                (Some(known), _) => self.hint_of_declared(known),
                _ => Hint::Unknown,
            };
            let form = match known {
                Some(known) if known.is_reference() => Form::Borrowed,
                Some(Declared::Type(_)) if !matches!(pat, Pat::Ident(_)) => Form::Owned,
                _ => self.form_of(part_of(pat, init, name)),
            };
            self.bind_inert(
                name,
                new,
                hint,
                form,
                varies,
                mutable_reference || is_mutable(pat, name),
            );
            self.scope.declare(name, known.cloned());
        }
        Ok(())
    }

    /// Whether what an inert expression gives may be a way to change something else.
    fn may_lend(&self, init: &Expr) -> bool {
        let mut names = Vec::new();
        crate::scope::variables(init.to_token_stream(), &mut names);
        let mutable_places = crate::ty::mentions(init.to_token_stream(), &|ident| {
            *ident == "mut" || ident.to_string().ends_with("_mut")
        });
        mutable_places
            || names.iter().any(|name| {
                let binding = self.scope.get(name);
                matches!(binding.map(|b| &b.value), Some(Value::Inert(inert)) if inert.mutable && !self.owned.contains(&inert.tokens.to_string()))
            })
    }

    /// Binds a name of an inert statement that is kept.
    pub(super) fn bind_inert(
        &mut self,
        ident: &Ident,
        new: &Ident,
        hint: Hint,
        form: Form,
        varies: bool,
        mutable: bool,
    ) {
        let name = new.to_token_stream();
        let leaf = |lower: &mut Self, kind: Kind, form| {
            lower.graph.leaf(Leaf {
                name: name.clone(),
                kind,
                form,
                varies,
            })
        };
        let value = match (&hint, mutable) {
            (Hint::Real, false) => {
                let form = match form {
                    Form::Borrowed => Form::Borrowed,
                    Form::Owned | Form::View => Form::Owned,
                };
                Value::Node(leaf(self, Kind::SCALAR, form))
            }
            (Hint::Matrix(shape), false) => {
                let dim = |d: &crate::graph::Dim| match d {
                    crate::graph::Dim::Dynamic(_) => Extent::Dynamic,
                    known => Extent::Known(known.clone()),
                };
                let ty = crate::ty::Value {
                    real: self.real.clone(),
                    extents: Some((dim(&shape.rows), dim(&shape.cols))),
                    passing: Passing::Owned,
                    written: TokenStream::new(),
                };
                Value::Node(self.leaf_of_type(name, &ty, form, varies))
            }
            (Hint::Bool, false) => Value::Node(leaf(self, Kind::BOOL, Form::Owned)),
            _ => {
                let leaf =
                    (hint == Hint::Int && !mutable).then(|| leaf(self, Kind::INT, Form::Owned));
                Value::Inert(Inert {
                    tokens: name.clone(),
                    hint,
                    reads: Vec::new(),
                    varies,
                    pure: !mutable,
                    mutable,
                    leaf,
                })
            }
        };
        if let Value::Node(id) | Value::Inert(Inert { leaf: Some(id), .. }) = &value {
            self.bound_by_last(*id);
        }
        self.scope
            .bind(Binding::inert(ident.clone(), value, varies));
    }

    /// A leaf that the statement before binds.
    pub(crate) fn bound_by_last(&mut self, leaf: crate::graph::Id) {
        self.graph.keep_local(leaf);
        if let Some(Placed {
            step: Step::Verbatim { binds, .. } | Step::Let { binds, .. },
            ..
        }) = self.steps.last_mut().and_then(|s| s.last_mut())
        {
            binds.push(leaf);
        }
    }

    /// Whether the value of an inert expression is a reference.
    pub(super) fn form_of(&self, expr: &Expr) -> Form {
        match expr {
            Expr::Paren(inner) => self.form_of(&inner.expr),
            Expr::Group(inner) => self.form_of(&inner.expr),
            Expr::Reference(_) => Form::Borrowed,
            Expr::Path(path) => match path
                .path
                .get_ident()
                .and_then(|n| self.scope.get(&n.to_string()))
            {
                Some(Binding {
                    value: Value::Node(id),
                    ..
                }) => self.graph.leaf_of(*id).map_or(Form::Owned, |l| l.form),
                _ => Form::Owned,
            },
            Expr::MethodCall(call) if crate::surface::gives_view(&call.method.to_string()) => {
                Form::View
            }
            _ => Form::Owned,
        }
    }

    pub(super) fn hint_of_type(&mut self, ty: &syn::Type) -> Hint {
        match self.context.classify(ty) {
            Class::Value(value) if value.real == self.real => match &value.extents {
                // A reference to a scalar is not a scalar in every place.
                None if value.passing == Passing::Owned => Hint::Real,
                None => Hint::Unknown,
                Some((rows, cols)) => {
                    self.types.push((value.written.clone(), value.clone()));
                    let dim = |e: &Extent| match e {
                        Extent::Known(dim) => dim.clone(),
                        _ => crate::graph::Dim::Dynamic(u32::MAX),
                    };
                    Hint::Matrix(Shape::new(dim(rows), dim(cols)))
                }
            },
            _ => match self.context.geometric(ty, &self.real) {
                Some((frame, size, reference)) => {
                    self.pin_geometric_type(ty);
                    Hint::Geometric {
                        frame,
                        size,
                        reference,
                    }
                }
                None => hint_of_plain_type(ty),
            },
        }
    }

    /// `let x: &Vector3<f64> = x;` tells the type of a parameter of a user's type.
    pub(super) fn typed_parameter(
        &mut self,
        name: &syn::PatIdent,
        ty: &syn::Type,
        init: &Expr,
    ) -> Lowered<()> {
        let Class::Value(value) = self.context.classify(ty) else {
            return refuse(
                ty,
                format!(
                    "`{}` is not a type of nalgebra's that can be differentiated\nhelp: name one, as in `&Vector3<f64>`",
                    text(ty)
                ),
            );
        };
        if value.real != self.real {
            return refuse(
                ty,
                format!(
                    "this function computes with `{0}`, so its parameters have to be made of `{0}`",
                    self.real.to_token_stream()
                ),
            );
        }
        self.types.push((value.written.clone(), value.clone()));
        let written = quote!(let #name: #ty = #init;);
        self.place(Step::Verbatim {
            tokens: written,
            reads: Vec::new(),
            binds: Vec::new(),
        });
        let form = if value.passing == Passing::Owned {
            Form::Owned
        } else {
            Form::Borrowed
        };
        let id = self.leaf_of_type(name.ident.to_token_stream(), &value, form, true);
        self.sources.push(id);
        let own = init.to_token_stream().to_string();
        let known = self.parameters.iter_mut().find(|p| p.0 == own);
        if let Some((_, sources)) = known {
            *sources = Some(Sources::One(id.0 as usize));
        }
        self.active.clear();
        self.scope
            .bind(Binding::active(name.ident.clone(), Value::Node(id)));
        Ok(())
    }

    /// A type given to an active value must be one that the macro understands.
    pub(super) fn check_type(&mut self, value: &Value, ty: &syn::Type) -> Lowered<()> {
        if let Value::Geometric(geometric) = value {
            let known = self.context.geometric(ty, &self.real);
            if known.is_some_and(|(frame, ..)| frame == geometric.frame) {
                self.pin_geometric_type(ty);
                return Ok(());
            }
            if !matches!(ty, syn::Type::Infer(_)) {
                return Err(self.refuse_geometric(geometric, ty.to_token_stream()));
            }
        }
        let kind = match value {
            Value::Node(id) => self.graph.kind(*id),
            // One of the entries of a matrix.
            Value::Entry(_) => Kind::SCALAR,
            _ => return Ok(()),
        };
        match self.context.classify(ty) {
            Class::Value(known) => {
                if known.real != self.real || known.extents.is_some() != kind.is_matrix() {
                    return refuse(
                        ty,
                        format!(
                            "this value is not a `{}`\nhelp: what a call returns is taken for a number where its type is not known: bind it first, as in `let v: {} = …;`",
                            text(ty),
                            text(ty)
                        ),
                    );
                }
                if known.extents.is_some() {
                    self.types.push((known.written.clone(), known));
                }
                Ok(())
            }
            _ if matches!(ty, syn::Type::Infer(_)) || kind.elem != Elem::Real => Ok(()),
            _ => refuse(
                ty,
                format!(
                    "cannot follow a differentiated value into the type `{}`\nhelp: use `{}` or a matrix of it",
                    text(ty),
                    self.real.to_token_stream()
                ),
            ),
        }
    }

    /// What the user calls a value that has no name yet.
    pub(super) fn name_value(&mut self, value: &Value, ident: &Ident) {
        if let (Value::Node(id) | Value::Entry(id) | Value::Slice(id) | Value::Columns(id, _), 0) =
            (value, self.closures)
        {
            let named = self.graph.names.borrow().contains_key(id);
            if !named && self.graph.leaf_of(*id).is_none() {
                let own = self.own_name(ident);
                self.graph.names.borrow_mut().insert(*id, own);
            }
        }
    }

    /// Binds a pattern to an active value.
    pub(super) fn bind(&mut self, pat: &Pat, value: Value) -> Lowered<()> {
        if let (Value::Inert(inert), true) = (&value, self.closures > 0)
            && !inert.pure
            && may_have_effect(&inert.tokens)
        {
            return refuse_in_closure(inert);
        }
        match (pat, value) {
            (Pat::Ident(name), value) => {
                if name.by_ref.is_some() && name.mutability.is_some() {
                    return refuse(
                        name,
                        "`ref mut` borrows for mutation, which is not supported for a differentiated value\nhelp: bind a plain name, and compute a new value",
                    );
                }
                if let Some((_, inner)) = &name.subpat {
                    self.bind(inner, value.clone())?;
                }
                let value = match value {
                    Value::Record(fields) if name.mutability.is_some() && self.closures == 0 => {
                        return self.bind_record(name, fields);
                    }
                    value => self.copied(name, value)?,
                };
                if let (Value::Inert(inert), 0) = (&value, self.closures)
                    && (inert.leaf.is_none() || inert.mutable || name.mutability.is_some())
                {
                    // An inert part of an active value gets its own statement.
                    let new = self.own_name(&name.ident);
                    let (tokens, mutability) = (&inert.tokens, name.mutability);
                    self.place(Step::Verbatim {
                        tokens: quote!(let #mutability #new = #tokens;),
                        reads: inert.reads.clone(),
                        binds: Vec::new(),
                    });
                    self.kept_names.insert(new.to_string());
                    let (hint, varies) = (inert.hint.clone(), inert.varies);
                    let mutable = mutability.is_some();
                    if mutable {
                        self.owned.insert(new.to_string());
                    }
                    self.bind_inert(&name.ident, &new, hint, Form::Owned, varies, mutable);
                    return Ok(());
                }
                if let Value::Called(call, part) = &value
                    && !self
                        .called_names
                        .iter()
                        .any(|(of, at, _)| of == call && at == part)
                {
                    self.name_called(*call, part, &name.ident);
                }
                self.name_value(&value, &name.ident);
                if let Value::Geometric(geometric) = &value {
                    self.name_coordinates(&name.ident, geometric);
                }
                let active = self.is_active_value(&value);
                let varies = match &value {
                    Value::Node(id) | Value::Entry(id) => self.graph.varies(*id),
                    Value::Inert(inert) => inert.varies,
                    _ => true,
                };
                self.scope.bind(Binding {
                    active,
                    ..Binding::inert(name.ident.clone(), value, varies)
                });
                Ok(())
            }
            (Pat::Wild(_), _) => Ok(()),
            (Pat::Type(typed), value) => {
                self.check_type(&value, &typed.ty)?;
                self.bind(&typed.pat, value)
            }
            (Pat::Paren(inner), value) => self.bind(&inner.pat, value),
            (Pat::Tuple(tuple), Value::Called(call, part))
                if !tuple.elems.iter().any(|p| matches!(p, Pat::Rest(_))) =>
            {
                let parts = self.parts_of_call(call, &part, tuple.elems.len());
                for (pat, part) in tuple.elems.iter().zip(parts) {
                    self.bind(pat, part)?;
                }
                Ok(())
            }
            // What is behind a reference that stays Rust.
            (Pat::Reference(inner), Value::Inert(inert)) if inner.mutability.is_none() => {
                let tokens = match syn::parse2::<Expr>(inert.tokens.clone()) {
                    Ok(Expr::Reference(of)) => of.expr.to_token_stream(),
                    _ => {
                        let tokens = &inert.tokens;
                        quote!(*#tokens)
                    }
                };
                self.bind(&inner.pat, Value::Inert(Inert { tokens, ..inert }))
            }
            (Pat::Slice(slice), Value::Called(call, part))
                if !slice.elems.iter().any(|p| matches!(p, Pat::Rest(_))) =>
            {
                let length = crate::graph::Dim::Static(slice.elems.len());
                let list = self.called_list(call, &part, Some(length), pat)?;
                self.bind(pat, list)
            }
            (Pat::Reference(inner), value) if inner.mutability.is_none() => {
                self.bind(&inner.pat, value)
            }
            (Pat::Tuple(tuple), Value::Tuple(values)) => {
                let Some(pairs) = paired(tuple.elems.iter().collect(), &values) else {
                    return refuse(pat, format!("this tuple has {} parts", values.len()));
                };
                pairs
                    .into_iter()
                    .try_for_each(|(pat, value)| self.bind(pat, value))
            }
            (Pat::Slice(slice), value) if self.is_list(&value) => {
                let value = as_slice(value);
                let entries = self.entries_of(&value, pat)?;
                let elems: Vec<&Pat> = slice.elems.iter().collect();
                if let Some(pairs) = entries.and_then(|entries| paired(elems, &entries)) {
                    return pairs
                        .into_iter()
                        .try_for_each(|(pat, value)| self.bind(pat, value));
                }
                self.bind_elements(slice, value)
            }
            (Pat::Struct(pattern), Value::Record(fields)) => {
                for field in &pattern.fields {
                    let name = field.member.to_token_stream().to_string();
                    let Some((_, value)) = fields.iter().find(|(own, _)| *own == name) else {
                        return refuse(field, format!("this struct has no field `{name}`"));
                    };
                    self.bind(&field.pat, value.clone())?;
                }
                Ok(())
            }
            // An inert part of an active value is taken apart by its own statement.
            (Pat::Tuple(_), Value::Inert(inert)) if self.closures == 0 => {
                let mut names = Vec::new();
                pattern_names(pat, &mut names);
                let new: Vec<Ident> = names.iter().map(|name| self.own_name(name)).collect();
                let position = |ident: &Ident| names.iter().position(|name| name == ident);
                let pattern = renamed(pat, &|ident| position(ident).map(|k| new[k].clone()));
                let tokens = &inert.tokens;
                self.place(Step::Verbatim {
                    tokens: quote!(let #pattern = #tokens;),
                    reads: inert.reads.clone(),
                    binds: Vec::new(),
                });
                for (name, new) in names.iter().zip(&new) {
                    self.kept_names.insert(new.to_string());
                    let mutable = is_mutable(pat, name);
                    let (hint, varies) = (Hint::Unknown, inert.varies);
                    self.bind_inert(name, new, hint, Form::Owned, varies, mutable);
                }
                Ok(())
            }
            (_, Value::Poison) => Err(Refusal(None)),
            (Pat::Struct(_) | Pat::TupleStruct(_) | Pat::Tuple(_), Value::Untyped(place)) => {
                self.bind_fields(pat, &place)
            }
            (pat, _) => refuse(
                pat,
                format!(
                    "the pattern `{}` is not supported for a differentiated value yet\nhelp: bind names, or tuples of names",
                    text(pat)
                ),
            ),
        }
    }

    pub(super) fn statement(&mut self, expr: &Expr, semi: bool, stmt: &Stmt) -> Lowered<()> {
        let leaves = leaves_loop(&expr.to_token_stream()).is_some()
            || super::exits::returns_value(expr.to_token_stream(), self.wrapped)
                && (self.is_in_loop()
                    || matches!(expr, Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_)));
        if self.is_inert(expr) && !leaves && !self.changes_value(expr.to_token_stream()) {
            // The last one of a block is no longer the last.
            return match expr {
                Expr::Assign(_) | Expr::Binary(_) | Expr::MethodCall(_) | Expr::Call(_)
                    if !semi =>
                {
                    self.verbatim(&quote!(#expr;))
                }
                _ => self.verbatim(stmt),
            };
        }
        match expr {
            Expr::Macro(mac) => self.macro_statement(&mac.mac, stmt),
            Expr::Block(block) if block.label.is_none() => {
                self.nested_block(&block.block).map(|_| ())
            }
            // A branch that only looks: assertions and prints.
            Expr::If(_) if !leaves && self.only_observes(expr) => self.verbatim(stmt),
            _ => {
                let mark = self.mark();
                match self.form(expr)? {
                    Value::Inert(mut inert) if is_read_apart(expr) => {
                        self.evaluate(&mut inert);
                        Ok(())
                    }
                    Value::Inert(_) => {
                        self.roll_back(mark);
                        self.verbatim(stmt)
                    }
                    Value::Unit => Ok(()),
                    Value::Called(..) if let_go(expr) => refuse(
                        expr,
                        format!(
                            "what becomes of a differentiated value in `{}` cannot be followed\nhelp: keep it in a variable or a list of its own, and use what a method returns",
                            text(expr)
                        ),
                    ),
                    // Evaluated for nothing; what may panic was placed.
                    _ if semi => Ok(()),
                    _ => refuse(
                        expr,
                        "the value of this expression is not used\nhelp: bind it with `let`",
                    ),
                }
            }
        }
    }

    /// Whether a variable is assigned to that is a value here, and no variable of the companion.
    fn changes_value(&self, tokens: TokenStream) -> bool {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let sign = |i: usize| match trees.get(i) {
            Some(TokenTree::Punct(punct)) => punct.as_char(),
            _ => ' ',
        };
        trees.iter().enumerate().any(|(i, tree)| match tree {
            TokenTree::Group(group) => self.changes_value(group.stream()),
            TokenTree::Ident(name) => {
                let assigned = match (sign(i + 1), sign(i + 2)) {
                    ('=', after) => after != '=' && after != '>',
                    ('+' | '-' | '*' | '/' | '%', after) => after == '=',
                    _ => false,
                };
                let binding = self.scope.get(&name.to_string());
                assigned && binding.is_some_and(|b| matches!(b.value, Value::Node(_)))
            }
            _ => false,
        })
    }

    pub(super) fn macro_statement(&mut self, mac: &syn::Macro, stmt: &Stmt) -> Lowered<()> {
        let name = mac.path.segments.last().map(|s| s.ident.clone());
        let inert = self.is_inert(mac);
        match name {
            Some(name) if is_observer(&name) && !self.observed(mac) => refuse(
                mac,
                format!(
                    "cannot see what happens to a differentiated value inside `{name}!`\nhelp: pass plain expressions to it, and call other functions with nothing else"
                ),
            ),
            Some(name) if is_observer(&name) => self.verbatim(stmt),
            Some(name) if !inert => refuse(
                mac,
                format!(
                    "cannot see what the macro `{name}!` does with a differentiated value\nhelp: write out what it stands for; `assert!`, `println!`, `vector!` and `matrix!` are known"
                ),
            ),
            _ => self.verbatim(stmt),
        }
    }
}

/// For each statement, the variables that those after it change.
fn changed_after(stmts: &[Stmt]) -> Vec<Rc<HashSet<String>>> {
    let (mut later, mut all) = (Vec::new(), Rc::<HashSet<String>>::default());
    for stmt in stmts.iter().rev() {
        later.push(all.clone());
        let changed = super::assigned::assigned(stmt.to_token_stream());
        if changed.iter().any(|name| !all.contains(name)) {
            Rc::make_mut(&mut all).extend(changed);
        }
    }
    later.reverse();
    later
}

/// What a name in a pattern is bound to, where that is written out.
fn part_of<'e>(pat: &Pat, init: &'e Expr, name: &Ident) -> &'e Expr {
    match (pat, init) {
        (Pat::Paren(inner), _) => part_of(&inner.pat, init, name),
        (_, Expr::Paren(inner)) => part_of(pat, &inner.expr, name),
        (Pat::Tuple(pats), Expr::Tuple(parts)) if pats.elems.len() == parts.elems.len() => {
            let mut both = pats.elems.iter().zip(&parts.elems);
            let binds = |pat: &Pat| {
                let mut names = Vec::new();
                pattern_names(pat, &mut names);
                names.contains(name)
            };
            both.find(|(pat, _)| binds(pat))
                .map_or(init, |(pat, part)| part_of(pat, part, name))
        }
        _ => init,
    }
}

/// Whether it is a method whose value nobody reads: it is called for what it does.
fn let_go(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => let_go(&inner.expr),
        Expr::Group(inner) => let_go(&inner.expr),
        expr => matches!(expr, Expr::MethodCall(_)),
    }
}

/// Whether what an expression does is followed step by step, so that it cannot stay as it stands.
fn is_read_apart(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_read_apart(&inner.expr),
        Expr::Group(inner) => is_read_apart(&inner.expr),
        Expr::Match(_) | Expr::If(_) | Expr::Block(_) | Expr::Call(_) => true,
        _ => false,
    }
}

/// Whether an expression without `;` is a statement all the same: its value is `()`.
fn is_unit(expr: &Expr) -> bool {
    let is_unit_block = |block: &syn::Block| match block.stmts.last() {
        None | Some(Stmt::Local(_) | Stmt::Item(_)) => true,
        Some(Stmt::Macro(mac)) => mac.semi_token.is_some(),
        Some(Stmt::Expr(Expr::Return(_), _)) => false,
        Some(Stmt::Expr(expr, semi)) => semi.is_some() || is_unit(expr),
    };
    match expr {
        Expr::If(branch) => is_unit_block(&branch.then_branch),
        Expr::Block(block) => is_unit_block(&block.block),
        Expr::Loop(each) => {
            let label = each.label.as_ref().map(|l| l.name.ident.to_string());
            broken_with(each.body.to_token_stream(), label.as_deref(), false).is_none()
        }
        Expr::ForLoop(_)
        | Expr::While(_)
        | Expr::Assign(_)
        | Expr::Break(_)
        | Expr::Continue(_) => true,
        Expr::Binary(binary) => {
            binary.op.to_token_stream().to_string().ends_with("=")
                && !matches!(
                    binary.op,
                    syn::BinOp::Eq(_) | syn::BinOp::Ne(_) | syn::BinOp::Le(_) | syn::BinOp::Ge(_)
                )
        }
        _ => false,
    }
}

/// The names that a pattern binds.
pub fn pattern_names(pat: &Pat, into: &mut Vec<Ident>) {
    match pat {
        Pat::Ident(name) => {
            into.push(name.ident.clone());
            if let Some((_, inner)) = &name.subpat {
                pattern_names(inner, into);
            }
        }
        Pat::Type(typed) => pattern_names(&typed.pat, into),
        Pat::Paren(inner) => pattern_names(&inner.pat, into),
        Pat::Reference(inner) => pattern_names(&inner.pat, into),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|p| pattern_names(p, into)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|p| pattern_names(p, into)),
        Pat::Slice(slice) => slice.elems.iter().for_each(|p| pattern_names(p, into)),
        Pat::Struct(fields) => fields
            .fields
            .iter()
            .for_each(|f| pattern_names(&f.pat, into)),
        Pat::Or(or) => or.cases.iter().for_each(|p| pattern_names(p, into)),
        _ => {}
    }
}

pub(super) fn is_mutable(pat: &Pat, name: &Ident) -> bool {
    // `mut` before the name, or a reference of which the macro does not know whether it is exclusive.
    let trees: Vec<proc_macro2::TokenTree> = flat(pat.to_token_stream());
    trees
        .windows(2)
        .any(|pair| pair[0].to_string() == "mut" && *name == pair[1].to_string())
}

fn flat(tokens: TokenStream) -> Vec<proc_macro2::TokenTree> {
    tokens
        .into_iter()
        .flat_map(|tree| match tree {
            proc_macro2::TokenTree::Group(group) => flat(group.stream()),
            other => vec![other],
        })
        .collect()
}

/// Whether a path is a constant of the number types: `f64::INFINITY`, `std::f64::consts::PI`.
fn is_real_constant(path: &syn::ExprPath) -> bool {
    let mut segments = path.path.segments.iter();
    path.path.segments.len() > 1 && segments.any(|s| s.ident == "f64" || s.ident == "f32")
}

/// Whether an iterator gives references, if it is one.
fn gives_references(iterator: &Expr) -> Option<bool> {
    let Expr::MethodCall(call) = iterator else {
        return None;
    };
    match call.method.to_string().as_str() {
        "iter" => Some(true),
        "rev" | "skip" | "take" | "step_by" | "filter" | "take_while" | "chain" | "cycle" => {
            gives_references(&call.receiver)
        }
        "copied" | "cloned" | "map" | "filter_map" | "flat_map" | "map_while" | "zip"
        | "enumerate" | "windows" | "chunks" | "chunks_exact" => Some(false),
        _ => None,
    }
}
