//! `match`, `if let` and `let … else`: a chain of branches, a condition for each pattern.
//!
//! The conditions of inert values are `matches!` of the pattern, what a pattern binds is taken out on its side; those
//! of differentiated numbers are comparisons. The last arm is the `else` of the chain: that nothing is left over is
//! rustc's to see to, in the function itself.

use super::{Lower, Lowered, refuse};
use crate::error::text;
use crate::graph::{Elem, Form, Gives, Guard, Id, Kind, Leaf, Step};
use crate::rules::{Comparison, Op};
use crate::scope::{Binding, Hint, Inert, Lent, Made, Value};
use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Expr, Pat, Stmt};

/// A pattern, and what happens where it fits.
#[derive(Clone, Copy)]
pub(super) struct Arm<'a> {
    pub pat: &'a Pat,
    pub guard: Option<&'a Expr>,
    pub body: Body<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Body<'a> {
    Expr(&'a Expr),
    Block(&'a syn::Block),
    /// The statements after a `let … else`.
    Rest(&'a [Stmt]),
    /// The other conditions of `if let … && …`.
    Chain(&'a [&'a Expr], &'a Body<'a>, &'a Body<'a>),
    /// What is not in the innermost blocks, which bind names of patterns: only so many surround it.
    Outside(usize, &'a Body<'a>),
    Nothing,
}

/// The statements after a `match` of which an arm returns, and the pattern that its value is bound to.
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    pub pat: Option<&'a Pat>,
    pub stmts: &'a [Stmt],
}

/// How an arm ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// With a value of its own.
    Goes,
    /// It returns one from the function.
    Returns,
    /// It panics, or leaves the function without a value.
    Diverges,
}

/// Whether a pattern fits.
enum Test {
    Always,
    Never,
    When(Value),
}

/// A part of the value that a pattern binds.
enum Taken<'a> {
    Value(&'a syn::PatIdent, Value),
    /// What is read on the side where the pattern fits: `list[0]`.
    Place(&'a syn::PatIdent, Expr),
    /// By a `let` of its own.
    Kept(&'a Pat, Inert),
}

pub(crate) const OPTION_OF_A_CALL: &str = "this call gives an `Option` or a `Result`, which is not there as a whole where it is read as it stands, as by a macro that prints it\nhelp: take the value out of it first, and read that";

pub(crate) const OPTION_ON_A_SIDE: &str = "whether this call gives a value is looked at on one side of a branch, and it is made before\nhelp: take its value where it is made, or make the call on that side";

/// What to write in place of an `Option` that changes.
pub(crate) const OPTION_APART: &str = "keep the value and whether there is one in two variables, as in `let mut best = 0.0;` and `let mut found = false;`";

impl Lower<'_> {
    /// `match e { … }`
    pub(super) fn match_on(&mut self, each: &syn::ExprMatch, rest: Option<Rest>) -> Lowered<Value> {
        let tail = std::mem::take(&mut self.tail);
        let subject = self.subject(&each.expr)?;
        let arms: Vec<Arm> = each
            .arms
            .iter()
            .map(|arm| Arm {
                pat: &arm.pat,
                guard: arm.guard.as_ref().map(|(_, guard)| &**guard),
                body: Body::Expr(&arm.body),
            })
            .collect();
        self.test_before(&subject, &arms)?;
        self.tail = tail;
        let value = self.matched(&subject, &arms, rest, &Expr::Match(each.clone()));
        if value.is_err() {
            self.seek_options(|lower| {
                for arm in &each.arms {
                    let _ = lower.expr(&arm.body);
                }
            });
        }
        value
    }

    /// Looking at an inert value does nothing: the conditions are written before the branches.
    fn test_before(&mut self, subject: &Value, arms: &[Arm]) -> Lowered<()> {
        let Value::Inert(inert) = subject else {
            return Ok(());
        };
        let Some((_, tested)) = arms.split_last().filter(|_| inert.pure) else {
            return Ok(());
        };
        for arm in tested.iter().filter(|arm| arm.guard.is_none()) {
            if !is_irrefutable(arm.pat) {
                self.matches(inert, arm.pat, None)?;
            }
        }
        Ok(())
    }

    /// `if let P = e && c { … } else { … }`
    pub(super) fn chain(
        &mut self,
        conds: &[&Expr],
        then: &Body,
        otherwise: &Body,
        expr: &Expr,
    ) -> Lowered<Value> {
        let Some((first, more)) = conds.split_first() else {
            return self.body(then, expr);
        };
        let tail = std::mem::take(&mut self.tail);
        let outside = match otherwise {
            Body::Outside(..) => *otherwise,
            body => Body::Outside(self.scope.depth(), body),
        };
        let otherwise = &outside;
        if let Expr::Let(cond) = first {
            let subject = self.subject(&cond.expr)?;
            self.tail = tail;
            let wild: Pat = syn::parse_quote!(_);
            let arms = [
                Arm {
                    pat: &cond.pat,
                    guard: None,
                    body: Body::Chain(more, then, otherwise),
                },
                Arm {
                    pat: &wild,
                    guard: None,
                    body: *otherwise,
                },
            ];
            return self.matched(&subject, &arms, None, expr);
        }
        let value = self.expr(first)?;
        let cond = self.condition_of(&value, first)?;
        self.tail = tail;
        self.fork(
            (&value, cond),
            [false, self.is_left_by(otherwise)],
            expr,
            |lower| lower.chain(more, then, otherwise, expr),
            |lower| lower.body(otherwise, expr),
        )
    }

    /// `matches!(e, P if guard)` of a differentiated value.
    pub(super) fn matches_macro(&mut self, mac: &syn::Macro) -> Lowered<Value> {
        let parse = |input: syn::parse::ParseStream| {
            let subject: Expr = input.parse()?;
            input.parse::<syn::Token![,]>()?;
            let pat = Pat::parse_multi_with_leading_vert(input)?;
            let guard: Option<Expr> = match input.parse::<Option<syn::Token![if]>>()? {
                Some(_) => Some(input.parse()?),
                None => None,
            };
            input.parse::<Option<syn::Token![,]>>()?;
            Ok((subject, pat, guard))
        };
        let (subject, pat, guard) = mac
            .parse_body_with(parse)
            .map_err(|e| super::Refusal(Some(e)))?;
        let value = self.subject(&subject)?;
        let mut taken = Vec::new();
        let test = self.test(&pat, &value, &mut taken)?;
        let Some(guard) = guard else {
            return Ok(match test {
                Test::When(value) => value,
                Test::Always => self.inert_value(&syn::parse_quote!(true), Hint::Bool),
                Test::Never => self.inert_value(&syn::parse_quote!(false), Hint::Bool),
            });
        };
        let Test::When(value) = test else {
            return refuse(
                mac,
                "this `matches!` depends on its guard only\nhelp: write the guard as the condition",
            );
        };
        let cond = self.condition_of(&value, &pat)?;
        match self.joined_guard((&value, cond), &taken, &guard)? {
            Some(both) => Ok(both),
            None => refuse(
                &guard,
                "this guard has to be evaluated for some values only, which is not supported here\nhelp: use an `if` inside another",
            ),
        }
    }

    /// What a statement whose arms may return is, with the rest of the function in those that do not.
    pub(super) fn with_returns(&mut self, stmt: &Stmt, stmts: &[Stmt]) -> Option<Lowered<Value>> {
        let (expr, pat) = match stmt {
            Stmt::Expr(expr, _) => (expr, None),
            Stmt::Local(syn::Local {
                pat,
                init: Some(init),
                ..
            }) if init.diverge.is_none() => (&*init.expr, Some(pat)),
            Stmt::Local(local) => return self.let_else_with_returns(local, stmts),
            _ => return None,
        };
        let rest = Rest { pat, stmts };
        match expr {
            Expr::Match(each) => {
                let returns = each
                    .arms
                    .iter()
                    .any(|arm| self.exit_of(&arm.body) == Exit::Returns);
                returns.then(|| {
                    self.tail = true;
                    self.match_on(each, Some(rest))
                })
            }
            Expr::If(branch) if pat.is_some() => {
                let (_, otherwise) = branch.else_branch.as_ref()?;
                let exits = [
                    self.exit_of_block(&branch.then_branch),
                    self.exit_of(otherwise),
                ];
                if !exits.contains(&Exit::Returns) {
                    return None;
                }
                let mut conds = Vec::new();
                conjuncts(&branch.cond, &mut conds);
                let (subject, pattern): (&Expr, Pat) = match &conds[..] {
                    [Expr::Let(cond)] => (&cond.expr, (*cond.pat).clone()),
                    _ if conds.iter().any(|c| matches!(c, Expr::Let(_))) => return None,
                    _ => (&branch.cond, syn::parse_quote!(true)),
                };
                let wild: Pat = syn::parse_quote!(_);
                let arms = [
                    Arm {
                        pat: &pattern,
                        guard: None,
                        body: Body::Block(&branch.then_branch),
                    },
                    Arm {
                        pat: &wild,
                        guard: None,
                        body: Body::Expr(otherwise),
                    },
                ];
                Some(self.subject(subject).and_then(|subject| {
                    self.tail = true;
                    self.matched(&subject, &arms, Some(rest), expr)
                }))
            }
            _ => None,
        }
    }

    /// `let P = e else { … return v; };`: the rest of the function is where the pattern fits.
    fn let_else_with_returns(
        &mut self,
        local: &syn::Local,
        stmts: &[Stmt],
    ) -> Option<Lowered<Value>> {
        let init = local.init.as_ref()?;
        let (_, diverge) = init.diverge.as_ref()?;
        if self.exit_of(diverge) != Exit::Returns && self.is_inert(&init.expr) {
            return None;
        }
        Some(self.let_else(local, (init, diverge), stmts, true))
    }

    /// `let P = e else { … continue; };`, or with a panic: the rest of the block is where the pattern fits.
    pub(super) fn let_else_in_block(
        &mut self,
        stmt: &Stmt,
        stmts: &[Stmt],
    ) -> Option<Lowered<Value>> {
        let Stmt::Local(local) = stmt else {
            return None;
        };
        let init = local.init.as_ref()?;
        let (_, diverge) = init.diverge.as_ref()?;
        let leaves = crate::scope::leaves_loop(&diverge.to_token_stream()).is_some()
            || self.exit_of(diverge) == Exit::Diverges && !self.is_inert(&init.expr);
        leaves.then(|| self.let_else(local, (init, diverge), stmts, false))
    }

    fn let_else(
        &mut self,
        local: &syn::Local,
        (init, diverge): (&syn::LocalInit, &Expr),
        stmts: &[Stmt],
        tail: bool,
    ) -> Lowered<Value> {
        let pat = match &local.pat {
            Pat::Type(typed) => &*typed.pat,
            pat => pat,
        };
        let wild: Pat = syn::parse_quote!(_);
        let arms = [
            Arm {
                pat,
                guard: None,
                body: Body::Rest(stmts),
            },
            Arm {
                pat: &wild,
                guard: None,
                body: Body::Expr(diverge),
            },
        ];
        self.subject(&init.expr).and_then(|subject| {
            self.tail = tail;
            self.matched(&subject, &arms, None, &init.expr)
        })
    }

    pub(super) fn exit_of(&self, expr: &Expr) -> Exit {
        match expr {
            Expr::Return(returned) => {
                let without_value = |e: &Expr| self.wrapped && self.leaves_without_value(e);
                match &returned.expr {
                    Some(e) if without_value(e) => Exit::Diverges,
                    _ => Exit::Returns,
                }
            }
            Expr::Macro(mac) if is_panic(&mac.mac) => Exit::Diverges,
            Expr::Paren(inner) => self.exit_of(&inner.expr),
            Expr::Group(inner) => self.exit_of(&inner.expr),
            Expr::Block(block) if block.label.is_none() => self.exit_of_block(&block.block),
            Expr::If(branch) => match &branch.else_branch {
                Some((_, otherwise)) => both_exits(
                    self.exit_of_block(&branch.then_branch),
                    self.exit_of(otherwise),
                ),
                None => Exit::Goes,
            },
            Expr::Match(each) => each
                .arms
                .iter()
                .map(|arm| self.exit_of(&arm.body))
                .reduce(both_exits)
                .unwrap_or(Exit::Goes),
            _ => Exit::Goes,
        }
    }

    pub(super) fn exit_of_block(&self, block: &syn::Block) -> Exit {
        match block.stmts.last() {
            Some(Stmt::Expr(expr, _)) => self.exit_of(expr),
            Some(Stmt::Macro(mac)) if is_panic(&mac.mac) => Exit::Diverges,
            _ => Exit::Goes,
        }
    }

    /// Whether the last statement of a block panics, or leaves the function without a value.
    pub(super) fn is_left(&self, last: Option<&Stmt>) -> bool {
        match last {
            Some(Stmt::Macro(mac)) => is_panic(&mac.mac),
            Some(Stmt::Expr(expr, semi)) => self.is_left_by_expr(expr, semi.is_none()),
            _ => false,
        }
    }

    fn is_left_by_expr(&self, expr: &Expr, is_value: bool) -> bool {
        let is_result = self.tail && self.wrapped && is_value;
        match expr {
            Expr::Block(block) => self.is_left(block.block.stmts.last()),
            _ => {
                self.exit_of(expr) == Exit::Diverges || is_result && self.leaves_without_value(expr)
            }
        }
    }

    fn is_left_by(&self, body: &Body) -> bool {
        match body {
            Body::Expr(expr) => self.is_left_by_expr(expr, true),
            Body::Block(block) => self.is_left(block.stmts.last()),
            Body::Outside(_, body) => self.is_left_by(body),
            Body::Rest(_) | Body::Chain(..) | Body::Nothing => false,
        }
    }

    fn all_left(&self, arms: &[Arm]) -> bool {
        arms.iter().all(|arm| self.is_left_by(&arm.body))
    }

    fn exit_of_body(&self, body: &Body) -> Exit {
        match body {
            Body::Expr(expr) => self.exit_of(expr),
            Body::Block(block) => self.exit_of_block(block),
            Body::Outside(_, body) => self.exit_of_body(body),
            Body::Rest(_) | Body::Chain(..) | Body::Nothing => Exit::Goes,
        }
    }

    /// The value that patterns are held against. It is evaluated here, and once.
    pub(super) fn subject(&mut self, expr: &Expr) -> Lowered<Value> {
        let mark = self.mark();
        let value = self.expr(expr)?;
        if self.is_inert(expr) {
            let plain = match &value {
                Value::Node(id) | Value::Entry(id) => !self.graph.is_matrix(*id),
                Value::Pending(_)
                | Value::PendingOr(..)
                | Value::Maybe(_)
                | Value::Wrapped(_)
                | Value::Position(_) => true,
                _ => false,
            };
            if plain || self.closures > 0 && !matches!(value, Value::Inert(_)) {
                return Ok(value);
            }
            let hint = match &value {
                Value::Inert(inert) => inert.hint.clone(),
                _ => Hint::Unknown,
            };
            self.roll_back(mark);
            let mut inert = self.inert_expression(expr, hint);
            if is_place(expr) {
                inert.pure = !inert.mutable;
            } else if self.closures == 0 {
                inert.pure = false;
                self.evaluate(&mut inert);
            }
            return Ok(Value::Inert(inert));
        }
        match value {
            Value::Inert(mut inert) => {
                if self.closures == 0 && inert.leaf.is_none() {
                    inert.pure = false;
                    self.evaluate(&mut inert);
                }
                Ok(Value::Inert(inert))
            }
            value => Ok(value),
        }
    }

    /// The arms of a `match`, one after the other.
    pub(super) fn matched(
        &mut self,
        subject: &Value,
        arms: &[Arm],
        rest: Option<Rest>,
        expr: &Expr,
    ) -> Lowered<Value> {
        if let Value::Poison = subject {
            return Err(super::Refusal(None));
        }
        let Some((arm, others)) = arms.split_first() else {
            return refuse(expr, "no arm of this `match` can be taken");
        };
        if let Some((arm, value)) = self.taken_or_left(subject, arms, expr)? {
            let Pat::TupleStruct(tuple) = arm.pat else {
                return refuse(arm.pat, "this pattern cannot be followed");
            };
            let mut taken = Vec::new();
            if let Test::Always = self.test(&tuple.elems[0], &value, &mut taken)? {
                return self.arm(&arm, taken, rest, expr);
            }
            return refuse(arm.pat, "this pattern cannot be followed");
        }
        self.arms_read += 1;
        if self.arms_read > 2000 {
            return refuse(
                expr,
                "there are too many combinations of guards here\nhelp: use `if … { … } else { … }` in the arms",
            );
        }
        if let Some(rest) = rest {
            // The rest of the function is read once.
            let exits: Vec<Exit> = arms.iter().map(|a| self.exit_of_body(&a.body)).collect();
            if !exits.contains(&Exit::Returns) {
                let tail = std::mem::take(&mut self.tail);
                let value = self.matched(subject, arms, None, expr)?;
                self.tail = tail;
                return self.go_on(value, rest);
            }
            let going = exits.iter().filter(|e| **e == Exit::Goes).count();
            if exits[0] == Exit::Goes && going > 1 {
                return self.going_first(subject, arms, &exits, rest, expr);
            }
        }
        let tail = std::mem::take(&mut self.tail);
        let mut taken = Vec::new();
        let inert_guard = match (subject, arm.guard) {
            (Value::Inert(_), Some(guard)) if self.is_inert_guard(arm.pat, guard) => Some(guard),
            _ => None,
        };
        let test = match (inert_guard, subject) {
            (Some(guard), Value::Inert(inert)) => {
                if !bound_names(arm.pat).is_empty() {
                    taken.push(Taken::Kept(arm.pat, inert.clone()));
                }
                Test::When(self.matches(inert, arm.pat, Some(guard))?)
            }
            _ => self.test(arm.pat, subject, &mut taken)?,
        };
        if let Test::When(value) = &test {
            taken = self.there_where(value, taken, (arm.pat, expr))?;
        }
        let last = others.is_empty();
        self.tail = tail;
        let leaves = [self.is_left_by(&arm.body), self.all_left(others)];
        match (test, arm.guard.filter(|_| inert_guard.is_none())) {
            (Test::Never, _) if !others.is_empty() => self.matched(subject, others, rest, expr),
            (Test::Never, _) => refuse(arm.pat, "this pattern never fits"),
            (_, None) if last && inert_guard.is_none() => self.arm(arm, taken, rest, expr),
            (Test::Always, None) => self.arm(arm, taken, rest, expr),
            (Test::When(value), None) => {
                let cond = self.condition_of(&value, arm.pat)?;
                self.fork(
                    (&value, cond),
                    leaves,
                    expr,
                    |lower| lower.arm(arm, taken, rest, expr),
                    |lower| lower.matched(subject, others, rest, expr),
                )
            }
            (Test::Always, Some(guard)) => {
                self.guarded(arm, taken, guard, subject, others, rest, expr)
            }
            (Test::When(value), Some(guard)) => {
                let cond = self.condition_of(&value, arm.pat)?;
                if let Some(both) = self.joined_guard((&value, cond), &taken, guard)? {
                    let cond = self.condition_of(&both, guard)?;
                    return self.fork(
                        (&both, cond),
                        leaves,
                        expr,
                        |lower| lower.arm(arm, taken, rest, expr),
                        |lower| lower.matched(subject, others, rest, expr),
                    );
                }
                if rest.is_some() {
                    return refuse(
                        guard,
                        "this guard cannot be followed where another arm returns\nhelp: use `if … { … } else { … }` in the arm",
                    );
                }
                self.fork(
                    (&value, cond),
                    [false; 2],
                    expr,
                    |lower| lower.guarded(arm, taken, guard, subject, others, rest, expr),
                    |lower| lower.matched(subject, others, rest, expr),
                )
            }
        }
    }

    /// Values that are there on sides of their own, on the side where all of a pattern fits: several conditions tell of
    /// that, of which none is this side.
    fn there_where<'p>(
        &mut self,
        fits: &Value,
        taken: Vec<Taken<'p>>,
        (pat, expr): (&Pat, &Expr),
    ) -> Lowered<Vec<Taken<'p>>> {
        let elsewhere = |t: &Taken| matches!(t, Taken::Value(_, value) if self.is_elsewhere(value));
        if !taken.iter().any(elsewhere) {
            return Ok(taken);
        }
        let cond = self.condition_of(fits, pat)?;
        let taken = taken.into_iter().map(|part| match part {
            Taken::Value(name, value) => {
                let value = self.there_on(cond, value, expr)?;
                Ok(Taken::Value(name, value))
            }
            other => Ok(other),
        });
        taken.collect()
    }

    fn there_on(&mut self, cond: Id, value: Value, expr: &Expr) -> Lowered<Value> {
        let id = match value {
            Value::Node(id) => id,
            Value::Tuple(parts) => {
                let parts = parts.into_iter();
                let parts = parts.map(|part| self.there_on(cond, part, expr));
                return parts.collect::<Lowered<Vec<Value>>>().map(Value::Tuple);
            }
            other => return Ok(other),
        };
        let around = self.graph.guards.borrow().clone();
        let guards = self.graph.node(id).guards;
        let here = Guard { cond, side: true };
        let others: Vec<Guard> = guards.into_iter().filter(|g| !around.contains(g)).collect();
        let mut value = Value::Node(id);
        if others != [here] {
            for guard in others.into_iter().rev() {
                value = self.there_or_zero(guard, value, expr)?;
            }
        }
        Ok(value)
    }

    /// `P if guard => …` where the pattern fits: if the guard does not hold, the other arms are tried.
    #[expect(clippy::too_many_arguments, reason = "an arm and all after it")]
    fn guarded(
        &mut self,
        arm: &Arm,
        taken: Vec<Taken>,
        guard: &Expr,
        subject: &Value,
        others: &[Arm],
        rest: Option<Rest>,
        expr: &Expr,
    ) -> Lowered<Value> {
        let tail = std::mem::take(&mut self.tail);
        self.scope.push();
        let bound = self.bind_taken(taken, &quote!(#guard #expr));
        if let Some(of) = matched_by(arm.pat, expr) {
            self.refer(arm.pat, of);
        }
        let cond = bound
            .and_then(|()| self.expr(guard))
            .and_then(|value| Ok((self.condition_of(&value, guard)?, value)));
        // What the arm binds is not seen by the others.
        let frame = self.scope.take_frame();
        let (cond, value) = cond?;
        self.tail = tail;
        let leaves = [self.is_left_by(&arm.body), self.all_left(others)];
        self.fork(
            (&value, cond),
            leaves,
            expr,
            |lower| {
                lower.scope.enter(frame);
                lower.ended(&arm.body, rest, expr)
            },
            |lower| lower.matched(subject, others, rest, expr),
        )
    }

    /// A guard as a condition beside that of its pattern, if computing it elsewhere makes no difference.
    fn joined_guard(
        &mut self,
        (value, cond): (&Value, Id),
        taken: &[Taken],
        guard: &Expr,
    ) -> Lowered<Option<Value>> {
        let names: Vec<(&syn::PatIdent, Value)> = taken
            .iter()
            .filter_map(|t| match t {
                Taken::Value(name, value) => Some((*name, value.clone())),
                Taken::Place(..) | Taken::Kept(..) => None,
            })
            .collect();
        let elsewhere = names.iter().any(|(_, value)| self.is_elsewhere(value));
        if names.len() < taken.len() || elsewhere {
            return Ok(None);
        }
        let tail = std::mem::take(&mut self.tail);
        let read = |lower: &mut Self| {
            lower.scope.push();
            for (name, value) in &names {
                lower.bind_plainly(name, value.clone());
            }
            let value = lower.expr(guard);
            lower.scope.pop();
            value
        };
        let mark = self.mark();
        self.graph
            .guards
            .borrow_mut()
            .push(Guard { cond, side: true });
        let first = read(self);
        self.graph.guards.borrow_mut().pop();
        let noticed = self.mark() != mark || matches!(&first, Ok(Value::Inert(i)) if !i.pure);
        self.roll_back(mark);
        first?;
        if noticed {
            self.tail = tail;
            return Ok(None);
        }
        let second = read(self)?;
        self.tail = tail;
        self.joined(Op::And, value, &second, guard).map(Some)
    }

    /// An arm, and what it binds.
    fn arm(
        &mut self,
        arm: &Arm,
        taken: Vec<Taken>,
        rest: Option<Rest>,
        expr: &Expr,
    ) -> Lowered<Value> {
        self.scope.push();
        if let Err(refusal) = self.bind_taken(taken, &arm.body.tokens()) {
            self.scope.pop();
            return Err(refusal);
        }
        if let Some(of) = matched_by(arm.pat, expr) {
            self.refer(arm.pat, of);
        }
        self.ended(&arm.body, rest, expr)
    }

    /// The body of an arm, whose names are the innermost block, and after it the rest of the function.
    fn ended(&mut self, body: &Body, rest: Option<Rest>, expr: &Expr) -> Lowered<Value> {
        let tail = std::mem::take(&mut self.tail);
        let rest = rest.filter(|_| self.exit_of_body(body) == Exit::Goes);
        self.tail = tail && rest.is_none();
        let value = self.body(body, expr);
        self.tail = tail;
        self.scope.pop();
        match rest {
            Some(rest) => self.go_on(value?, rest),
            None => value,
        }
    }

    fn body(&mut self, body: &Body, expr: &Expr) -> Lowered<Value> {
        match body {
            Body::Expr(Expr::Block(block)) if block.label.is_none() => self.block(&block.block),
            Body::Expr(one) => {
                self.scope.push();
                let value = self.statements(&[Stmt::Expr((*one).clone(), None)]);
                self.scope.pop();
                value
            }
            Body::Block(block) => self.block(block),
            Body::Rest(stmts) => self.statements(stmts),
            Body::Chain(conds, then, otherwise) => self.chain(conds, then, otherwise, expr),
            Body::Outside(depth, body) => {
                let inner = self.scope.leave_blocks(*depth);
                let value = self.body(body, expr);
                self.scope.enter_blocks(inner);
                value
            }
            Body::Nothing => Ok(Value::Unit),
        }
    }

    /// The rest of the function, after an arm that does not return.
    fn go_on(&mut self, value: Value, rest: Rest) -> Lowered<Value> {
        if let Value::Never = value {
            return Ok(value);
        }
        let tail = std::mem::take(&mut self.tail);
        self.scope.push();
        let bound = match rest.pat {
            None => Ok(()),
            Some(Pat::Type(typed)) => self.bind_typed(&typed.pat, Some(&typed.ty), value),
            Some(pat) => self.bind_typed(pat, None, value),
        };
        self.tail = tail;
        let value = bound.and_then(|()| self.statements(rest.stmts));
        self.scope.pop();
        value
    }

    /// Several arms that go on before those that return: the rest of the function follows on one side.
    fn going_first(
        &mut self,
        subject: &Value,
        arms: &[Arm],
        exits: &[Exit],
        rest: Rest,
        expr: &Expr,
    ) -> Lowered<Value> {
        let count = exits.iter().take_while(|e| **e == Exit::Goes).count();
        let (going, others) = arms.split_at(count);
        let refusal = "several arms go on after this `match`, and others return\nhelp: give all of them a value, as in `let y = match … { … };` with an `if … { return …; }` before";
        if exits[count..].contains(&Exit::Goes) || going.iter().any(|a| a.guard.is_some()) {
            return refuse(expr, refusal);
        }
        let tail = std::mem::take(&mut self.tail);
        let mut any: Option<Value> = None;
        for arm in going {
            let test = match self.test(arm.pat, subject, &mut Vec::new())? {
                Test::When(value) => value,
                Test::Never => continue,
                Test::Always => return refuse(arm.pat, "the arms after this one are never taken"),
            };
            any = Some(match any {
                Some(any) => self.joined(Op::Or, &any, &test, expr)?,
                None => test,
            });
        }
        let Some(any) = any else {
            self.tail = tail;
            return self.matched(subject, others, Some(rest), expr);
        };
        let cond = self.condition_of(&any, expr)?;
        self.tail = tail;
        self.fork(
            (&any, cond),
            [false, self.all_left(others)],
            expr,
            |lower| {
                let tail = std::mem::take(&mut lower.tail);
                let value = lower.matched(subject, going, None, expr)?;
                lower.tail = tail;
                lower.go_on(value, rest)
            },
            |lower| lower.matched(subject, others, Some(rest), expr),
        )
    }

    // ---- patterns ----

    /// When a pattern fits a value, and what it takes out of it.
    fn test<'p>(
        &mut self,
        pat: &'p Pat,
        value: &Value,
        taken: &mut Vec<Taken<'p>>,
    ) -> Lowered<Test> {
        match (pat, value) {
            (Pat::Paren(inner), _) => self.test(&inner.pat, value, taken),
            (Pat::Wild(_), _) => Ok(Test::Always),
            (_, Value::Poison) => Err(super::Refusal(None)),
            (_, Value::Inert(inert)) => {
                if !bound_names(pat).is_empty() {
                    taken.push(Taken::Kept(pat, inert.clone()));
                }
                if is_irrefutable(pat) {
                    return Ok(Test::Always);
                }
                Ok(Test::When(self.matches(inert, pat, None)?))
            }
            (Pat::Type(typed), _) => self.test(&typed.pat, value, taken),
            (Pat::Reference(inner), _) if inner.mutability.is_none() => {
                self.test(&inner.pat, value, taken)
            }
            (Pat::Ident(name), _) if is_binding(name) || self.is_whole(value) => {
                taken.push(Taken::Value(name, value.clone()));
                match &name.subpat {
                    Some((_, inner)) => self.test(inner, value, taken),
                    None => Ok(Test::Always),
                }
            }
            (
                Pat::TupleStruct(_) | Pat::Path(_) | Pat::Ident(_),
                Value::Pending(_) | Value::PendingOr(..) | Value::Maybe(_) | Value::Wrapped(_),
            ) => self.test_of_option(pat, value, taken),
            (Pat::TupleStruct(_) | Pat::Path(_) | Pat::Ident(_), Value::Called(call, part))
                if part.is_empty() && variant(pat).is_some() =>
            {
                let gives = match variant(pat).as_deref() {
                    Some("Some" | "None") => Gives::Option,
                    _ => Gives::Result,
                };
                let maybe = self.maybe_of_call(*call, gives, pat)?;
                self.test_of_option(pat, &Value::Maybe(maybe), taken)
            }
            (Pat::Or(or), _) => {
                let mut any: Option<Value> = None;
                for case in &or.cases {
                    let mut names = Vec::new();
                    let test = self.test(case, value, &mut names)?;
                    if !names.is_empty() {
                        return refuse(
                            case,
                            "a pattern with `|` that binds a differentiated value is not supported\nhelp: write `name @ (a | b)`, or an arm for each case",
                        );
                    }
                    match test {
                        Test::Always => return Ok(Test::Always),
                        Test::Never => {}
                        Test::When(test) => {
                            any = Some(match any {
                                Some(any) => self.joined(Op::Or, &any, &test, pat)?,
                                None => test,
                            });
                        }
                    }
                }
                Ok(any.map_or(Test::Never, Test::When))
            }
            (Pat::Tuple(tuple), Value::Tuple(values)) => {
                let Some(pairs) = paired(tuple.elems.iter().collect(), values) else {
                    return refuse(pat, format!("this tuple has {} parts", values.len()));
                };
                self.test_all(pairs, pat, taken)
            }
            // What is borrowed part by part.
            (Pat::Tuple(_) | Pat::Struct(_), Value::Fields(fields)) => {
                let parts = fields.iter().map(|(name, variable)| {
                    let (name, path) = (name.clone(), Vec::new());
                    let variable = variable.clone();
                    let lent = Lent {
                        name: variable,
                        path,
                    };
                    (name, Value::Lent(lent))
                });
                let made = match pat {
                    Pat::Tuple(_) => Made::Tuple,
                    _ => Made::Struct,
                };
                let parts = made.of(parts.collect());
                self.test(pat, &parts, taken)
            }
            (Pat::Struct(pattern), Value::Record(fields)) => {
                if !self.is_struct_of(&pattern.path, fields) {
                    return refuse(
                        pat,
                        format!(
                            "it cannot be seen whether this value is a `{}`: others in this function are written with the same fields\nhelp: read its fields, as in `s.x`",
                            text(&pattern.path)
                        ),
                    );
                }
                let mut pairs = Vec::new();
                for field in &pattern.fields {
                    let name = field.member.to_token_stream().to_string();
                    let Some((_, value)) = fields.iter().find(|(own, _)| *own == name) else {
                        return refuse(field, format!("this struct has no field `{name}`"));
                    };
                    pairs.push((&*field.pat, value.clone()));
                }
                self.test_all(pairs, pat, taken)
            }
            (Pat::Tuple(tuple), Value::Called(call, part))
                if !tuple.elems.iter().any(|p| matches!(p, Pat::Rest(_))) =>
            {
                let values = self.parts_of_call(*call, part, tuple.elems.len());
                let pairs = tuple.elems.iter().zip(values).collect();
                self.test_all(pairs, pat, taken)
            }
            (Pat::Slice(slice), _) if self.is_list(value) => {
                let value = &as_slice(value.clone());
                if let Some(values) = self.entries_of(value, pat)?
                    && !slice.elems.iter().any(is_named_rest)
                {
                    return match paired(slice.elems.iter().collect(), &values) {
                        Some(pairs) => self.test_all(pairs, pat, taken),
                        None => Ok(Test::Never),
                    };
                }
                self.test_of_list(slice, value, taken)
            }
            (Pat::Lit(lit), Value::Node(id)) if self.graph.kind(*id).elem == Elem::Bool => {
                match &lit.lit {
                    syn::Lit::Bool(b) if b.value => Ok(Test::When(value.clone())),
                    syn::Lit::Bool(_) => Ok(Test::When(self.step(Op::Not, vec![*id], pat)?)),
                    _ => refuse(pat, "a condition is either `true` or `false`"),
                }
            }
            (Pat::Ident(_) | Pat::Path(_) | Pat::Lit(_) | Pat::Range(_), _) => {
                self.test_of_number(pat, value).map(Test::When)
            }
            _ => refuse(
                pat,
                format!(
                    "the pattern `{}` is not supported for a differentiated value\nhelp: match numbers by literals, ranges and guards, and take structs apart before",
                    text(pat)
                ),
            ),
        }
    }

    /// `Some(p)`, `None`, `Ok(p)` and `Err(_)` against what may have failed.
    fn test_of_option<'p>(
        &mut self,
        pat: &'p Pat,
        value: &Value,
        taken: &mut Vec<Taken<'p>>,
    ) -> Lowered<Test> {
        let (variant, inner) = match pat {
            Pat::TupleStruct(tuple) if tuple.elems.len() == 1 => {
                (tuple.path.segments.last(), tuple.elems.first())
            }
            Pat::Path(path) => (path.path.segments.last(), None),
            _ => (None, None),
        };
        let variant = match pat {
            Pat::Ident(name) => name.ident.to_string(),
            _ => variant.map(|v| v.ident.to_string()).unwrap_or_default(),
        };
        let there = match (variant.as_str(), inner) {
            ("Some" | "Ok", Some(_)) => true,
            ("None", None) | ("Err", Some(Pat::Wild(_) | Pat::Rest(_))) => false,
            _ => {
                return refuse(
                    pat,
                    "this pattern of what may have failed is not understood\nhelp: write `Some(value)` and `None`, or `Ok(value)` and `Err(_)`",
                );
            }
        };
        if let Value::Wrapped(value) = value {
            let is_there = !matches!(**value, Value::Never);
            return match inner.filter(|_| there) {
                Some(inner) if is_there => self.test(inner, value, taken),
                None if !is_there => Ok(Test::Always),
                _ => Ok(Test::Never),
            };
        }
        let Some(maybe) = self.maybe(value, pat)? else {
            return refuse(pat, "this cannot have failed");
        };
        match inner.filter(|_| there) {
            None => Ok(Test::When(self.step(Op::Not, vec![maybe.some], pat)?)),
            Some(inner) => {
                let value = *maybe.value;
                self.test_inside(Some(maybe.some), inner, taken, |_| Ok(value))
            }
        }
    }

    /// Whether a value is a list, or some entries of one, where a pattern says so that fits no matrix.
    pub(super) fn is_list(&self, value: &Value) -> bool {
        match value {
            Value::List(_) | Value::Slice(_) | Value::Elements(_) | Value::Columns(..) => true,
            Value::Node(id) => self.graph.shape(*id).is_some_and(|s| s.is_column()),
            _ => false,
        }
    }

    /// `[a, b]` and `[a, rest @ ..]` against a list whose length only the run tells: the condition is its length, and
    /// the elements are read on the side where that fits.
    fn test_of_list<'p>(
        &mut self,
        slice: &'p syn::PatSlice,
        value: &Value,
        taken: &mut Vec<Taken<'p>>,
    ) -> Lowered<Test> {
        if self.closures > 0 {
            return refuse(
                slice,
                "the length of this slice is not known to the macro, inside the closure of an elementwise method\nhelp: take the slice apart before the closure",
            );
        }
        let list = self.fresh("list");
        self.name_value(value, &list);
        self.scope
            .bind(Binding::active(list.clone(), value.clone()));
        let places = places_in(slice, &list);
        let rest = slice.elems.iter().any(is_rest);
        let count = proc_macro2::Literal::usize_unsuffixed(places.len() - usize::from(rest));
        let fits: Expr = match rest {
            true if places.len() == 1 => syn::parse_quote!(true),
            true => syn::parse_quote!(#list.len() >= #count),
            false => syn::parse_quote!(#list.len() == #count),
        };
        let fits = match fits {
            Expr::Lit(_) => None,
            fits => {
                let value = self.expr(&fits)?;
                Some(self.condition_of(&value, slice)?)
            }
        };
        let mut all = fits;
        for (pat, place) in places {
            if let Some(name) = name_in(pat) {
                taken.push(Taken::Place(name, place));
            } else if !matches!(pat, Pat::Wild(_) | Pat::Rest(_)) {
                // It is known where it is before it is known that it is there.
                let place = saturating(place);
                let inside = self.test_inside(all, pat, taken, |lower| lower.expr(&place))?;
                all = match inside {
                    Test::Always => all,
                    Test::Never => return Ok(Test::Never),
                    Test::When(inside) => Some(self.condition_of(&inside, pat)?),
                };
            }
        }
        Ok(all.map_or(Test::Always, |all| Test::When(Value::Node(all))))
    }

    /// A pattern inside of another one, where that fits.
    fn test_inside<'p>(
        &mut self,
        outside: Option<Id>,
        pat: &'p Pat,
        taken: &mut Vec<Taken<'p>>,
        value: impl FnOnce(&mut Self) -> Lowered<Value>,
    ) -> Lowered<Test> {
        let Some(cond) = outside else {
            let value = value(self)?;
            return self.test(pat, &value, taken);
        };
        let mut mark = self.mark();
        let guard = Guard { cond, side: true };
        self.graph.guards.borrow_mut().push(guard);
        let test = value(self).and_then(|value| {
            // What could go wrong with it has been tested; what it is read by has its name.
            let mut names = self
                .steps
                .last_mut()
                .map_or(Vec::new(), |s| s.split_off(mark.0));
            names.retain(|placed| matches!(placed.step, Step::Pin { .. }));
            self.roll_back(mark);
            self.steps
                .last_mut()
                .into_iter()
                .for_each(|s| s.append(&mut names));
            mark = self.mark();
            self.test(pat, &value, taken)
        });
        self.graph.guards.borrow_mut().pop();
        if self.mark() != mark {
            self.roll_back(mark);
            test?;
            return refuse(
                pat,
                "this pattern has to be tested for some values only, which is not supported here\nhelp: bind a name, and use `match` or `if` in the arm",
            );
        }
        match test? {
            Test::When(inside) => {
                let all = self.joined(Op::And, &Value::Node(cond), &inside, pat)?;
                Ok(Test::When(all))
            }
            Test::Always => Ok(Test::When(Value::Node(cond))),
            Test::Never => Ok(Test::Never),
        }
    }

    fn test_all<'p>(
        &mut self,
        pairs: Vec<(&'p Pat, Value)>,
        at: &Pat,
        taken: &mut Vec<Taken<'p>>,
    ) -> Lowered<Test> {
        let mut all: Option<Value> = None;
        for (pat, value) in pairs {
            match self.test(pat, &value, taken)? {
                Test::Always => {}
                Test::Never => return Ok(Test::Never),
                Test::When(test) => {
                    all = Some(match all {
                        Some(all) => self.joined(Op::And, &all, &test, at)?,
                        None => test,
                    });
                }
            }
        }
        Ok(all.map_or(Test::Always, Test::When))
    }

    /// A literal, a constant or a range against a differentiated number: comparisons, as rustc makes them.
    fn test_of_number(&mut self, pat: &Pat, value: &Value) -> Lowered<Value> {
        if let Pat::Ident(name) = pat
            && name.ident == "None"
        {
            return refuse(
                name,
                format!(
                    "an `Option` that is given differentiated values later is not followed\nhelp: {OPTION_APART}"
                ),
            );
        }
        if let Pat::Ident(name) = pat
            && name.ident.to_string().contains(char::is_lowercase)
        {
            return refuse(
                name,
                format!(
                    "it cannot be seen whether `{0}` is a constant or a new variable\nhelp: write a new variable in lower case, and compare with a constant by a guard, as in `v if v == {0}`",
                    name.ident
                ),
            );
        }
        let id = self.node(value, pat, &Kind::SCALAR)?;
        if self.graph.kind(id).elem != Elem::Real || self.is_whole(value) {
            return refuse(
                pat,
                format!(
                    "the pattern `{}` is not one of a number\nhelp: use guards, as in `v if v.norm() > 1.0`",
                    text(pat)
                ),
            );
        }
        let value = if let Value::Called(..) = value {
            Value::Node(id)
        } else {
            value.clone()
        };
        let mut compare = |comparison, bound: &Expr| {
            let bound_value = self.expr(bound)?;
            self.comparison(
                comparison,
                (bound, value.clone()),
                (bound, bound_value),
                bound,
            )
        };
        match pat {
            Pat::Lit(lit) => compare(Comparison::Eq, &Expr::Lit(lit.clone())),
            Pat::Path(path) => compare(Comparison::Eq, &Expr::Path(path.clone())),
            Pat::Ident(name) => {
                let ident = &name.ident;
                compare(Comparison::Eq, &syn::parse_quote!(#ident))
            }
            Pat::Range(range) => {
                let end = match range.limits {
                    syn::RangeLimits::HalfOpen(_) => Comparison::Lt,
                    syn::RangeLimits::Closed(_) => Comparison::Le,
                };
                match (&range.start, &range.end) {
                    (Some(a), None) => compare(Comparison::Ge, a),
                    (None, Some(b)) => compare(end, b),
                    (Some(a), Some(b)) => {
                        let (a, b) = (compare(Comparison::Ge, a)?, compare(end, b)?);
                        self.joined(Op::And, &a, &b, pat)
                    }
                    (None, None) => refuse(pat, "a range without bounds fits everything"),
                }
            }
            _ => refuse(pat, "this pattern is not one of a number"),
        }
    }

    /// `a && b` or `a || b` of conditions that are there already.
    fn joined(&mut self, op: Op, a: &Value, b: &Value, at: &dyn ToTokens) -> Lowered<Value> {
        let ids = vec![self.condition_of(a, at)?, self.condition_of(b, at)?];
        let id = self.exact(op, ids, at)?;
        Ok(Self::entrywise(&[a, b], id))
    }

    fn is_whole(&self, value: &Value) -> bool {
        match value {
            Value::Node(id) => {
                self.graph.is_matrix(*id) || self.graph.kind(*id).elem == Elem::Factor
            }
            _ => false,
        }
    }

    /// The entries of an array or a slice, where their number is known.
    pub(crate) fn entries_of(
        &mut self,
        value: &Value,
        at: &dyn ToTokens,
    ) -> Lowered<Option<Vec<Value>>> {
        match value {
            Value::List(values) => Ok(Some(values.clone())),
            Value::Slice(id) => {
                let Some(count) = self.graph.shape(*id).and_then(|s| s.entries()) else {
                    return Ok(None);
                };
                let entries: Lowered<Vec<Value>> = (0..count)
                    .map(|k| {
                        let k = self.graph.integer(k).id;
                        let part = Op::Part(crate::rules::Part::Entry);
                        let id = self.exact_of(part, vec![*id, k], Kind::SCALAR, at)?;
                        Ok(Value::Node(id))
                    })
                    .collect();
                entries.map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Whether an inert value fits a pattern: a condition that is evaluated here.
    fn matches(&mut self, inert: &Inert, pat: &Pat, guard: Option<&Expr>) -> Lowered<Value> {
        let names = bound_names(pat);
        self.note_names(&names);
        let mut reads = inert.reads.clone();
        let mut varies = inert.varies;
        let mut pure = inert.pure;
        let (shown, guard) = match guard {
            None => (without_names(pat), None),
            Some(guard) => {
                // A variable that may be left out is not to be taken for one of the pattern.
                let new: Vec<Ident> = names
                    .iter()
                    .map(|name| match self.optional.iter().any(|(o, _)| o == name) {
                        true => self.fresh(&name.to_string()),
                        false => name.clone(),
                    })
                    .collect();
                self.scope.push();
                self.bind_names(&names, &new);
                let tokens = guard.to_token_stream();
                let checked = self.check_kept(&tokens);
                let read = self.reads(&tokens);
                varies |= self.varies(&tokens);
                pure &= self.inert(tokens.clone(), Hint::Bool).pure;
                let kept = self.kept(guard);
                self.scope.pop();
                checked?;
                reads.extend(read);
                let position = |ident: &Ident| names.iter().position(|n| n == ident);
                let shown = renamed(pat, &|ident| position(ident).map(|k| new[k].clone()));
                (shown.to_token_stream(), Some(quote!(if #kept)))
            }
        };
        if self.closures > 0 && !pure {
            return refuse(
                pat,
                "this pattern cannot be tested inside a closure: the companion would do so another number of times\nhelp: bind what is matched with `let` before the closure",
            );
        }
        let shown = self.kept(shown);
        let subject = &inert.tokens;
        let condition = quote!(::core::matches!(#subject, #shown #guard));
        let spelled = condition.to_string();
        if pure && let Some((_, id)) = self.pins.iter().find(|(t, _)| *t == spelled) {
            return Ok(Value::Node(*id));
        }
        let name = self.fresh(&wish(pat));
        let leaf = self.graph.leaf(Leaf {
            name: name.to_token_stream(),
            kind: Kind::BOOL,
            form: Form::Owned,
            varies,
        });
        self.graph.keep_local(leaf);
        self.place(Step::Pin {
            leaf,
            tokens: quote!(let #name = #condition;),
            reads,
            pure: pure || guard.is_none(),
            fixed: pure && !inert.mutable,
        });
        if pure {
            self.pins.push((spelled, leaf));
        }
        Ok(Value::Node(leaf))
    }

    /// Whether a guard reads nothing that carries a derivative.
    fn is_inert_guard(&mut self, pat: &Pat, guard: &Expr) -> bool {
        self.scope.push();
        let names = bound_names(pat);
        self.bind_names(&names, &names);
        let inert = self.is_inert(guard);
        self.scope.pop();
        inert
    }

    /// The names of a pattern inside a kept expression.
    fn bind_names(&mut self, names: &[Ident], new: &[Ident]) {
        for (ident, new) in names.iter().zip(new) {
            self.scope.bind(Binding::inert(
                ident.clone(),
                Value::Inert(Inert::plain(new.to_token_stream(), true)),
                true,
            ));
        }
    }

    /// A lower-case name in a pattern is taken for a new variable; rustc is asked whether it is a constant.
    fn note_names(&mut self, names: &[Ident]) {
        for name in names {
            let text = name.to_string();
            if self.scope.get(&text).is_none() && !self.pattern_names.contains(name) {
                self.pattern_names.push(name.clone());
            }
        }
    }

    /// Binds what a pattern has taken, as far as the tokens read it.
    fn bind_taken(&mut self, taken: Vec<Taken>, read: &TokenStream) -> Lowered<()> {
        for part in taken {
            match part {
                Taken::Value(name, value) => {
                    self.note_names(std::slice::from_ref(&name.ident));
                    self.bind_plainly(name, value);
                }
                Taken::Place(name, place) => {
                    let value = self.expr(&place)?;
                    let name = syn::PatIdent {
                        subpat: None,
                        ..name.clone()
                    };
                    self.bind(&Pat::Ident(name), value)?;
                }
                Taken::Kept(pat, inert) => self.take_apart(pat, &inert, read)?,
            }
        }
        Ok(())
    }

    /// Another name for a value that is there.
    fn bind_plainly(&mut self, name: &syn::PatIdent, value: Value) {
        self.name_value(&value, &name.ident);
        let (active, varies) = (self.is_active_value(&value), self.varies_value(&value));
        self.scope.bind(Binding {
            active,
            ..Binding::inert(name.ident.clone(), value, varies)
        });
    }

    pub(super) fn varies_value(&self, value: &Value) -> bool {
        match value {
            Value::Node(id) | Value::Entry(id) => self.graph.varies(*id),
            Value::Inert(inert) => inert.varies,
            _ => true,
        }
    }

    /// `let P = inert else { unreachable!() };` where it is known to fit.
    fn take_apart(&mut self, pat: &Pat, inert: &Inert, read: &TokenStream) -> Lowered<()> {
        let names: Vec<Ident> = bound_names(pat)
            .into_iter()
            .filter(|name| {
                let mut read_names = Vec::new();
                crate::scope::variables(read.clone(), &mut read_names);
                read_names.contains(&name.to_string())
            })
            .collect();
        self.note_names(&names);
        if names.is_empty() {
            return Ok(());
        }
        if self.closures > 0 {
            return refuse(
                pat,
                "a pattern that binds a name inside the closure of an elementwise method is not supported\nhelp: bind the name with `let` before the closure",
            );
        }
        let new: Vec<Ident> = names.iter().map(|n| self.own_name(n)).collect();
        let shown = renamed(pat, &|ident| {
            names
                .iter()
                .position(|n| n == ident)
                .map(|at| new[at].clone())
        });
        let shown = self.kept(shown);
        let tokens = &inert.tokens;
        let otherwise = (!is_irrefutable(pat)).then(|| quote!(else { ::core::unreachable!() }));
        self.place(Step::Verbatim {
            tokens: quote!(let #shown = #tokens #otherwise;),
            reads: inert.reads.clone(),
            binds: Vec::new(),
        });
        self.kept_names.extend(new.iter().map(ToString::to_string));
        for (name, new) in names.iter().zip(&new) {
            let hint = match (whole_name(pat), &inert.hint) {
                (Some(whole), Hint::Int | Hint::Bool | Hint::Real) if whole == name => {
                    inert.hint.clone()
                }
                _ => Hint::Unknown,
            };
            let mutable = super::statements::is_mutable(pat, name)
                || crate::ty::mentions(tokens.clone(), &|ident| ident == "mut");
            self.bind_inert(name, new, hint, Form::Owned, inert.varies, mutable);
        }
        Ok(())
    }
}

impl Body<'_> {
    pub(super) fn tokens(&self) -> TokenStream {
        match self {
            Body::Expr(body) => body.to_token_stream(),
            Body::Block(block) => block.to_token_stream(),
            Body::Rest(stmts) => quote!(#(#stmts)*),
            Body::Chain(conds, then, _) => {
                let then = then.tokens();
                quote!(#(#conds)* #then)
            }
            Body::Outside(_, body) => body.tokens(),
            Body::Nothing => TokenStream::new(),
        }
    }
}

/// The conditions of `a && let P = e && b`, if there is a `let` among them.
pub(super) fn conjuncts<'e>(cond: &'e Expr, into: &mut Vec<&'e Expr>) {
    match cond {
        Expr::Binary(both) if matches!(both.op, syn::BinOp::And(_)) => {
            conjuncts(&both.left, into);
            conjuncts(&both.right, into);
        }
        Expr::Group(inner) => conjuncts(&inner.expr, into),
        one => into.push(one),
    }
}

pub(super) fn is_panic(mac: &syn::Macro) -> bool {
    mac.path.segments.last().is_some_and(|s| {
        ["panic", "unreachable", "todo", "unimplemented"].contains(&s.ident.to_string().as_str())
    })
}

fn both_exits(a: Exit, b: Exit) -> Exit {
    match (a, b) {
        (Exit::Goes, _) | (_, Exit::Goes) => Exit::Goes,
        (Exit::Returns, _) | (_, Exit::Returns) => Exit::Returns,
        _ => Exit::Diverges,
    }
}

/// An expression that can be looked at again without doing anything.
pub(super) fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) | Expr::Lit(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::Paren(inner) => is_place(&inner.expr),
        Expr::Group(inner) => is_place(&inner.expr),
        Expr::Reference(reference) => reference.mutability.is_none() && is_place(&reference.expr),
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Deref(_)) && is_place(&unary.expr),
        _ => false,
    }
}

/// Whether an identifier in a pattern is a new variable: constants and variants begin with a capital letter.
fn is_binding(name: &syn::PatIdent) -> bool {
    name.by_ref.is_some()
        || name.mutability.is_some()
        || name.subpat.is_some()
        || !name
            .ident
            .to_string()
            .trim_start_matches("r#")
            .starts_with(char::is_uppercase)
}

/// The variant of `Option` or `Result` that a pattern names.
fn variant(pat: &Pat) -> Option<String> {
    let name = match pat {
        Pat::TupleStruct(tuple) => &tuple.path.segments.last()?.ident,
        Pat::Path(path) => &path.path.segments.last()?.ident,
        Pat::Ident(name) => &name.ident,
        _ => return None,
    };
    let name = name.to_string();
    matches!(&*name, "Some" | "None" | "Ok" | "Err").then_some(name)
}

/// The new variables of a pattern.
fn bound_names(pat: &Pat) -> Vec<Ident> {
    let mut names = Vec::new();
    super::pattern_names(pat, &mut names);
    let mut kept: Vec<Ident> = Vec::new();
    visit_idents(pat, &mut |name| {
        if is_binding(name) && names.contains(&name.ident) && !kept.contains(&name.ident) {
            kept.push(name.ident.clone());
        }
    });
    kept
}

/// The name that stands for the whole value.
fn whole_name(pat: &Pat) -> Option<&Ident> {
    match pat {
        Pat::Ident(name) if name.by_ref.is_none() => Some(&name.ident),
        Pat::Paren(inner) => whole_name(&inner.pat),
        _ => None,
    }
}

pub(super) fn is_irrefutable(pat: &Pat) -> bool {
    match pat {
        Pat::Wild(_) | Pat::Rest(_) => true,
        Pat::Ident(name) => {
            is_binding(name)
                && name
                    .subpat
                    .as_ref()
                    .is_none_or(|(_, inner)| is_irrefutable(inner))
        }
        Pat::Paren(inner) => is_irrefutable(&inner.pat),
        Pat::Reference(inner) => is_irrefutable(&inner.pat),
        Pat::Type(inner) => is_irrefutable(&inner.pat),
        Pat::Tuple(tuple) => tuple.elems.iter().all(is_irrefutable),
        _ => false,
    }
}

fn visit_idents(pat: &Pat, see: &mut dyn FnMut(&syn::PatIdent)) {
    match pat {
        Pat::Ident(name) => {
            see(name);
            if let Some((_, inner)) = &name.subpat {
                visit_idents(inner, see);
            }
        }
        Pat::Type(typed) => visit_idents(&typed.pat, see),
        Pat::Paren(inner) => visit_idents(&inner.pat, see),
        Pat::Reference(inner) => visit_idents(&inner.pat, see),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|p| visit_idents(p, see)),
        Pat::TupleStruct(tuple) => tuple.elems.iter().for_each(|p| visit_idents(p, see)),
        Pat::Slice(slice) => slice.elems.iter().for_each(|p| visit_idents(p, see)),
        Pat::Struct(fields) => fields.fields.iter().for_each(|f| visit_idents(&f.pat, see)),
        Pat::Or(or) => or.cases.iter().for_each(|p| visit_idents(p, see)),
        _ => {}
    }
}

/// The pattern with other names for its variables, and `_` where there is none.
pub(super) fn renamed(pat: &Pat, new: &dyn Fn(&Ident) -> Option<Ident>) -> Pat {
    let again = |inner: &Pat| renamed(inner, new);
    let mut pat = pat.clone();
    match &mut pat {
        Pat::Ident(name) if is_binding(name) => match (new(&name.ident), &mut name.subpat) {
            (Some(ident), subpat) => {
                name.ident = ident;
                if let Some((_, inner)) = subpat {
                    **inner = again(inner);
                }
            }
            (None, Some((_, inner))) => return again(inner),
            (None, None) => return syn::parse_quote!(_),
        },
        Pat::Type(typed) => *typed.pat = again(&typed.pat),
        Pat::Paren(inner) => *inner.pat = again(&inner.pat),
        Pat::Reference(inner) => *inner.pat = again(&inner.pat),
        Pat::Tuple(tuple) => tuple.elems.iter_mut().for_each(|p| *p = again(p)),
        Pat::TupleStruct(tuple) => tuple.elems.iter_mut().for_each(|p| *p = again(p)),
        Pat::Slice(slice) => slice.elems.iter_mut().for_each(|p| *p = again(p)),
        Pat::Struct(fields) => {
            for field in &mut fields.fields {
                let pat = again(&field.pat);
                // `Point { x }` is `Point { x: x }`.
                if pat.to_token_stream().to_string() != field.pat.to_token_stream().to_string() {
                    field.colon_token.get_or_insert_default();
                }
                *field.pat = pat;
            }
        }
        Pat::Or(or) => or.cases.iter_mut().for_each(|p| *p = again(p)),
        _ => {}
    }
    pat
}

/// The pattern without its variables: it moves nothing.
pub(super) fn without_names(pat: &Pat) -> TokenStream {
    renamed(pat, &|_| None).to_token_stream()
}

/// A window or a chunk of a list is known as a vector.
pub(super) fn as_slice(value: Value) -> Value {
    match value {
        Value::Node(id) => Value::Slice(id),
        list => list,
    }
}

/// `..` or `rest @ ..`
pub(super) fn is_rest(pat: &Pat) -> bool {
    matches!(pat, Pat::Rest(_)) || is_named_rest(pat)
}

fn is_named_rest(pat: &Pat) -> bool {
    matches!(pat, Pat::Ident(name) if matches!(&name.subpat, Some((_, inner)) if matches!(**inner, Pat::Rest(_))))
}

/// The name that a pattern of an element is, or of the rest.
fn name_in(pat: &Pat) -> Option<&syn::PatIdent> {
    match pat {
        Pat::Paren(inner) => name_in(&inner.pat),
        Pat::Reference(inner) => name_in(&inner.pat),
        Pat::Ident(name) => {
            (name.subpat.is_none() && is_binding(name) || is_named_rest(pat)).then_some(name)
        }
        _ => None,
    }
}

/// Where in a list the elements of a pattern are.
pub(super) fn places_in<'p>(slice: &'p syn::PatSlice, list: &Ident) -> Vec<(&'p Pat, Expr)> {
    let count = slice.elems.len();
    let rest = slice.elems.iter().position(is_rest).unwrap_or(count);
    let literal = proc_macro2::Literal::usize_unsuffixed;
    let places = slice.elems.iter().enumerate().map(|(k, pat)| {
        let (first, back) = (literal(k), literal(count - k));
        let place: Expr = match k.cmp(&rest) {
            std::cmp::Ordering::Less => syn::parse_quote!(#list[#first]),
            std::cmp::Ordering::Greater => syn::parse_quote!(#list[#list.len() - #back]),
            std::cmp::Ordering::Equal => {
                let after = literal(count - k - 1);
                match (k, count - k - 1) {
                    (0, 0) => syn::parse_quote!(#list[..]),
                    (_, 0) => syn::parse_quote!(#list[#first..]),
                    (0, _) => syn::parse_quote!(#list[..#list.len() - #after]),
                    _ => syn::parse_quote!(#list[#first..#list.len() - #after]),
                }
            }
        };
        (pat, place)
    });
    places.collect()
}

/// What a pattern is held against: in `match`, `if let` and `let … else`.
fn matched_by<'e>(pat: &Pat, expr: &'e Expr) -> Option<&'e Expr> {
    match expr {
        Expr::Match(each) => Some(&each.expr),
        Expr::If(branch) => {
            fn of<'e>(cond: &'e Expr, pat: &Pat) -> Option<&'e Expr> {
                match cond {
                    Expr::Let(each) if text(&*each.pat) == text(pat) => Some(&each.expr),
                    Expr::Binary(all) => of(&all.left, pat).or_else(|| of(&all.right, pat)),
                    Expr::Paren(inner) => of(&inner.expr, pat),
                    _ => None,
                }
            }
            let otherwise = branch.else_branch.as_ref();
            let otherwise = || matched_by(pat, &otherwise?.1);
            of(&branch.cond, pat).or_else(otherwise)
        }
        Expr::Block(_) => None,
        expr => Some(expr),
    }
}

/// `list[list.len() - k]`, where there is none also.
fn saturating(place: Expr) -> Expr {
    let Expr::Index(mut index) = place else {
        return place;
    };
    if let Expr::Binary(counted) = &*index.index {
        let (length, back) = (&counted.left, &counted.right);
        index.index = syn::parse_quote!(::core::primitive::usize::saturating_sub(#length, #back));
    }
    Expr::Index(index)
}

/// The parts of a tuple or a slice beside their patterns, `..` standing for any number of them.
pub(super) fn paired<'p>(pats: Vec<&'p Pat>, values: &[Value]) -> Option<Vec<(&'p Pat, Value)>> {
    let rest = pats.iter().position(|p| matches!(p, Pat::Rest(_)));
    let Some(at) = rest else {
        return (pats.len() == values.len())
            .then(|| pats.into_iter().zip(values.iter().cloned()).collect());
    };
    let after = pats.len() - at - 1;
    let first = values.len().checked_sub(after).filter(|f| *f >= at)?;
    let pairs = pats[..at].iter().zip(&values[..at]);
    let pairs = pairs.chain(pats[at + 1..].iter().zip(&values[first..]));
    Some(pairs.map(|(p, v)| (*p, v.clone())).collect())
}

/// A name for whether a pattern fits: `is_linear` for `Kind::Linear(_)`.
fn wish(pat: &Pat) -> String {
    let path = match pat {
        Pat::Paren(inner) => return wish(&inner.pat),
        Pat::Reference(inner) => return wish(&inner.pat),
        Pat::Ident(name) => match &name.subpat {
            Some((_, inner)) => return wish(inner),
            None => Some(&name.ident),
        },
        Pat::Path(path) => path.path.segments.last().map(|s| &s.ident),
        Pat::TupleStruct(tuple) => tuple.path.segments.last().map(|s| &s.ident),
        Pat::Struct(fields) => fields.path.segments.last().map(|s| &s.ident),
        Pat::Lit(lit) => match &lit.lit {
            syn::Lit::Int(n) => return format!("is_{}", n.base10_digits().replace('-', "minus_")),
            syn::Lit::Str(text) if syn::parse_str::<Ident>(&text.value()).is_ok() => {
                return format!("is_{}", text.value());
            }
            _ => None,
        },
        _ => None,
    };
    let Some(name) = path.map(ToString::to_string) else {
        return "fits".to_string();
    };
    let mut words = String::from("is");
    for c in name.chars() {
        if (c.is_uppercase() && !words.ends_with(|c: char| c.is_uppercase())) || words == "is" {
            words.push('_');
        }
        words.push(c);
    }
    words.to_lowercase()
}
