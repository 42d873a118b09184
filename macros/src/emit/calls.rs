//! Calls of functions that have companions: the function itself, or one companion that gives all that is needed.

use super::{Emit, Hold, Level, Written};
use crate::graph::{Argument, Callee, Derived, Form, Gives, Id, Ids, LookedAt, Whole};
use crate::rules::Op;
use crate::ty::Passing;
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::quote;
use syn::ext::IdentExt;

impl Emit<'_> {
    /// The live derivatives of a call.
    fn derivatives_of(&self, call: Id, is: &dyn Fn(&Op) -> bool) -> Vec<Id> {
        // In a map of columns, what is computed there; else what is not.
        let here = |id: &Id| self.mapped.contains(id) == self.in_map;
        let mut found = self.all_derivatives_of(call, is);
        found.retain(here);
        found
    }

    fn all_derivatives_of(&self, call: Id, is: &dyn Fn(&Op) -> bool) -> Vec<Id> {
        let of = |id: &Id| self.live[id.0 as usize] && is(&self.program.graph.op(*id));
        self.ids()
            .filter(|id| of(id) && self.args(*id)[0] == call)
            .collect()
    }

    fn adjoints_of(&self, call: Id) -> Vec<Id> {
        self.derivatives_of(call, &|op| matches!(op, Op::CallAdjoint(_)))
    }

    fn second_of(&self, call: Id) -> Vec<Id> {
        self.derivatives_of(call, &|op| matches!(op, Op::CallAdjointTangent(_)))
    }

    fn all_second_of(&self, call: Id) -> Vec<Id> {
        self.all_derivatives_of(call, &|op| matches!(op, Op::CallAdjointTangent(_)))
    }

    /// The tangent that is computed together with the value of a call: one that second derivatives need, if any.
    pub(super) fn first_tangent(&self, call: Id) -> Option<Id> {
        if let Some(known) = self.first_tangents.borrow().get(&call) {
            return *known;
        }
        let needed = self.all_second_of(call).into_iter();
        let needed = needed.map(|s| self.args(s)[1]);
        // Beside a pullback that needs no second derivative it is computed apart, as a rule may not give that.
        let is_adjoint = |op: &Op| matches!(op, Op::CallAdjoint(_));
        let pulled = !self.all_derivatives_of(call, &is_adjoint).is_empty();
        let tangents = self.all_derivatives_of(call, &|op| *op == Op::CallTangent);
        let found = needed
            .chain(tangents.into_iter().filter(|_| !pulled))
            .find(|tangent| self.is_known_with(*tangent, call));
        self.first_tangents.borrow_mut().insert(call, found);
        found
    }

    /// The call that a tangent is computed together with.
    pub(super) fn comes_with(&self, tangent: Id) -> Option<Id> {
        let call = (*self.op(tangent) == Op::CallTangent).then(|| self.args(tangent)[0]);
        call.filter(|call| self.first_tangent(*call) == Some(tangent))
    }

    /// The call that this takes the value out of, after it has been looked at whether there is one.
    pub(super) fn attempt_of(&self, call: Id) -> Option<Id> {
        let Op::Call(number) = self.op(call) else {
            return None;
        };
        let calls = self.program.graph.calls.borrow();
        let taken = calls[*number].looked_at == LookedAt::Taken && calls[*number].derived.is_none();
        self.args(call).last().copied().filter(|_| taken)
    }

    /// What takes the value out of a call that is looked at.
    fn value_taken_of(&self, attempt: Id) -> Option<Id> {
        self.gives(attempt)?;
        let mut after = self.ids().filter(|id| *id > attempt);
        after.find(|id| self.live[id.0 as usize] && self.attempt_of(*id) == Some(attempt))
    }

    /// What is known of a call that is looked at.
    fn gives(&self, call: Id) -> Option<Gives> {
        let Op::Call(number) = self.op(call) else {
            return None;
        };
        match self.program.graph.calls.borrow()[*number].looked_at {
            LookedAt::Attempt(gives) => Some(gives),
            _ => None,
        }
    }

    /// Whether the directions of a tangent are there when the call is made.
    fn is_known_with(&self, tangent: Id, call: Id) -> bool {
        let call = self.attempt_of(call).unwrap_or(call);
        if *self.op(tangent) != Op::CallTangent
            || self.late.contains(&tangent) && !self.late.contains(&call)
            || self.mapped.contains(&tangent) && !self.mapped.contains(&call)
        {
            return false;
        }
        let mut pending = self.args(tangent)[1..].to_vec();
        let mut seen = Ids::default();
        while let Some(id) = pending.pop() {
            if id == call {
                return false;
            }
            if id > call && seen.insert(id) {
                pending.extend(self.args(id));
            }
        }
        true
    }

    /// Whether a second derivative is given by the pullback that comes with the call itself.
    fn is_by_the_call(&self, second: Id, call: Id) -> bool {
        let tangent = self.args(second)[1];
        *self.op(tangent) == Op::Absent || self.first_tangent(call) == Some(tangent)
    }

    /// What must be there before a call, or a derivative of one, is written.
    pub(super) fn inputs_of_call(&self, id: Id) -> Vec<Id> {
        let args = self.args(id);
        let mut inputs = match self.program.graph.op(id) {
            Op::Call(_) => {
                // One that is looked at is made with all that its value is taken with.
                let tangent = self.first_tangent(self.value_taken_of(id).unwrap_or(id));
                let tangents = tangent.map(|t| self.args(t)[1..].to_vec());
                [args, &tangents.unwrap_or_default()].concat()
            }
            Op::CallTangent if self.comes_with(id).is_some() => vec![args[0]],
            // It makes the call again.
            Op::CallTangent => [&args[1..], self.args(args[0])].concat(),
            Op::CallAdjointTangent(_) if !self.is_by_the_call(id, args[0]) => args[1..].to_vec(),
            _ => args.to_vec(),
        };
        inputs.retain(|input| self.program.graph.op(*input) != Op::Absent);
        inputs
    }

    /// Binds what a call returns, or a derivative of it.
    pub(super) fn write_call(&mut self, id: Id) {
        match self.program.graph.op(id) {
            Op::Call(_) => match self.attempt_of(id) {
                Some(attempt) => self.ensure(attempt),
                None => {
                    // It may panic, and something may happen there: it is made where the user makes it, and once.
                    self.cyclic |= !self.computed.insert(id) || !self.is_computed_here(id);
                    self.write_invocation(id);
                }
            },
            Op::CallTangent => match self.comes_with(id) {
                Some(call) => self.ensure(call),
                None => self.write_other_tangent(self.args(id)[0], id),
            },
            Op::CallAdjoint(_) => {
                self.cyclic |= self.is_pulled_in_vain(id);
                self.write_pulled(id);
            }
            Op::CallAdjointTangent(_) => {
                self.cyclic |= self.is_pulled_in_vain(id);
                self.write_pulled_tangent(id);
            }
            _ => {}
        }
    }

    /// Whether there may be no pullback where its result is written, as the call is on a side that is not taken.
    fn is_pulled_in_vain(&self, id: Id) -> bool {
        let mut guards = self.own_guards(id);
        // Whether an earlier call has given a value may be known by that of a later one.
        guards.retain(|(cond, _)| !matches!(self.op(*cond), Op::Item(_)));
        !self.satisfies(self.current, &guards)
    }

    /// What is looked at: whether there is a value, with the value itself, its tangent and its pullback. Where there is
    /// none, anything stands for these: nobody reads it.
    fn write_attempt(&mut self, attempt: Id, gives: Gives) {
        // On the way back through a loop it is kept.
        let mut some = self.items_of(attempt).into_iter().map(|(_, some)| some);
        let some = some.find(|id| !self.bound.contains_key(id));
        self.bind(attempt, quote!(()), Hold::Scalar);
        let Some(call) = self.value_taken_of(attempt) else {
            let made = self.made(attempt, attempt, gives);
            let bound = some.map(|some| self.bind_item(some));
            return self.out.push(match bound {
                Some(name) => quote!(let #name = #made.is_some();),
                None => quote!(let _ = #made;),
            });
        };
        let made = self.made(attempt, call, gives);
        let outside = std::mem::take(&mut self.out);
        let tangent = self.first_tangent(call);
        let pattern = self.pattern_of_call(call, tangent);
        if self.is_known_to_be_there(call) {
            self.out = outside;
            self.out.push(quote!(let #pattern = #made.unwrap();));
            return self.columns_of_call(call, tangent);
        }
        self.columns_of_call(call, tangent);
        let (mut there, mut none, mut names) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(some) = some {
            names.push(self.bind_item(some));
            there.push(quote!(true));
            none.push(quote!(false));
        }
        for of in [Some(call), tangent].into_iter().flatten() {
            for (_, item) in self.items_of(of) {
                let known = self.bound.get(&item).map(|bound| bound.0.clone());
                there.push(match &known {
                    Some(name) => name.clone(),
                    None => self.write(item).tokens,
                });
                names.push(match known {
                    Some(name) => name,
                    None => self.bind_item(item),
                });
                none.push(match self.is_matrix(item) {
                    true => self.nothing(&self.shape(item)),
                    false => self.number(0.0),
                });
            }
        }
        if let Some(pullback) = self.pullbacks.get(&call).cloned() {
            there.push(quote!(::core::option::Option::Some(#pullback)));
            none.push(quote!(::core::option::Option::None));
            let name = self.fresh("pullback");
            self.pullbacks
                .insert(call, quote!((#name.as_ref().unwrap())));
            self.handed_out.insert(call, quote!(#name));
            names.push(quote!(#name));
        }
        let statements = std::mem::replace(&mut self.out, outside);
        let tuple = |parts: Vec<TokenStream>| match &parts[..] {
            [one] => one.clone(),
            many => quote!((#(#many),*)),
        };
        let (there, none, names) = (tuple(there), tuple(none), tuple(names));
        let there = match &statements[..] {
            [] => there,
            statements => quote!({ #(#statements)* #there }),
        };
        self.out.push(quote! {
            let #names = match #made {
                ::core::option::Option::Some(#pattern) => #there,
                ::core::option::Option::None => #none,
            };
        });
    }

    /// The `Option` that a call gives which is looked at.
    fn made(&mut self, attempt: Id, call: Id, gives: Gives) -> TokenStream {
        let (invoked, krate) = (self.invocation(call), self.krate);
        let after = match self.op(attempt) {
            Op::Call(number) => self.program.graph.calls.borrow()[*number].after.clone(),
            _ => TokenStream::new(),
        };
        match gives {
            Gives::Option => quote!(#invoked #after),
            Gives::Result => quote!(#invoked #after.ok()),
            Gives::Either => quote!(#krate::__private::option_of(#invoked #after)),
        }
    }

    /// Whether this is on the side of a branch where a call has given a value.
    fn is_known_to_be_there(&self, call: Id) -> bool {
        self.satisfies(self.current, &self.own_guards(call))
    }

    /// A call, or the companion that gives all that is needed of it.
    fn invocation(&mut self, call: Id) -> TokenStream {
        let (tangent, pulled) = (self.first_tangent(call), self.is_pulled(call));
        let args = self.arguments(call);
        // That there is a companion shows that the callee is understood.
        let pushed = tangent.is_some() || !pulled && !self.is_differentiated(call);
        let tangents = match pushed {
            true => self.tangents(call, tangent),
            false => Vec::new(),
        };
        let suffix = match (pushed, pulled) {
            (false, false) => "",
            (true, false) => "_pushforward",
            (false, true) => "_pullback",
            (true, true) => "_pullback_pushforward",
        };
        self.call(call, suffix, &args, &tangents)
    }

    /// The value, with its tangent and its pullback where they are needed.
    fn write_invocation(&mut self, call: Id) {
        if let Some(gives) = self.gives(call) {
            return self.write_attempt(call, gives);
        }
        let tangent = self.first_tangent(call);
        let invoked = self.invocation(call);
        let taken = self.taken_out(call, invoked);
        let pattern = self.pattern_of_call(call, tangent);
        self.out.push(quote!(let #pattern = #taken;));
        self.columns_of_call(call, tangent);
    }

    /// The names of what a call gives, with its tangent and its pullback where they are needed.
    fn pattern_of_call(&mut self, call: Id, tangent: Option<Id>) -> TokenStream {
        let pulled = self.is_pulled(call);
        let wish = self.wish_of_call(call);
        let mut names = vec![self.pattern_of(call, call, &wish)];
        if let Some(tangent) = tangent {
            names.push(self.pattern_of(call, tangent, &format!("d{wish}")));
        }
        if names.len() == 1 && !pulled && !self.is_differentiated(call) {
            names.push(quote!(_));
        }
        if pulled {
            // Not the name of the companion itself.
            self.taken
                .insert(format!("{}_pullback", self.name_of_callee(call)));
            let name = self.fresh(&format!("{wish}_pullback"));
            self.pullbacks.insert(call, quote!(#name));
            names.push(quote!(#name));
        }
        match &names[..] {
            [one] => one.clone(),
            many => quote!((#(#many),*)),
        }
    }

    fn columns_of_call(&mut self, call: Id, tangent: Option<Id>) {
        for of in [Some(call), tangent].into_iter().flatten() {
            self.column_of_called(call, of);
        }
    }

    /// What is invoked, with what takes the value out of an `Option`. A closure that makes a call once more, as a
    /// pullback or for each column, cannot leave the function by `?`, and has no need to: there was a value the first time.
    fn taken_out(&self, call: Id, invoked: TokenStream) -> TokenStream {
        let (after, looked_at) = match self.op(call) {
            Op::Call(number) => {
                let made = &self.program.graph.calls.borrow()[*number];
                (made.after.clone(), made.looked_at)
            }
            _ => (TokenStream::new(), LookedAt::No),
        };
        if looked_at == LookedAt::Taken {
            let krate = self.krate;
            return quote!(#krate::__private::there(#invoked));
        }
        let mut trees: Vec<TokenTree> = after.clone().into_iter().collect();
        let leaves = |tree: Option<&TokenTree>| matches!(tree, Some(TokenTree::Punct(p)) if p.as_char() == '?');
        let again = self.in_map || self.of_map || self.is_written_in_pullback();
        if !again || !leaves(trees.last()) {
            return quote!(#invoked #after);
        }
        trees.pop();
        let (krate, before) = (self.krate, trees.into_iter().collect::<TokenStream>());
        quote!(#krate::__private::there(#invoked #before))
    }

    /// Whether what is written now is in a pullback.
    pub(super) fn is_written_in_pullback(&self) -> bool {
        !self.in_map && (self.of_pullback || self.is_in_pullback(self.current))
    }

    /// The name of what a call returns, or of its tangent; of a tuple, those of its parts.
    fn pattern_of(&mut self, call: Id, of: Id, wish: &str) -> TokenStream {
        let items = self.items_of(of);
        let arity = self
            .program
            .graph
            .arities
            .borrow()
            .get(&(call, Vec::new()))
            .copied();
        let whole = items.iter().find(|(part, _)| part.is_empty());
        if let (Some((_, item)), 1) = (whole, items.len()) {
            let name = self.bind_item(*item);
            self.bind(of, name.clone(), Hold::Variable);
            return name;
        }
        match arity.filter(|_| items.iter().all(|(part, _)| part.len() == 1)) {
            Some(arity) => {
                let names = (0..arity).map(|k| {
                    let item = items.iter().find(|(part, _)| part[..] == [k]);
                    item.map_or_else(|| quote!(_), |(_, item)| self.bind_item(*item))
                });
                let names: Vec<TokenStream> = names.collect();
                self.bind(of, quote!(()), Hold::Scalar);
                quote!((#(#names,)*))
            }
            None => {
                let name = self.fresh(wish);
                self.bind(of, quote!(#name), Hold::Variable);
                quote!(#name)
            }
        }
    }

    /// The live parts of an opaque value.
    fn items_of(&self, of: Id) -> Vec<(Vec<usize>, Id)> {
        self.ids()
            .filter(|id| self.live[id.0 as usize])
            .filter_map(|id| match self.program.graph.op(id) {
                Op::Item(part) if self.args(id)[0] == of => Some((part, id)),
                _ => None,
            })
            .collect()
    }

    fn bind_item(&mut self, item: Id) -> TokenStream {
        let name = self.name(item);
        let hold = if self.is_matrix(item) {
            Hold::Variable
        } else {
            Hold::Scalar
        };
        self.bind(item, quote!(#name), hold);
        quote!(#name)
    }

    /// The gradients by lists and structs as the columns of their entries, after the statement that binds them.
    fn as_columns(&mut self, call: Id, of: Id) {
        let Op::Call(number) = self.program.graph.op(call) else {
            return;
        };
        let called = self.program.graph.calls.borrow()[number].clone();
        for (part, item) in self.items_of(of) {
            let Some(what) = called.whole_at(&part) else {
                continue;
            };
            if self.handed_on.contains(&item) {
                continue;
            }
            let name = self.read_name(item);
            let (krate, ty) = (self.krate, self.matrix_type(&self.shape(item)));
            let column = match what {
                Whole::Numbers => quote!(column(#name)),
                Whole::Matrices | Whole::Struct(_) => quote!(column_of_entries(&#name)),
            };
            self.out
                .push(quote!(let #name: #ty = #krate::__private::#column;));
        }
    }

    /// A list that a call returns, or its tangent, as the column of its entries.
    fn column_of_called(&mut self, call: Id, of: Id) {
        if !self.program.graph.called_lists.borrow().contains(&call) {
            return;
        }
        for (_, item) in self.items_of(of) {
            let (krate, name) = (self.krate, self.read_name(item));
            let ty = self.matrix_type(&self.shape(item));
            self.out
                .push(quote!(let #name: #ty = #krate::__private::column(#name);));
        }
    }

    fn read_name(&self, item: Id) -> TokenStream {
        let bound = self.bound.get(&item).map(|b| b.0.clone());
        bound.unwrap_or_default()
    }

    /// Another tangent of a call, along another direction.
    fn write_other_tangent(&mut self, call: Id, tangent: Id) {
        let args = self.arguments(call);
        let tangents = self.tangents(call, Some(tangent));
        let wish = self.wish_of_call(call);
        let seconds = self.second_of(call);
        // With the call comes a pullback along its first tangent.
        let pulled = self.first_tangent(call) != Some(tangent)
            && seconds.iter().any(|s| self.args(*s)[1] == tangent);
        let name = self.pattern_of(call, tangent, &format!("d{wish}"));
        if pulled {
            let pullback = self.fresh(&format!("{wish}_pullback"));
            self.pullbacks.insert(tangent, quote!(#pullback));
            let invoked = self.call(call, "_pullback_pushforward", &args, &tangents);
            let taken = self.taken_out(call, invoked);
            self.out.push(quote!(let (_, #name, #pullback) = #taken;));
        } else {
            let invoked = self.call(call, "_pushforward", &args, &tangents);
            let taken = self.taken_out(call, invoked);
            self.out.push(quote!(let (_, #name) = #taken;));
        }
        self.column_of_called(call, tangent);
    }

    /// `let (x_bar, _) = y_pullback(y_bar);`
    fn write_pulled(&mut self, id: Id) {
        let args = self.args(id);
        let (call, cotangents) = (args[0], &args[1..]);
        self.ensure(call);
        let main = self.first_tangent(call);
        if main.is_none() {
            let pullback = self.pullbacks.get(&call).cloned().unwrap_or_default();
            let cotangent = self.cotangent(id, cotangents);
            let pattern = self.gradient_pattern(call, id);
            self.out.push(quote!(let #pattern = #pullback(#cotangent);));
            self.as_columns(call, id);
            return;
        }
        // The same cotangents with their tangents, if these are needed too.
        let seconds = self.second_of(call);
        let sibling = seconds.into_iter().find(|s| {
            let theirs = self.args(*s);
            self.is_beside(*s, id)
                && theirs[2..2 + cotangents.len()] == *cotangents
                && Some(theirs[1]) == main
        });
        match sibling {
            Some(sibling) => self.write_both(call, Some(id), Some(sibling), cotangents),
            None => self.write_both(call, Some(id), None, cotangents),
        }
    }

    /// Whether a derivative of a call is taken anywhere, as on the way back through a loop.
    fn is_differentiated(&self, call: Id) -> bool {
        let derived = |id: &Id| self.op(*id).is_call() && self.args(*id).first() == Some(&call);
        self.ids()
            .any(|id| derived(&id) && !matches!(self.op(id), Op::Call(_)))
    }

    /// Whether a call is made for its pullback.
    fn is_pulled(&self, call: Id) -> bool {
        let mut seconds = self.all_second_of(call).into_iter();
        let is_adjoint = |op: &Op| matches!(op, Op::CallAdjoint(_));
        seconds.any(|s| self.is_by_the_call(s, call))
            || !self.all_derivatives_of(call, &is_adjoint).is_empty()
    }

    /// Whether a pullback comes with this: with a call, and with a tangent of one along another direction.
    pub(super) fn has_pullback(&self, id: Id) -> bool {
        match self.op(id) {
            Op::Call(_) => self.is_pulled(id),
            Op::CallTangent => {
                let call = self.args(id)[0];
                let mut seconds = self.second_of(call).into_iter();
                self.first_tangent(call) != Some(id) && seconds.any(|s| self.args(s)[1] == id)
            }
            _ => false,
        }
    }

    /// Whether both are computed in the same place, so that one statement can bind both.
    fn is_beside(&self, a: Id, b: Id) -> bool {
        self.context[a.0 as usize] == self.context[b.0 as usize]
    }

    fn write_pulled_tangent(&mut self, id: Id) {
        let args = self.args(id);
        let count = (args.len() - 2) / 2;
        let cotangents = args[2..2 + count].to_vec();
        if *self.op(args[1]) == Op::Absent {
            // The call does not move: only its cotangents do, and are pulled back.
            self.ensure(args[0]);
            let pullback = self.pullbacks.get(&args[0]).cloned().unwrap_or_default();
            let moving = self.moving_or_zero(&args[2 + count..], &cotangents);
            let moving = self.arranged(id, moving);
            let pattern = self.gradient_pattern(args[0], id);
            if self.first_tangent(args[0]).is_none() {
                self.out.push(quote!(let #pattern = #pullback(#moving);));
            } else {
                let zeros = self.moving_or_zero(&[], &cotangents);
                let zeros = self.arranged(id, zeros);
                self.out
                    .push(quote!(let (#pattern, _) = #pullback(#moving, #zeros);));
            }
            self.as_columns(args[0], id);
            return;
        }
        let adjoint = self.adjoints_of(args[0]).into_iter().find(|a| {
            self.is_beside(*a, id)
                && self.args(*a)[1..] == cotangents[..]
                && !self.bound.contains_key(a)
        });
        let main = self.first_tangent(args[0]);
        let adjoint = adjoint.filter(|_| Some(args[1]) == main);
        self.write_both(args[0], adjoint, Some(id), &cotangents);
    }

    /// The tangents of cotangents, zeros where there are none.
    fn moving_or_zero(&mut self, moving: &[Id], cotangents: &[Id]) -> Vec<TokenStream> {
        let mut written = Vec::new();
        for (k, like) in cotangents.iter().enumerate() {
            let moving = moving.get(k);
            let moving = moving.filter(|m| *self.op(**m) != Op::Absent);
            written.push(match (moving, &self.kind(*like).shape) {
                (Some(moving), _) => self.as_cotangent(*moving),
                (None, Some(shape)) => {
                    let sources = [&shape.rows, &shape.cols].map(|dim| self.sources_of(dim));
                    // What nobody else reads has been moved.
                    let left = |id: &Id| self.remaining[id.0 as usize] > 0;
                    let known =
                        |id: &Id| self.is_leaf(*id) || self.bound.contains_key(id) && left(id);
                    if sources.iter().flatten().all(known) {
                        self.filled("zeros", shape, None).tokens
                    } else {
                        // What was called is out of reach here.
                        self.unmovable.insert(*like);
                        self.ensure(*like);
                        let (krate, like) = (self.krate, self.by_reference(*like));
                        quote!(#krate::__private::zeros_like(#like))
                    }
                }
                (None, None) => self.number(0.0),
            });
        }
        written
    }

    /// `let (x_bar, dx_bar) = y_pullback(y_bar, dy_bar);`
    fn write_both(&mut self, call: Id, adjoint: Option<Id>, second: Option<Id>, cotangents: &[Id]) {
        match second.filter(|s| adjoint.is_none() && !self.is_by_the_call(*s, call)) {
            Some(second) => self.ensure(self.args(second)[1]),
            None => self.ensure(call),
        }
        // What one of them reads may be read once more, after it has been changed.
        for of in [adjoint, second].into_iter().flatten() {
            for input in self.inputs_of_call(of) {
                self.ensure_inputs(input);
            }
        }
        let tangent = second.map(|s| self.args(s)[1]);
        let pullback = tangent
            .filter(|t| self.first_tangent(call) != Some(*t))
            .and_then(|t| self.pullbacks.get(&t))
            .or_else(|| self.pullbacks.get(&call))
            .cloned()
            .unwrap_or_default();
        let of = adjoint.or(second).unwrap_or(call);
        let moving = match second {
            Some(second) => self.args(second)[2 + cotangents.len()..].to_vec(),
            None => Vec::new(),
        };
        let zero_or = self.moving_or_zero(&moving, cotangents);
        let cotangent = self.cotangent(of, cotangents);
        let moving = self.arranged(of, zero_or);
        let first = match adjoint {
            Some(adjoint) => self.gradient_pattern(call, adjoint),
            None => quote!(_),
        };
        let then = match second {
            Some(second) => self.gradient_pattern(call, second),
            None => quote!(_),
        };
        self.out
            .push(quote!(let (#first, #then) = #pullback(#cotangent, #moving);));
        for of in [adjoint, second].into_iter().flatten() {
            self.as_columns(call, of);
        }
    }

    /// The pattern of the gradients by all parameters of the callee.
    fn gradient_pattern(&mut self, call: Id, of: Id) -> TokenStream {
        let Op::Call(number) = self.program.graph.op(call) else {
            return quote!(_);
        };
        let arguments = self.program.graph.calls.borrow()[number].arguments.clone();
        let items = self.items_of(of);
        let arguments = arguments.iter().enumerate();
        let names = arguments.map(|(k, argument)| self.pattern_at(argument, &[k], &items));
        let names: Vec<TokenStream> = names.collect();
        self.bind(of, quote!(()), Hold::Scalar);
        quote!((#(#names,)*))
    }

    /// The pattern of the gradient by an argument: `_` where nothing reads it.
    fn pattern_at(
        &mut self,
        argument: &Argument,
        at: &[usize],
        items: &[(Vec<usize>, Id)],
    ) -> TokenStream {
        if !items.iter().any(|(part, _)| part.starts_with(at)) {
            return quote!(_);
        }
        if let Argument::Tuple { parts, .. } = argument {
            let parts = parts.iter().enumerate();
            let names = parts.map(|(k, part)| self.pattern_at(part, &[at, &[k]].concat(), items));
            let names: Vec<TokenStream> = names.collect();
            return quote!((#(#names,)*));
        }
        let item = items.iter().find(|(part, _)| part == at);
        item.map_or_else(|| quote!(_), |(_, item)| self.bind_item(*item))
    }

    /// The cotangent of what a call returns, of those of its parts.
    fn cotangent(&mut self, of: Id, cotangents: &[Id]) -> TokenStream {
        let written = cotangents.iter().map(|c| self.as_cotangent(*c)).collect();
        self.arranged(of, written)
    }

    fn as_cotangent(&mut self, id: Id) -> TokenStream {
        if self.is_matrix(id) {
            self.read_owned(id)
        } else {
            self.read(id).tokens
        }
    }

    /// The parts as the nested tuple that they are parts of.
    fn arranged(&self, of: Id, written: Vec<TokenStream>) -> TokenStream {
        let (Op::CallAdjoint(parts) | Op::CallAdjointTangent(parts)) = self.program.graph.op(of)
        else {
            return TokenStream::new();
        };
        let all: Vec<(Vec<usize>, TokenStream)> = parts.into_iter().zip(written).collect();
        let call = self.args(of)[0];
        let listed = self.program.graph.called_lists.borrow().contains(&call);
        match &all[..] {
            [(_, value)] if listed => {
                let krate = self.krate;
                quote!(#krate::__private::list(#value))
            }
            [(part, value)] if part.is_empty() => value.clone(),
            _ => self.nested(call, &[], &all),
        }
    }

    /// `(Some(a), None)`, as deep as the tuple that a call returns.
    fn nested(&self, call: Id, at: &[usize], parts: &[(Vec<usize>, TokenStream)]) -> TokenStream {
        let arities = self.program.graph.arities.borrow();
        if let Some(arity) = arities.get(&(call, at.to_vec())) {
            let inner = (0..*arity).map(|k| self.nested(call, &[at, &[k]].concat(), parts));
            return quote!((#(#inner,)*));
        }
        match parts.iter().find(|(part, _)| part == at) {
            Some((_, value)) => quote!(::core::option::Option::Some(#value)),
            None if self.is_part(call, at) => quote!(::core::option::Option::None),
            // It may be a tuple of more.
            None => quote!(::core::default::Default::default()),
        }
    }

    /// Whether something reads this part of what a call returns, so that it is no tuple.
    fn is_part(&self, call: Id, at: &[usize]) -> bool {
        self.ids().any(|id| {
            matches!(self.op(id), Op::Item(part) if part == at) && self.args(id)[0] == call
        })
    }

    /// The arguments as the user passes them.
    fn arguments(&mut self, call: Id) -> Vec<TokenStream> {
        let Op::Call(number) = self.program.graph.op(call) else {
            return Vec::new();
        };
        let arguments = self.program.graph.calls.borrow()[number].arguments.clone();
        let values = self.args(call);
        self.keep_repeated(values);
        let is_other = |id: &Id| {
            let of_this = *self.op(*id) == Op::CallTangent && self.args(*id)[0] == call;
            of_this && self.live[id.0 as usize] && self.first_tangent(call) != Some(*id)
        };
        let repeated = self.in_map || self.ids().any(|id| is_other(&id));
        let arguments = arguments.iter();
        arguments
            .map(|argument| self.passed(argument, values, repeated))
            .collect()
    }

    /// An argument as the user passes it.
    fn passed(&mut self, argument: &Argument, values: &[Id], repeated: bool) -> TokenStream {
        match argument {
            // It may be needed again.
            Argument::Inert(tokens, true) if repeated => {
                quote!(::core::clone::Clone::clone(&#tokens))
            }
            Argument::Inert(tokens, _) => tokens.clone(),
            Argument::Iterated {
                at,
                moves,
                by_reference,
            } => {
                let id = values[*at];
                if let (Some(name), true) = (self.handed_out.get(&id), *moves) {
                    return quote!(#name.clone().unwrap());
                }
                let tokens = self.read(id).tokens;
                // What was kept is there by a reference.
                let kept =
                    repeated || self.records.contains(&id) || tokens.to_string().starts_with('*');
                match (by_reference, moves) {
                    (true, _) => quote!(&#tokens),
                    (false, true) if kept => quote!(::core::clone::Clone::clone(&#tokens)),
                    (false, _) => tokens,
                }
            }
            Argument::Value {
                at,
                passing,
                copied,
            } => self.argument(values[*at], *passing, *copied),
            Argument::Whole {
                at,
                what,
                by_reference,
                given,
            } => {
                let id = values[*at];
                match given {
                    Some(given) if *by_reference || matches!(what, Whole::Struct(_)) => {
                        given.clone()
                    }
                    Some(given) => self.list_by_value(id, given),
                    None => self.list_of_column(id, *by_reference),
                }
            }
            Argument::Tuple {
                parts,
                by_reference,
                given,
            } => match given {
                Some(given) => given.clone(),
                None => {
                    let parts = parts.iter().map(|part| self.passed(part, values, repeated));
                    let parts: Vec<TokenStream> = parts.collect();
                    let borrow = by_reference.then(|| quote!(&));
                    quote!(#borrow (#(#parts,)*))
                }
            },
        }
    }

    /// A parameter that is a list, as it is passed on: one that is moved is read once more.
    fn list_by_value(&self, id: Id, given: &TokenStream) -> TokenStream {
        let lists = self.program.graph.lists.borrow();
        let list = lists.get(&id);
        let name = given.clone().into_iter().count() == 1;
        match list {
            Some(list) if name && !list.by_reference && list.length.is_none() => {
                quote!(::core::clone::Clone::clone(&#given))
            }
            _ => given.clone(),
        }
    }

    /// A list of numbers, of the column that it is in the graph.
    fn list_of_column(&mut self, id: Id, by_reference: bool) -> TokenStream {
        let fixed = !self.is_dynamic(id);
        if !by_reference {
            // It may be a list, or the name of a reference to one.
            let (krate, column) = (self.krate, self.by_reference(id));
            return quote!(#krate::__private::list(#column));
        }
        let value = self.read(id);
        let (hold, value) = (value.hold, value.at(Level::Atom));
        match hold {
            Hold::Temporary | Hold::Variable | Hold::Reference if fixed => {
                quote!(&#value.data.0[0])
            }
            Hold::Temporary | Hold::Variable => quote!(#value.data.as_vec()),
            _ => quote!(#value.as_slice()),
        }
    }

    fn argument(&mut self, id: Id, passing: Passing, copied: bool) -> TokenStream {
        let leaf = self.program.graph.leaf_of(id);
        let borrowed = leaf.filter(|leaf| leaf.form != Form::Owned);
        match (borrowed, passing) {
            (Some(leaf), Passing::Reference) if leaf.form == Form::Borrowed => {
                self.read(id);
                leaf.name
            }
            (Some(leaf), Passing::View) if leaf.form == Form::View => {
                self.read(id);
                leaf.name
            }
            // What the user passes is no view.
            (_, Passing::Reference) if copied || self.views.contains(&id) => self.copied(id),
            (_, Passing::Owned) if copied => {
                let view = self.read(id).at(Level::Atom);
                quote!(#view.clone_owned())
            }
            (_, Passing::Reference) => self.by_reference(id),
            (_, Passing::View) if self.is_matrix(id) => {
                let value = self.receiver(id);
                quote!(#value.as_view())
            }
            _ => match self.op(id) {
                Op::Part(part) if !part.is_entry() => self.read(id).tokens,
                _ if self.is_matrix(id) => self.read_owned(id),
                _ => self.read(id).tokens,
            },
        }
    }

    /// A reference to a copy of a view.
    fn copied(&mut self, id: Id) -> TokenStream {
        let view = self.read(id).at(Level::Atom);
        quote!(&#view.clone_owned())
    }

    /// A tangent for each argument: `Some(&dx)`, or `None`.
    fn tangents(&mut self, call: Id, tangent: Option<Id>) -> Vec<TokenStream> {
        let Op::Call(number) = self.program.graph.op(call) else {
            return Vec::new();
        };
        let arguments = self.program.graph.calls.borrow()[number].arguments.clone();
        let moving = tangent.map_or(&[][..], |tangent| &self.args(tangent)[1..]);
        let arguments = arguments.iter();
        arguments
            .map(|argument| self.tangent_of(argument, moving))
            .collect()
    }

    /// The tangent of an argument, of those of all values.
    fn tangent_of(&mut self, argument: &Argument, moving: &[Id]) -> TokenStream {
        let known = |at: usize| {
            let moving = moving.get(at).copied();
            moving.filter(|id| self.program.graph.op(*id) != Op::Absent)
        };
        let value = match argument {
            Argument::Inert(..) | Argument::Iterated { .. } => None,
            Argument::Value { at, .. } => known(*at).map(|moving| {
                if !self.is_matrix(moving) {
                    return self.read(moving).tokens;
                }
                let is_view = match self.bound.get(&moving) {
                    Some((_, hold)) => *hold == Hold::View,
                    None => {
                        let leaf = self.program.graph.leaf_of(moving);
                        let part = matches!(self.op(moving), Op::Part(part) if part.is_view());
                        part || leaf.is_some_and(|leaf| leaf.form == Form::View)
                    }
                };
                if is_view {
                    return self.copied(moving);
                }
                self.by_reference(moving)
            }),
            Argument::Whole { at, what, .. } => {
                known(*at).map(|id| self.tangent_of_whole(id, what))
            }
            Argument::Tuple { parts, .. } => {
                let parts: Vec<TokenStream> = parts
                    .iter()
                    .map(|part| self.tangent_of(part, moving))
                    .collect();
                let none = quote!(::core::option::Option::None).to_string();
                let any = parts.iter().any(|part| part.to_string() != none);
                any.then(|| quote!((#(#parts,)*)))
            }
        };
        match value {
            Some(value) => quote!(::core::option::Option::Some(#value)),
            None => quote!(::core::option::Option::None),
        }
    }

    /// The tangent of a list is a slice of its entries, that of a struct another struct.
    fn tangent_of_whole(&mut self, id: Id, what: &Whole) -> TokenStream {
        let list = self.program.graph.lists.borrow().get(&id).cloned();
        match (what, list) {
            (Whole::Struct(_), Some(list)) if list.is_struct => list.name,
            (Whole::Struct(like), _) => {
                let (krate, column) = (self.krate, self.by_reference(id));
                quote!(&#krate::__private::struct_of(#like, #column))
            }
            (Whole::Numbers, Some(list)) if list.element.is_none() => {
                let name = list.name;
                quote!(&#name[..])
            }
            _ => {
                let value = self.read(id).at(Level::Atom);
                quote!(#value.as_slice())
            }
        }
    }

    /// A companion of what is called, with its arguments.
    fn call(
        &self,
        call: Id,
        suffix: &str,
        args: &[TokenStream],
        tangents: &[TokenStream],
    ) -> TokenStream {
        match self.program.graph.op(call) {
            Op::Call(number) => self.invoked(number, suffix, args, tangents),
            _ => TokenStream::new(),
        }
    }

    /// A function of numbers inside of a pass, or a derivative of it.
    pub(super) fn applied(&self, number: usize, by: &[usize], written: &[Written]) -> Written {
        let arguments = self.program.graph.calls.borrow()[number].arguments.clone();
        let all = arguments.iter().map(|argument| match argument {
            Argument::Inert(tokens, _) => tokens.clone(),
            Argument::Value { at, passing, .. } => match passing {
                Passing::Reference => {
                    let value = written[*at].at(Level::Unary);
                    quote!(&#value)
                }
                _ => written[*at].tokens.clone(),
            },
            // Functions of numbers take no others.
            Argument::Whole { .. } | Argument::Tuple { .. } | Argument::Iterated { .. } => {
                TokenStream::new()
            }
        });
        let all: Vec<TokenStream> = all.collect();
        let place = |k: usize| {
            let mut places = arguments.iter();
            places.position(|a| matches!(a, Argument::Value { at, .. } if *at == k))
        };
        let (one, zero) = (self.number(1.0), self.number(0.0));
        let along = |k: usize, count: usize| {
            let moving = (0..count).map(|at| {
                if Some(at) == place(k) {
                    quote!(::core::option::Option::Some(#one))
                } else {
                    quote!(::core::option::Option::None)
                }
            });
            moving.collect::<Vec<TokenStream>>()
        };
        let tokens = match by {
            [] if self.differentiated.contains(&number) => self.invoked(number, "", &all, &[]),
            // That there is a companion shows that the callee is understood.
            [] => {
                let none = vec![quote!(::core::option::Option::None); arguments.len()];
                let invoked = self.invoked(number, "_pushforward", &all, &none);
                quote!((#invoked).0)
            }
            [k] => {
                let invoked = self.invoked(number, "_pushforward", &all, &along(*k, all.len()));
                quote!((#invoked).1)
            }
            [k, second] => {
                let along = along(*k, all.len());
                let invoked = self.invoked(number, "_pullback_pushforward", &all, &along);
                let place = syn::Index::from(place(*second).unwrap_or(0));
                quote!(((#invoked).2)(#one, #zero).1.#place)
            }
            [k, second, third, ..] => {
                let mut all = all;
                for argument in &arguments {
                    if let Argument::Value { at, passing, .. } = argument {
                        let borrow = (*passing == Passing::Reference).then(|| quote!(&));
                        let along = if at == k { &one } else { &zero };
                        all.push(quote!(#borrow #along));
                    }
                }
                all.extend([one.clone(), zero]);
                let along = along(*third, all.len());
                let suffix = format!("_{}_pushforward", Derived::Second.suffix());
                let invoked = self.invoked(number, &suffix, &all, &along);
                let place = syn::Index::from(place(*second).unwrap_or(0));
                quote!((#invoked).1.#place)
            }
        };
        Written::new(tokens, Level::Atom, Hold::Scalar)
    }

    /// A companion of what is called, with its arguments; the first of a method is its receiver.
    fn invoked(
        &self,
        number: usize,
        suffix: &str,
        args: &[TokenStream],
        tangents: &[TokenStream],
    ) -> TokenStream {
        let called = self.program.graph.calls.borrow()[number].clone();
        let derived = called.derived.map(|(_, derived)| derived.suffix());
        let (callee, derived) = (called.callee, derived.map(|suffix| format!("_{suffix}")));
        let suffix = derived.unwrap_or_default() + suffix;
        let companion = |name: &Ident| {
            let plain = name.to_string();
            match &suffix[..] {
                "" => name.clone(),
                suffix => Ident::new(
                    &format!("{}{suffix}", plain.trim_start_matches("r#")),
                    name.span(),
                ),
            }
        };
        match (callee, args) {
            (
                Callee::Function {
                    before,
                    name,
                    arguments,
                },
                _,
            ) if before.is_empty() && !suffix.is_empty() => {
                let companion = companion(&name);
                // The companions come along with the name of the function, in a module of that name.
                quote!({ use #name::*; #companion #arguments }(#(#args,)* #(#tangents),*))
            }
            (
                Callee::Function {
                    before,
                    name,
                    arguments,
                },
                _,
            ) => {
                let companion = companion(&name);
                quote!(#before #companion #arguments(#(#args,)* #(#tangents),*))
            }
            (Callee::Method { name, arguments }, [receiver, args @ ..]) => {
                let companion = companion(&name);
                quote!(#receiver.#companion #arguments(#(#args,)* #(#tangents),*))
            }
            (Callee::Method { .. }, []) => TokenStream::new(),
        }
    }

    /// What the user calls the value, or the name of the function.
    fn wish_of_call(&self, call: Id) -> String {
        let whole = self.ids().find(|id| {
            self.program.graph.op(*id) == Op::Item(Vec::new()) && self.args(*id)[0] == call
        });
        let named = whole.and_then(|id| self.program.graph.names.borrow().get(&id).cloned());
        named.map_or_else(|| self.name_of_callee(call), |name| name.to_string())
    }

    fn name_of_callee(&self, call: Id) -> String {
        let Op::Call(number) = self.program.graph.op(call) else {
            return "value".to_string();
        };
        let calls = self.program.graph.calls.borrow();
        let (Callee::Function { name, .. } | Callee::Method { name, .. }) = &calls[number].callee;
        name.unraw().to_string()
    }

    /// A part of what a call returns.
    pub(super) fn write_item(&mut self, id: Id, part: &[usize]) -> Written {
        let of = self.args(id)[0];
        self.ensure(of);
        if self.bound.contains_key(&id) {
            return self.read(id);
        }
        let base = self.bound.get(&of).map(|b| b.0.clone()).unwrap_or_default();
        let fields = part.iter().map(|k| syn::Index::from(*k));
        let hold = if self.is_matrix(id) {
            Hold::Temporary
        } else {
            Hold::Scalar
        };
        Written::new(quote!(#base #(.#fields)*), Level::Atom, hold)
    }
}
