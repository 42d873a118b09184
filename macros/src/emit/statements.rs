//! The statements of a companion: the user's own, bindings, branches, and matrices written part by part.

use super::{Emit, Hold, Level, Outputs, PULLBACK, Pullback, Returns, Written};
use crate::graph::{Dim, Elem, Form, Id, Ids, Placed, Shape, Step};
use crate::rules::{Op, Part, Scalar};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

impl Emit<'_> {
    /// A name that nothing else has.
    pub(super) fn fresh(&mut self, wish: &str) -> Ident {
        let wish = wish.trim_start_matches("r#");
        let mut name = wish.to_string();
        let number = self.numbers.entry(name.clone()).or_insert(0);
        while self.taken.contains(&name) {
            *number += 1;
            name = format!("{wish}_{number}");
        }
        self.taken.insert(name.clone());
        Ident::new(&name, Span::mixed_site())
    }

    /// A name for the parameter of a closure. Nothing outside of closures has it, so each may use it again.
    pub(super) fn parameter(&mut self, wish: &str) -> Ident {
        if !self.taken.contains(wish) || self.parameters.contains(wish) {
            self.taken.insert(wish.to_string());
            self.parameters.insert(wish.to_string());
            return Ident::new(wish, Span::mixed_site());
        }
        self.fresh(wish)
    }

    pub(super) fn write_function(
        &mut self,
        outputs: &Outputs,
        around: Option<TokenStream>,
    ) -> TokenStream {
        let steps = self.program.steps.clone();
        self.write_steps(&steps, 0);
        self.write_before(self.nodes.len() as u32, 0);
        let mut checks: Vec<TokenStream> = Vec::new();
        for (of, tangent) in &outputs.inputs {
            if outputs.optional {
                checks.extend(self.zero_if_absent(*tangent, *of));
            }
            checks.extend(self.same_shape(*tangent, *of));
        }
        let opening = &outputs.opening;
        let result = self.written_result(&outputs.result);
        self.begin_with_stores(Vec::new());
        let body = self.finished(match around {
            Some(around) => quote!(#around(#result)),
            None => result,
        });
        let vectors = self.vectors_of_lists(&body);
        quote!(#opening #(#checks)* #vectors #body)
    }

    /// The statements written so far, and the result; what was bound last and is the result itself needs no name.
    fn finished(&mut self, result: TokenStream) -> TokenStream {
        if let Some(last) = self.out.last()
            && let Some(value) = value_of_let(last, &result)
        {
            self.out.pop();
            let statements = &self.out;
            return quote!(#(#statements)* #value);
        }
        let statements = &self.out;
        quote!(#(#statements)* #result)
    }

    pub(super) fn written_result(&mut self, result: &Returns) -> TokenStream {
        let parts: Vec<TokenStream> = match result {
            Returns::Tuple(parts) | Returns::Array(parts) | Returns::Vec(parts) => {
                parts.iter().map(|part| self.written_result(part)).collect()
            }
            _ => Vec::new(),
        };
        match result {
            Returns::Value(id) if self.is_matrix(*id) => self.read_owned(*id),
            Returns::Value(id) => self.read(*id).tokens,
            Returns::Inert(name) => name.clone(),
            Returns::Unit => quote!(()),
            Returns::Like(None, other) => match &self.kind(*other).shape {
                None => self.number(0.0),
                Some(shape) => {
                    let zeros = self.filled("zeros", shape, None).tokens;
                    self.as_list(*other, zeros)
                }
            },
            Returns::Matrix(None, None) => self.number(0.0),
            Returns::Matrix(None, Some(shape)) => self.filled("zeros", shape, None).tokens,
            Returns::Matrix(Some(id), None) => self.read(*id).tokens,
            Returns::Blocks(blocks) => self.written_blocks(blocks),
            Returns::Struct(name, fields) => self.written_struct(name, fields),
            Returns::Matrix(Some(id), Some(shape)) => {
                self.begin_part();
                let have = self.shape(*id);
                let uncertain = self.uncertain_sizes(*id, shape);
                let sides = [(&shape.rows, &have.rows), (&shape.cols, &have.cols)];
                let mut checks = Vec::new();
                for ((want, have), _) in sides.iter().zip(uncertain).filter(|(_, u)| *u) {
                    let (want, have) = (self.dim(want), self.dim(have));
                    let check = quote!(::core::assert_eq!(#want, #have););
                    if !checks.contains(&check.to_string()) {
                        checks.push(check.to_string());
                        self.out.push(check);
                    }
                }
                self.read_owned(*id)
            }
            Returns::Like(Some(id), other) => {
                self.begin_part();
                if self.lists.contains_key(id) || self.handed_on.contains(id) {
                    self.ensure(*id);
                    return self.read(*id).tokens;
                }
                if let Some(check) = self.shape_check(*id, *other) {
                    self.out.push(check);
                }
                let derivative = self.read_as(*id, *other);
                self.as_list(*other, derivative)
            }
            Returns::Tuple(_) => match &parts[..] {
                [one] => quote!((#one,)),
                many => quote!((#(#many),*)),
            },
            Returns::Array(_) => quote!([#(#parts),*]),
            Returns::Vec(_) => quote!(::std::vec![#(#parts),*]),
            Returns::List(inner, of) => self.written_list(inner, *of),
            Returns::Pullback(pullback) => self.written_pullback(pullback),
        }
    }

    /// Makes the stores of the loops that have been written; those of loops outside of these statements wait.
    pub(super) fn begin_with_stores(&mut self, outside: Vec<Ident>) {
        let krate = self.krate;
        let own = std::mem::replace(&mut self.new_stores, outside);
        let filled = own
            .iter()
            .filter(|store| self.filled_stores.contains(store));
        let made = filled.map(|store| quote!(let mut #store = #krate::__private::Kept::new();));
        self.out.splice(0..0, made);
    }

    /// `move |y_bar: Y| { … }`: what it reads it owns, or borrows from the arguments.
    fn written_pullback(&mut self, pullback: &Pullback) -> TokenStream {
        let outside = std::mem::take(&mut self.out);
        let stores = std::mem::take(&mut self.new_stores);
        let before = self.bound.clone();
        // A view of a local variable is taken again inside; what a branch handed out is a matrix of its own.
        let is_view =
            |id: &Id| !self.is_leaf(*id) && self.borrows_place(*id) && !self.is_copied_view(*id);
        let views: Vec<Id> = before
            .iter()
            .filter(|(id, (_, hold))| *hold != Hold::Variable && is_view(id))
            .map(|(id, _)| *id)
            .collect();
        views.iter().for_each(|id| {
            self.bound.remove(id);
        });
        let previous = std::mem::replace(&mut self.current, PULLBACK);
        for (value, cotangent) in &pullback.cotangents {
            let list = pullback.lists.iter().find(|(id, _)| id == cotangent);
            let given = list.map(|(_, of)| self.given_as_list(*cotangent, *value, *of));
            self.out.extend(given);
            let optional = pullback
                .optional
                .then(|| self.zero_if_absent(*cotangent, *value));
            self.out.extend(optional.flatten());
            let check = self.same_shape(*cotangent, *value);
            self.out.extend(check);
        }
        self.write_before(self.nodes.len() as u32, PULLBACK);
        let result = self.written_result(&pullback.body);
        self.begin_with_stores(stores);
        let inside = self.finished(result);
        self.out = outside;
        self.bound = before;
        self.current = previous;
        let lent = self.lent(&inside, pullback);
        let (parameter, opening) = (&pullback.parameter, &pullback.opening);
        let closure = quote!(move |#parameter| { #opening #lent #inside });
        if pullback.boxed {
            return quote!(::std::boxed::Box::new(#closure));
        }
        closure
    }

    /// A tangent or a cotangent that may be absent is zero then.
    fn zero_if_absent(&self, id: Id, of: Id) -> Option<TokenStream> {
        let leaf = self.program.graph.leaf_of(id)?;
        let lists = self.program.graph.lists.borrow();
        if let (Some(list), Some(own), Some(shape)) =
            (lists.get(&id), lists.get(&of), &leaf.kind.shape)
        {
            let (krate, name, own) = (self.krate, &list.name, &own.name);
            let zero_name = quote::format_ident!("zero_{}", name.to_string());
            let (zero, borrowed) = if list.is_struct {
                let zero = quote!(#krate::__private::zeros_of_struct(#own));
                (zero, quote!(&#zero_name))
            } else {
                let zero = self.filled("zeros", shape, None).tokens;
                (zero, quote!(#zero_name.as_slice()))
            };
            return Some(quote! {
                let #zero_name;
                let #name = match #name {
                    ::core::option::Option::Some(#name) => #name,
                    ::core::option::Option::None => {
                        #zero_name = #zero;
                        #borrowed
                    }
                };
            });
        }
        let (name, zero) = (
            leaf.name,
            match leaf.kind.shape.clone() {
                Some(shape) => self.filled("zeros", &shape, None).tokens,
                None => self.number(0.0),
            },
        );
        let zero_name = quote::format_ident!("zero_{}", name.to_string());
        Some(match (leaf.kind.is_matrix(), leaf.form) {
            (true, Form::Owned) => quote!(let #name = #name.unwrap_or_else(|| #zero);),
            (true, _) => quote! {
                let #zero_name;
                let #name = match #name {
                    ::core::option::Option::Some(#name) => #name,
                    ::core::option::Option::None => {
                        #zero_name = #zero;
                        &#zero_name
                    }
                };
            },
            (false, _) => quote!(let #name = #name.unwrap_or(#zero);),
        })
    }

    /// What statements of the user's borrow may not outlive the function: a pullback that reads it owns a copy, and
    /// lends that to itself.
    fn lent(&mut self, inside: &TokenStream, pullback: &Pullback) -> TokenStream {
        let mut leaves: Vec<Id> = self.homes.keys().chain(&pullback.owns).copied().collect();
        leaves.sort();
        let mut lent = TokenStream::new();
        let pullback_mentions =
            |name: &str| crate::ty::mentions(inside.clone(), &|ident| *ident == name);
        for tuple in &pullback.tuples {
            if pullback_mentions(&tuple.to_string()) {
                let own = self.fresh(&format!("own_{tuple}"));
                self.out
                    .push(quote!(let #own = ::core::clone::Clone::clone(#tuple);));
                lent.extend(quote!(let #tuple = &#own;));
            }
        }
        for id in leaves {
            let Some(leaf) = self.program.graph.leaf_of(id) else {
                continue;
            };
            let list = self.program.graph.lists.borrow().get(&id).cloned();
            if let Some(list) = list {
                // A part of a tuple or of a struct comes with that.
                let name = list.name.to_string();
                let simple = list.name.clone().into_iter().count() == 1;
                let vector = leaf.name.to_string();
                let read = pullback_mentions(&name) || pullback_mentions(&vector);
                if !list.is_struct && simple && list.by_reference && read {
                    let (name, own) = (list.name, self.fresh(&format!("own_{name}")));
                    self.out
                        .push(quote!(let #own = ::std::borrow::ToOwned::to_owned(#name);));
                    lent.extend(quote!(let #name = &#own;));
                }
                if !simple || list.by_reference {
                    lent.extend(self.vector_of_list(id, inside));
                }
                continue;
            }
            let name = leaf.name;
            let text = name.to_string();
            // What came out of a branch is a matrix of its own.
            let handed_out = self
                .bound
                .get(&id)
                .is_some_and(|(_, hold)| *hold == Hold::Variable);
            if leaf.form == Form::Owned || handed_out || !pullback_mentions(&text) {
                continue;
            }
            let own = self.fresh(&format!("own_{text}"));
            let (copy, view) = match (leaf.kind.is_matrix(), leaf.form) {
                (true, Form::View) => (
                    quote!(#name.clone_owned()),
                    // `as_view` would ask for the strides.
                    quote!(#own.generic_view((0, 0), #own.shape_generic())),
                ),
                (true, _) => (quote!(#name.clone_owned()), quote!(&#own)),
                (false, _) => (quote!(*#name), quote!(&#own)),
            };
            self.out.push(quote!(let #own = #copy;));
            lent.extend(quote!(let #name = #view;));
        }
        lent
    }

    /// A tangent or a cotangent must have the shape of its value.
    fn same_shape(&self, derivative: Id, value: Id) -> Option<TokenStream> {
        if !self.is_dynamic(value) {
            return None;
        }
        let shape = self.shape(value);
        if let Some(check) = self.same_list(derivative, value) {
            return Some(check);
        }
        let name = self.program.graph.leaf_of(derivative)?.name;
        let (rows, cols) = (self.dim(&shape.rows), self.dim(&shape.cols));
        Some(quote!(::core::assert_eq!(#name.shape(), (#rows, #cols));))
    }

    /// A gradient as the owned type of its parameter: static sizes mix with dynamic ones in a computation.
    pub(super) fn read_as(&mut self, gradient: Id, parameter: Id) -> TokenStream {
        let (have, want) = (self.shape(gradient), self.shape(parameter));
        let same = have.same_type(&want);
        if same || !self.is_matrix(parameter) {
            return self.read_owned(gradient);
        }
        self.forced.insert(gradient);
        self.ensure(gradient);
        let value = self.read(gradient).at(Level::Atom);
        let (i, j) = (self.parameter("i"), self.parameter("j"));
        let (ty, sizes) = (self.matrix_type(&want), self.sizes(&want));
        quote!(#ty::from_fn(#(#sizes,)* |#i, #j| #value[(#i, #j)]))
    }

    /// A gradient must have the shape of its parameter, also where the forward values that would have told
    /// of a mismatch are not computed.
    pub(super) fn shape_check(&self, gradient: Id, parameter: Id) -> Option<TokenStream> {
        let want = self.kind(parameter).shape.clone()?;
        let name = self.program.graph.leaf_of(parameter)?.name;
        if self.uncertain_sizes(gradient, &want) == [false; 2] {
            return None;
        }
        let have = self.shape(gradient);
        let (rows, cols) = (self.dim(&have.rows), self.dim(&have.cols));
        Some(quote!(::core::assert_eq!(#name.shape(), (#rows, #cols));))
    }

    /// What tells the sizes that are compared with those of a derivative is computed, and stays.
    pub(super) fn find_checked(&mut self, result: &Returns) {
        let (id, want) = match result {
            Returns::Tuple(parts) | Returns::Array(parts) | Returns::Vec(parts) => {
                return parts.iter().for_each(|part| self.find_checked(part));
            }
            Returns::Struct(_, fields) => {
                return fields.iter().for_each(|(_, part)| self.find_checked(part));
            }
            Returns::List(inner, _) => return self.find_checked(inner),
            Returns::Pullback(pullback) => return self.find_checked(&pullback.body),
            Returns::Matrix(None, Some(shape)) => {
                let sources = [&shape.rows, &shape.cols].map(|dim| self.sources_of(dim));
                return self.keep_all(&sources.concat());
            }
            Returns::Matrix(Some(id), Some(shape)) => (*id, shape.clone()),
            Returns::Like(Some(id), other) if self.is_matrix(*other) => (*id, self.shape(*other)),
            _ => return,
        };
        let (have, uncertain) = (self.shape(id), self.uncertain_sizes(id, &want));
        let sides = [(&want.rows, &have.rows), (&want.cols, &have.cols)];
        for (dims, _) in sides.into_iter().zip(uncertain).filter(|side| side.1) {
            self.keep_all(&[self.sources_of(dims.0), self.sources_of(dims.1)].concat());
        }
    }

    fn keep_all(&mut self, sources: &[Id]) {
        sources.iter().for_each(|source| self.mark(*source));
        self.forced.extend(sources);
        self.unmovable.extend(sources);
        self.find_live();
    }

    /// Whether a value may have another number of rows, and of columns, than this without a panic before.
    fn uncertain_sizes(&self, id: Id, want: &Shape) -> [bool; 2] {
        let have = self.shape(id);
        if !want.is_dynamic() {
            return [false; 2];
        }
        let mut classes = Classes::default();
        for id in self.ids().filter(|id| self.live[id.0 as usize]) {
            let args = self.args(id);
            let shapes: Vec<Shape> = args.iter().map(|a| self.shape(*a)).collect();
            match self.op(id) {
                // The sides of a branch may differ.
                op if op.is_elementwise() && !self.is_branch(id) => {
                    let matrices = args.iter().filter(|a| self.kind(**a).shape.is_some());
                    for shape in matrices.map(|a| self.shape(*a)) {
                        classes.join(&shape.rows, &self.shape(id).rows);
                        classes.join(&shape.cols, &self.shape(id).cols);
                    }
                }
                Op::Dot => {
                    classes.join(&shapes[0].rows, &shapes[1].rows);
                    classes.join(&shapes[0].cols, &shapes[1].cols);
                }
                Op::MatMul => classes.join(&shapes[0].cols, &shapes[1].rows),
                Op::TrMul | Op::ProductTn => classes.join(&shapes[0].rows, &shapes[1].rows),
                Op::ProductNt => classes.join(&shapes[0].cols, &shapes[1].cols),
                Op::LuSolve(_) | Op::LuTrSolve | Op::CholeskySolve | Op::SolveTriangular { .. } => {
                    classes.join(&shapes[0].rows, &shapes[1].rows)
                }
                Op::Inverse(_)
                | Op::Lu
                | Op::Cholesky(_)
                | Op::Determinant
                | Op::Trace
                | Op::InverseTranspose
                | Op::Cofactors
                | Op::CofactorsTangent
                | Op::CholeskyTangent
                | Op::CholeskyAdjoint
                | Op::SymmetricFromLower
                | Op::UpperTriangle
                | Op::LowerTriangle
                | Op::FoldLower => {
                    classes.join(&shapes[0].rows, &shapes[0].cols);
                    // Where there are more, they are of one size.
                    for shape in &shapes[1..] {
                        classes.join(&shapes[0].rows, &shape.rows);
                        classes.join(&shapes[0].rows, &shape.cols);
                    }
                }
                _ => {}
            }
        }
        [(&have.rows, &want.rows), (&have.cols, &want.cols)].map(|(a, b)| !classes.same(a, b))
    }

    pub(super) fn write_steps(&mut self, steps: &[Placed], context: usize) {
        for (i, placed) in steps.iter().enumerate() {
            self.next_step = placed.at;
            match &placed.step {
                Step::Verbatim {
                    tokens,
                    reads,
                    binds,
                } => {
                    self.write_before(placed.at, context);
                    self.write_reads(reads);
                    let tokens = self.with_nalgebra(tokens.clone());
                    self.out.push(tokens);
                    self.within_reach.extend(binds);
                }
                Step::Let { tokens, binds, .. } => {
                    self.write_before(placed.at, context);
                    let tokens = self.with_nalgebra(tokens.clone());
                    self.out.push(tokens);
                    self.within_reach.extend(binds);
                }
                Step::Pin {
                    leaf,
                    tokens,
                    reads,
                    pure,
                    ..
                } => {
                    if !pure || self.live[leaf.0 as usize] {
                        self.write_before(placed.at, context);
                        self.write_reads(reads);
                        let tokens = self.with_nalgebra(tokens.clone());
                        self.out.push(tokens);
                        self.within_reach.push(*leaf);
                        for id in reads {
                            if let Some(count) = self.awaited.get_mut(id) {
                                *count = count.saturating_sub(1);
                            }
                        }
                    }
                }
                Step::Evaluate(id) => {
                    let ordered = |e: &Self| steps[i + 1..].iter().any(|p| e.has_effect(&p.step));
                    if self.forced.contains(id) && self.uses[id.0 as usize].is_empty() {
                        self.write_before(placed.at, context);
                        if self.is_leaf(*id) || self.bound.contains_key(id) {
                            continue;
                        }
                        if self.op(*id).is_opaque() {
                            self.ensure(*id);
                            continue;
                        }
                        let value = self.write(*id);
                        let tokens = &value.tokens;
                        let borrow = (value.hold == Hold::Place).then(|| quote!(&));
                        self.out.push(quote!(let _ = #borrow #tokens;));
                        self.bind(*id, quote!(_), value.hold);
                    } else if self.live[id.0 as usize]
                        && self.context[id.0 as usize] == context
                        && !self.is_inline(*id)
                        && ordered(self)
                    {
                        self.forced.insert(*id);
                        self.ensure(*id);
                    }
                }
                Step::Fit(id) => {
                    if self.forced.contains(id) && self.uses[id.0 as usize].is_empty() {
                        self.write_before(placed.at, context);
                        if self.bound.contains_key(id) {
                            continue;
                        }
                        let value = self.write(*id);
                        self.out.push(quote!(let _ = #value;));
                        self.bind(*id, quote!(_), value.hold);
                    }
                }
                Step::Loop(id) => {
                    let ordered = steps[i..].iter().any(|p| self.has_effect(&p.step));
                    let here = self.context[id.0 as usize] == context;
                    if self.live[id.0 as usize] && here && ordered {
                        self.write_before(placed.at, context);
                        self.ensure(*id);
                    }
                }
                Step::Leave { cond, when } => {
                    self.write_before(placed.at, context);
                    self.write_leave(*cond, *when);
                }
                Step::Branch { select, .. } => {
                    let ordered = steps[i + 1..].iter().any(|p| self.has_effect(&p.step));
                    if let Some(&owner) = self.owners.get(select) {
                        if ordered || !self.live[owner.0 as usize] {
                            self.write_before(placed.at, context);
                            self.ensure(owner);
                        }
                    } else if ordered {
                        // What may panic in it does so before what happens next.
                        let cond = self.args(*select)[0];
                        for id in (0..placed.at).map(Id) {
                            if self.live[id.0 as usize]
                                && self.is_branch(id)
                                && self.args(id)[0] == cond
                                && self.context[id.0 as usize] == context
                            {
                                self.ensure(id);
                            }
                        }
                    }
                }
            }
        }
        self.next_step = u32::MAX;
    }

    /// Whether a value is computed of what a statement binds on a side of a branch, and that has not been handed out.
    fn reads_unbound(&self, id: Id) -> bool {
        let (mut pending, mut seen) = (vec![id], Ids::default());
        while let Some(id) = pending.pop() {
            if self.bound.contains_key(&id) || !seen.insert(id) {
                continue;
            }
            if self
                .homes
                .get(&id)
                .is_some_and(|home| self.is_elsewhere(*home))
            {
                return true;
            }
            if !self.group_of.contains_key(&id) {
                pending.extend(self.needs(id));
            }
        }
        false
    }

    /// Whether something that a value is computed from is behind a statement that is still to be written: a loop or a
    /// branch in which something happens, or what statements bind.
    pub(super) fn is_behind_steps(&self, id: Id) -> bool {
        if self.next_step == u32::MAX {
            return false;
        }
        let mut pending = vec![id];
        let mut seen = Ids::default();
        while let Some(id) = pending.pop() {
            if self.bound.contains_key(&id) || !seen.insert(id) {
                continue;
            }
            if self.homes.contains_key(&id) && !self.within_reach.contains(&id) {
                return true;
            }
            if id.0 < self.next_step {
                continue;
            }
            let group = self.group_of.get(&id);
            let has_steps = |group: &usize| self.groups[*group].steps.iter().any(|s| !s.is_empty());
            if self.loops_at.contains_key(&id) || group.is_some_and(has_steps) {
                return true;
            }
            pending.extend(self.needs(id));
        }
        false
    }

    pub(super) fn with_nalgebra(&self, tokens: TokenStream) -> TokenStream {
        let nalgebra = &self.nalgebra;
        replace(tokens, "NALGEBRA", &quote!(#nalgebra))
    }

    /// The values that the user had computed by then.
    pub(super) fn write_before(&mut self, at: u32, context: usize) {
        while let Some(&id) = self.within[context]
            .get(self.reached[context])
            .filter(|id| id.0 < at)
        {
            self.reached[context] += 1;
            // A branch with steps is written where it stands, and what reads what these bind comes after it.
            if self.gets_name(id) && !self.bound.contains_key(&id) && !self.reads_unbound(id) {
                self.ensure(id);
            }
        }
    }

    pub(super) fn bind(&mut self, id: Id, name: TokenStream, hold: Hold) {
        self.bound.insert(id, (name, hold));
        self.order.push(id);
    }

    /// What a kept statement reads must have its name.
    pub(super) fn write_reads(&mut self, reads: &[Id]) {
        reads.iter().for_each(|id| self.ensure(*id));
    }

    /// The branch that a value is computed in, as seen from a place outside, if it has to be written first.
    fn unwritten_around(&self, id: Id, place: usize) -> Option<usize> {
        let around = self.group_around(id, place);
        around.filter(|group| !self.groups[*group].written)
    }

    /// The branch that a value is computed in, as seen from a place outside.
    fn group_around(&self, id: Id, place: usize) -> Option<usize> {
        let mut at = self.context[id.0 as usize];
        let mut outermost = None;
        while at != place && !self.is_within(place, at) {
            outermost = self.contexts[at].group.or(outermost);
            at = self.contexts[at].parent;
        }
        outermost
    }

    /// A part of what is returned may move what the parts before it have read, but no statement before all of them may.
    pub(super) fn begin_part(&mut self) {
        let read = std::mem::take(&mut self.borrowed);
        self.pending.extend(read);
    }

    /// What has been read by the expression that this statement comes before.
    fn begin_statement(&mut self) -> Ids {
        let borrowed = self.borrowed.clone();
        self.borrowed.extend(&self.pending);
        borrowed
    }

    /// Binds a value to a name, after all that it needs.
    pub(super) fn ensure(&mut self, id: Id) {
        let granted = std::mem::take(&mut self.taken_for_granted);
        self.ensure_bound(id);
        self.taken_for_granted = granted;
    }

    fn ensure_bound(&mut self, id: Id) {
        let kept = self.way.apart && self.homes.contains_key(&id);
        if self.bound.contains_key(&id) || self.is_leaf(id) && !kept {
            return;
        }
        // What depends on the symbol of a map of columns is computed in its closure.
        if self.mapped.contains(&id) && !self.in_map {
            return;
        }
        // What is handed out of a branch comes with it.
        if let (true, Some(group)) = (self.way.apart, self.unwritten_around(id, self.current)) {
            self.write_group(group);
            return;
        }
        if kept {
            return;
        }
        if let Some(&group) = self.group_of.get(&id) {
            self.write_group(group);
            return;
        }
        for input in self.inputs(id) {
            self.ensure_inputs(input);
        }
        if self.bound.contains_key(&id) {
            return;
        }
        if self.op(id).is_opaque() {
            let borrowed = self.begin_statement();
            match self.op(id) {
                Op::Loop(_) => {
                    let at = self.loops_at.get(&id);
                    self.cyclic |= at.is_some_and(|at| self.is_elsewhere(*at));
                    self.write_loop(id);
                }
                _ => self.write_call(id),
            }
            self.borrowed = borrowed;
            return;
        }
        let borrowed = self.begin_statement();
        self.computed.insert(id);
        if let Op::Update(_) = self.op(id) {
            let place = self.write_update(id);
            self.borrowed = borrowed;
            self.mutable.insert(id);
            self.bind(id, place, Hold::Variable);
            return;
        }
        if let Some(place) = self.write_addition(id) {
            self.borrowed = borrowed;
            self.mutable.insert(id);
            self.bind(id, place, Hold::Variable);
            return;
        }
        if self.has_buffer(id) {
            let name = self.write_buffer(id);
            self.borrowed = borrowed;
            return self.bind(id, quote!(#name), Hold::Variable);
        }
        let name = match self.changed_again(id) {
            Some(name) => name,
            None => self.name(id),
        };
        if let Some(&list) = self.lists.get(&id) {
            self.write_list(id, list, &name);
        } else if self.must_name(id) {
            self.write_accumulation(id, &name);
            self.mutable.insert(id);
        } else if self.is_changed_in_place(id) {
            self.write_change(id, &name);
            self.mutable.insert(id);
        } else if let Some(target) = self.overwritten(id) {
            self.write_over(id, target, &name);
            self.mutable.insert(id);
        } else if self.is_copied_view(id) {
            let value = self.write(id).at(Level::Atom);
            self.out.push(quote!(let #name = #value.clone_owned();));
        } else {
            let value = self.write(id);
            let tokens = &value.tokens;
            if value.hold == Hold::Place {
                self.out.push(quote!(let #name = &#tokens;));
                self.borrowed = borrowed;
                return self.bind(id, quote!(#name), Hold::Reference);
            }
            self.out.push(quote!(let #name = #tokens;));
        }
        self.borrowed = borrowed;
        let hold = match (
            self.kind(id).is_matrix() || self.kind(id).elem == Elem::Factor,
            &self.op(id),
        ) {
            (false, _) => Hold::Scalar,
            (true, Op::Part(part)) if part.is_view() && !self.is_copied_view(id) => Hold::View,
            _ => Hold::Variable,
        };
        self.bind(id, quote!(#name), hold);
    }

    /// Whether what is taken of a matrix is a copy, as that may be changed.
    pub(super) fn is_copied_view(&self, id: Id) -> bool {
        matches!(self.op(id), Op::Part(part) if part.is_view())
            && self.changing.contains(&self.args(id)[0])
    }

    pub(super) fn ensure_inputs(&mut self, id: Id) {
        if self.bound.contains_key(&id) {
            return;
        }
        if self.is_leaf(id) {
            // What a statement on a side of a branch binds comes out of that branch.
            let home = self.homes.get(&id);
            if home.is_some_and(|home| self.is_elsewhere(*home)) {
                if self.way.apart {
                    self.ensure(id);
                }
                self.cyclic |= !self.bound.contains_key(&id);
            }
            return;
        }
        if self.gets_name(id) {
            let home = self.context[id.0 as usize];
            let inside = home != self.current && self.is_within(home, self.current);
            if !inside {
                self.ensure(id);
                return;
            }
            let group = self.group_around(id, self.current);
            let group = group.filter(|group| self.groups[*group].exports.contains(&id));
            if let (Some(group), true) = (group, self.way.apart) {
                // The branch that it comes from may wait for what is being written.
                self.cyclic |= self.groups[group].written;
                self.ensure(id);
            } else if self.is_only_there(id) {
                self.cyclic = true;
            } else if !self.group_of.contains_key(&id) {
                // It is computed before that branch.
                self.ensure(id);
            }
            return;
        }
        for input in self.inputs(id) {
            self.ensure_inputs(input);
        }
    }

    /// Whether what a place binds is not seen from here.
    pub(super) fn is_elsewhere(&self, place: usize) -> bool {
        place != self.current && !self.is_within(self.current, place)
    }

    pub(super) fn is_within(&self, inner: usize, outer: usize) -> bool {
        let mut at = inner;
        while self.contexts[at].depth > self.contexts[outer].depth {
            at = self.contexts[at].parent;
        }
        at == outer && inner != outer
    }

    pub(super) fn name(&mut self, id: Id) -> Ident {
        let given = self.program.graph.names.borrow().get(&id).cloned();
        if let Some(leaf) = self.program.graph.leaf_of(id) {
            // Handed out of a branch, it keeps its name.
            return syn::parse2(leaf.name).unwrap_or_else(|_| self.fresh("value"));
        }
        if let Some(given) = given {
            return given;
        }
        let hint = self.program.graph.hints.borrow().get(&id).cloned();
        let wish = match hint {
            Some(hint) => hint,
            None => match self.op(id) {
                Op::Norm => "norm",
                Op::NormSquared => "norm_squared",
                Op::Inverse(_) | Op::LuInverse(_) | Op::CholeskyInverse => "inverse",
                Op::Determinant | Op::LuDeterminant => "det",
                Op::Lu => "lu",
                Op::Cholesky(_) => "cholesky",
                Op::CholeskyFactor => "l",
                Op::QuaternionProduct | Op::QuaternionExp => "q",
                Op::QuaternionMatrix | Op::RotationExp | Op::RotationAbout => "rotation",
                Op::QuaternionRotate => "turned",
                Op::RotationAngle | Op::Angle => "angle",
                Op::Distance => "distance",
                Op::LuSolve(_) | Op::LuTrSolve | Op::CholeskySolve => "solution",
                Op::Sum | Op::Total | Op::Fold | Op::RowSum | Op::ColumnSum => "total",
                Op::Mean => "mean",
                Op::MatMul | Op::TrMul | Op::ProductTn | Op::ProductNt => "z",
                Op::Scalar(Scalar::Exp) => "exp",
                Op::Scalar(Scalar::Sin) => "sin",
                Op::Scalar(Scalar::Cos) => "cos",
                Op::Scalar(Scalar::Sqrt) => "root",
                Op::Scalar(Scalar::Tanh) => "tanh",
                Op::Compare(_) | Op::And | Op::Or | Op::Not => "condition",
                _ => "t",
            }
            .to_string(),
        };
        self.fresh(&wish)
    }

    pub(super) fn write_group(&mut self, number: usize) {
        if std::mem::replace(&mut self.groups[number].written, true) {
            return;
        }
        let cond = self.groups[number].cond;
        self.ensure_inputs(cond);
        // What both sides need from outside comes first.
        let mut members = self.groups[number].members.clone();
        members.sort();
        for member in &members {
            self.ensure_outside(*member, number);
        }
        let mut exports = self.groups[number].exports.clone();
        exports.sort();
        exports.dedup();
        // Of what is opaque only a pullback is handed out; the parts of the rest are values themselves.
        let opaque = |e: &Self, id: &Id| e.kind(*id).elem == Elem::Opaque && !e.has_pullback(*id);
        let kept_inside: Vec<Id> = exports
            .iter()
            .copied()
            .filter(|id| opaque(self, id))
            .collect();
        exports.retain(|id| !kept_inside.contains(id));
        let shared = self.shared_records(&mut exports);
        for export in &exports {
            self.ensure_outside(*export, number);
        }
        let wanted: Vec<Id> = members
            .iter()
            .copied()
            .filter(|m| self.live[m.0 as usize])
            .filter(|m| {
                self.remaining[m.0 as usize] > 0
                    || self.outputs.contains(m)
                    || self.forced.contains(m)
            })
            .collect();
        let changed: Vec<(Id, Id, TokenStream)> = wanted
            .iter()
            .filter_map(|m| self.changed_on_sides(*m, number))
            .collect();
        let wanted: Vec<Id> = wanted
            .into_iter()
            .filter(|m| !changed.iter().any(|c| c.0 == *m))
            .collect();
        let written = self.read(cond);
        let (cond_tokens, unless) = (written.at(Level::Or), written.at(Level::Unary));
        // What is handed out is still there at the end.
        let may_move = exports.iter().filter(|id| !self.unmovable.contains(*id));
        let may_move: Vec<Id> = may_move.copied().collect();
        self.unmovable.extend(&may_move);
        let mut blocks = Vec::new();
        for side in [0, 1] {
            let before_side: Vec<usize> = changed
                .iter()
                .map(|(_, root, _)| self.remaining[root.0 as usize])
                .collect();
            for (_, root, _) in &changed {
                self.remaining[root.0 as usize] = self.uses_within(*root, number, side);
                self.lent.push(*root);
            }
            let context = self.groups[number].sides[side];
            let outside = std::mem::take(&mut self.out);
            let (before, previous) = (
                self.order.len(),
                std::mem::replace(&mut self.current, context),
            );
            let steps = self.groups[number].steps[side].clone();
            let within_reach = self.within_reach.len();
            let next_step = self.next_step;
            self.write_steps(&steps, context);
            self.write_before(self.nodes.len() as u32, context);
            for (member, root, name) in &changed {
                let arg = self.args(*member)[side + 1];
                if arg == *root {
                    continue;
                }
                self.ensure(arg);
                let own = self.bound.get(&arg).map(|b| b.0.to_string());
                if own != Some(name.to_string()) {
                    let value = self.read_owned(arg);
                    self.out.push(quote!(#name = #value;));
                }
            }
            let mut values: Vec<TokenStream> = Vec::new();
            // A side that never comes to an end gives no values.
            let ends = !diverges(&steps);
            for member in wanted.iter().filter(|_| ends) {
                let arg = self.args(*member)[side + 1];
                let value = if self.is_matrix(*member) {
                    self.side_value(arg, *member)
                } else if self.kind(*member).elem == Elem::Records && self.is_leaf(arg) {
                    self.no_records(*member)
                } else {
                    let value = self.read(arg);
                    // A method of it is not found where both sides are literals, which have no type of their own.
                    let literal = matches!(self.op(arg), Op::Const(_));
                    match side == 0
                        && literal
                        && self.is_literal(*member)
                        && self.is_called(*member)
                    {
                        true => self.typed(&value),
                        false => value.tokens,
                    }
                };
                values.push(value);
            }
            for export in exports.iter().filter(|_| ends) {
                let here = self.is_within(self.context[export.0 as usize], context)
                    || self.context[export.0 as usize] == context;
                // Out of a branch in this one it comes with that.
                if here
                    && !self.bound.contains_key(export)
                    && let Some(inner) = self.unwritten_around(*export, context)
                {
                    self.write_group(inner);
                }
                if self.kind(*export).elem == Elem::Opaque {
                    let pullback = self.pullbacks.get(export).filter(|_| here);
                    values.push(match (pullback, self.handed_out.get(export)) {
                        // Out of a branch in this one it came as an option.
                        (Some(_), Some(name)) => name.clone(),
                        (Some(name), None) => quote!(::core::option::Option::Some(#name)),
                        (None, _) => quote!(::core::option::Option::None),
                    });
                    continue;
                }
                if self.kind(*export).elem == Elem::Inert {
                    let handed_out = self.handed_out.get(export).cloned();
                    values.push(match (here, handed_out) {
                        (true, Some(name)) => name,
                        (true, None) => {
                            let value = self.read(*export).tokens;
                            quote!(::core::option::Option::Some(#value))
                        }
                        (false, _) => quote!(::core::option::Option::None),
                    });
                    continue;
                }
                if self.kind(*export).elem == Elem::Factor {
                    // Where it is read, the side that computes it was taken.
                    let handed_out = self.handed_out.get(export).cloned();
                    values.push(match (here, handed_out) {
                        (true, Some(name)) => name,
                        (true, None) => {
                            let name = self.read(*export).at(Level::Atom);
                            quote!(::core::option::Option::Some(#name.clone()))
                        }
                        (false, _) => quote!(::core::option::Option::None),
                    });
                    continue;
                }
                let mask = self.kind(*export).shape.clone();
                if let (Elem::Bool, Some(shape)) = (self.kind(*export).elem, mask) {
                    values.push(match here {
                        true => {
                            let name = self.read(*export).at(Level::Atom);
                            quote!(#name.clone_owned())
                        }
                        false => self.no_conditions(&shape),
                    });
                    continue;
                }
                values.push(match (here, self.is_matrix(*export)) {
                    (true, true) => {
                        let name = self.read(*export).at(Level::Atom);
                        quote!(#name.clone_owned())
                    }
                    (true, false) => self.read(*export).tokens,
                    (false, true) => self.nothing(&self.shape(*export)),
                    (false, false) => match self.kind(*export).elem {
                        Elem::Int => quote!(0),
                        Elem::Bool => quote!(false),
                        Elem::Records => self.no_records(*export),
                        _ => self.number(0.0),
                    },
                });
            }
            let mut statements = std::mem::replace(&mut self.out, outside);
            // What was bound inside is out of reach.
            for id in self.order.split_off(before) {
                self.bound.remove(&id);
                // What belongs elsewhere is computed there once more, and read as often as was counted.
                let home = self.context[id.0 as usize];
                if home != context && !self.is_within(home, context) {
                    self.unmovable.insert(id);
                }
            }
            self.within_reach.truncate(within_reach);
            self.next_step = next_step;
            self.current = previous;
            for ((_, root, _), remaining) in changed.iter().zip(before_side) {
                self.remaining[root.0 as usize] = remaining;
                self.lent.retain(|lent| lent != root);
            }
            let values = match &values[..] {
                [] => TokenStream::new(),
                [one] => one.clone(),
                many => quote!((#(#many),*)),
            };
            // What was bound last and is the value itself needs no name.
            let last = statements
                .last()
                .and_then(|last| value_of_let(last, &values));
            let values = match last {
                Some(value) => {
                    statements.pop();
                    value
                }
                None => values,
            };
            blocks.push(quote!({ #(#statements)* #values }));
        }
        let [then, otherwise] = &blocks[..] else {
            return;
        };
        for id in may_move {
            self.unmovable.remove(&id);
        }
        for id in kept_inside {
            self.bind(id, quote!(()), Hold::Scalar);
        }
        for (member, root, name) in changed {
            self.remaining[root.0 as usize] = 0;
            self.mutable.insert(member);
            self.bind(member, name, Hold::Variable);
        }
        let mut names = Vec::new();
        for id in wanted.iter().chain(&exports) {
            if self.kind(*id).elem == Elem::Opaque {
                // Where it is called, the branch that made it was taken.
                let name = self.fresh("pullback");
                self.handed_out.insert(*id, quote!(#name));
                self.pullbacks
                    .insert(*id, quote!((#name.as_ref().unwrap())));
                self.bind(*id, quote!(#name), Hold::Variable);
                names.push(name);
                continue;
            }
            let mut name = self.name(*id);
            // What has this name outside of the branch may be read afterwards.
            let mut others = self.others_named(&name, &[], 0);
            others.retain(|(other, _)| other != id);
            if self.named.contains(id) {
                self.keep_aside(&name, others);
            } else if !others.is_empty() {
                name = self.fresh(&name.to_string());
            }
            if self.kind(*id).elem == Elem::Inert && exports.contains(id) {
                self.handed_out.insert(*id, quote!(#name));
                self.bind(*id, quote!(*#name.as_ref().unwrap()), Hold::Scalar);
                names.push(name);
                continue;
            }
            if self.kind(*id).elem == Elem::Factor && exports.contains(id) {
                self.handed_out.insert(*id, quote!(#name));
                self.bind(*id, quote!(#name.as_ref().unwrap()), Hold::Reference);
                names.push(name);
                continue;
            }
            let hold = if self.is_matrix(*id) {
                Hold::Variable
            } else {
                Hold::Scalar
            };
            self.bind(*id, quote!(#name), hold);
            names.push(name);
        }
        for (id, same) in shared {
            if let Some((name, hold)) = self.bound.get(&same).cloned() {
                self.bind(id, name, hold);
            }
        }
        // `else { if … }` reads better as `else if`.
        let block = otherwise;
        let otherwise = match else_if(otherwise) {
            Some(inner) => inner,
            None => otherwise.clone(),
        };
        self.out.push(match &names[..] {
            [] if then.to_string() == "{ }" => quote!(if !#unless #block),
            [] if otherwise.to_string() == "{ }" => quote!(if #cond_tokens #then),
            [] => quote!(if #cond_tokens #then else #otherwise),
            [name] => quote!(let #name = if #cond_tokens #then else #otherwise;),
            names => quote!(let (#(#names),*) = if #cond_tokens #then else #otherwise;),
        });
    }

    /// Whether a value is a literal, or a choice between such.
    fn is_literal(&self, id: Id) -> bool {
        match self.op(id) {
            Op::Const(_) => true,
            Op::Select => self.args(id)[1..].iter().all(|side| self.is_literal(*side)),
            _ => false,
        }
    }

    /// Whether a method of a value, or of a choice that may give it, is called: here, or perhaps in a loop.
    fn is_called(&self, id: Id) -> bool {
        let mut users = self.uses[id.0 as usize].iter();
        users.any(|user| match self.op(*user) {
            Op::Select => self.args(*user)[1..].contains(&id) && self.is_called(*user),
            Op::Loop(_) => true,
            _ => self.args(*user).len() == 1,
        })
    }

    /// Whether what a value on a side of a branch is computed of is not there before that branch: a factorisation, the
    /// entries of a matrix, and what a statement binds.
    fn is_only_there(&self, id: Id) -> bool {
        let mut pending = self.args(id).to_vec();
        let mut seen = Ids::default();
        while let Some(id) = pending.pop() {
            if !seen.insert(id) || self.bound.contains_key(&id) {
                continue;
            }
            let bound_there = |guards: &Vec<(Id, bool)>| !self.satisfies(self.current, guards);
            if self.kind(id).elem == Elem::Factor
                || self.lacks(id, self.current)
                || self.kept_on_sides.get(&id).is_some_and(bound_there)
            {
                return true;
            }
            pending.extend(self.args(id));
        }
        false
    }

    /// Whether a matrix has no entries in a place, as the branch that computes it, or kept it, may not be taken.
    pub(super) fn lacks(&self, id: Id, place: usize) -> bool {
        let kept = self.kept_on_sides.get(&id);
        let there = kept.is_none_or(|guards| self.satisfies(place, guards));
        self.is_dynamic(id) && !(there && self.satisfies(place, &self.own_guards(id)))
    }

    /// Binds what a branch reads that is computed outside of it.
    pub(super) fn ensure_outside(&mut self, id: Id, group: usize) {
        let (context, sides) = (self.groups[group].context, self.groups[group].sides);
        let mut pending = self.args(id).to_vec();
        let mut seen = Ids::default();
        let mut outside = Vec::new();
        while let Some(arg) = pending.pop() {
            // What is there already needs nothing more.
            if !seen.insert(arg) || self.bound.contains_key(&arg) {
                continue;
            }
            let at = self.context[arg.0 as usize];
            let inside = sides.iter().any(|s| at == *s || self.is_within(at, *s));
            if inside || !self.way.apart && self.is_within(at, context) {
                // What a statement in another branch binds is not seen here.
                self.cyclic |= !inside && self.homes.contains_key(&arg);
                pending.extend(self.needs(arg));
            } else if self.is_within(at, context) {
                // Another branch hands it out.
                if self.unwritten_around(arg, context).is_some() {
                    outside.push(arg);
                } else {
                    pending.extend(self.needs(arg));
                }
            } else if self.is_inline(arg)
                || !self.gets_name(arg)
                || self.again.contains_key(&arg)
                // A choice computes what it is of on its sides.
                || !self.group_of.contains_key(&arg)
                    && self.args(arg).iter().any(|a| self.lacks(*a, context))
                || self.mapped.contains(&arg) && !self.satisfies(context, &self.own_guards(arg))
            {
                // A tangent along another direction makes the call again.
                match self.op(arg).is_call() {
                    true => pending.extend(self.inputs_of_call(arg)),
                    false => pending.extend(self.args(arg)),
                }
            } else {
                outside.push(arg);
            }
        }
        outside.sort();
        for arg in outside {
            self.ensure(arg);
        }
    }

    /// An owned matrix for one side of a branch, zero if it is.
    pub(super) fn side_value(&mut self, arg: Id, member: Id) -> TokenStream {
        if self.is_matrix(arg) {
            return self.read_owned(arg);
        }
        let shape = self.shape(member);
        let value = self.read(arg);
        self.filled("from_element", &shape, Some(value.tokens))
            .tokens
    }

    pub(super) fn nothing(&self, shape: &Shape) -> TokenStream {
        let ty = self.matrix_type(shape);
        match (&shape.rows, &shape.cols) {
            (Dim::Dynamic(_), Dim::Dynamic(_)) => quote!(#ty::zeros(0, 0)),
            (Dim::Dynamic(_), _) | (_, Dim::Dynamic(_)) => quote!(#ty::zeros(0)),
            _ => quote!(#ty::zeros()),
        }
    }

    /// Conditions on all entries, for the side of a branch that has none.
    fn no_conditions(&self, shape: &Shape) -> TokenStream {
        let ty = self.matrix_of(shape, &quote!(bool));
        match (&shape.rows, &shape.cols) {
            (Dim::Dynamic(_), Dim::Dynamic(_)) => quote!(#ty::from_element(0, 0, false)),
            (Dim::Dynamic(_), _) | (_, Dim::Dynamic(_)) => quote!(#ty::from_element(0, false)),
            _ => quote!(#ty::from_element(false)),
        }
    }

    /// A matrix that is written part by part.
    pub(super) fn write_accumulation(&mut self, id: Id, name: &Ident) {
        let mut terms = Vec::new();
        self.terms(id, false, &mut terms);
        let (parts, dense): (Vec<_>, Vec<_>) =
            terms.into_iter().partition(|t| self.is_unwritten_part(t.0));
        let shape = self.shape(id);
        // A number stands for a matrix with that value everywhere.
        let (dense, numbers): (Vec<_>, Vec<_>) =
            dense.into_iter().partition(|t| self.is_matrix(t.0));
        let mut everywhere: Option<Written> = None;
        for (number, negative) in numbers {
            let value = self.read(number);
            everywhere = Some(match (everywhere, negative) {
                (None, false) => value,
                (None, true) => value.negated(),
                (Some(sum), negative) => {
                    let (a, b) = (sum.at(Level::Sum), value.at(Level::Product));
                    Written::new(
                        if negative {
                            quote!(#a - #b)
                        } else {
                            quote!(#a + #b)
                        },
                        Level::Sum,
                        Hold::Scalar,
                    )
                }
            });
        }
        // What is dense but of another type, static or dynamic, is added to zeros.
        let own = shape.clone();
        let (dense, other): (Vec<_>, Vec<_>) = dense
            .into_iter()
            .partition(|t| self.shape(t.0).same_type(&own));
        let mut start: Option<Written> = None;
        for (term, negative) in &dense {
            let value = self.operand(*term);
            start = Some(match (start, negative) {
                (None, false) => Written::new(
                    self.read_back_owned(&value, *term),
                    if value.hold == Hold::Temporary {
                        value.level
                    } else {
                        Level::Atom
                    },
                    Hold::Temporary,
                ),
                (None, true) => {
                    Written::new(value.at(Level::Unary), Level::Unary, Hold::Temporary).negated()
                }
                (Some(sum), negative) => {
                    let (a, b) = (sum.at(Level::Sum), value.at(Level::Product));
                    let tokens = if *negative {
                        quote!(#a - #b)
                    } else {
                        quote!(#a + #b)
                    };
                    Written::new(tokens, Level::Sum, Hold::Temporary)
                }
            });
        }
        let start = match (start, everywhere) {
            (Some(start), None) => start.tokens,
            (Some(start), Some(number)) => {
                let (start, number) = (start.at(Level::Atom), number.tokens);
                quote!(#start.add_scalar(#number))
            }
            (None, Some(number)) => {
                self.filled("from_element", &shape, Some(number.tokens))
                    .tokens
            }
            (None, None) => self.filled("zeros", &shape, None).tokens,
        };
        self.out.push(quote!(let mut #name = #start;));
        for (term, negative) in other {
            let value = self.operand(term).tokens;
            self.out.push(if negative {
                quote!(#name -= #value;)
            } else {
                quote!(#name += #value;)
            });
        }
        self.write_parts(&quote!(#name), parts);
    }

    /// Adds the parts of a sum to a matrix that is there already.
    pub(super) fn write_parts(&mut self, place: &TokenStream, parts: Vec<(Id, bool)>) {
        let mut gathered: Vec<(&Shape, Vec<(Id, bool)>)> = Vec::new();
        for (part, negative) in parts {
            match self.op(part) {
                // Those of one shape share a loop.
                Op::Scatter(Part::Gathered(shape, _)) => {
                    match gathered.iter_mut().find(|g| g.0 == shape) {
                        Some(known) => known.1.push((part, negative)),
                        None => gathered.push((shape, vec![(part, negative)])),
                    }
                }
                _ => self.write_into(place, part, negative),
            }
        }
        for (shape, scatters) in gathered {
            self.write_gathered(place, shape, &scatters);
        }
    }

    pub(super) fn read_back_owned(&self, value: &Written, id: Id) -> TokenStream {
        match value.hold {
            Hold::Temporary => value.tokens.clone(),
            Hold::Variable if !self.is_dynamic(id) => value.tokens.clone(),
            Hold::Variable => {
                // `operand` wrote a reference, unless this is the last use.
                let text = value.tokens.to_string();
                if text.starts_with('&') {
                    let name = value.at(Level::Atom);
                    quote!(#name.clone_owned())
                } else {
                    value.tokens.clone()
                }
            }
            _ => {
                let name = value.at(Level::Atom);
                quote!(#name.clone_owned())
            }
        }
    }

    pub(super) fn terms(&self, id: Id, negative: bool, into: &mut Vec<(Id, bool)>) {
        self.terms_within(id, true, negative, into);
    }

    fn terms_within(&self, id: Id, root: bool, negative: bool, into: &mut Vec<(Id, bool)>) {
        let args = self.args(id);
        let own = root
            || self.uses[id.0 as usize].len() == 1
                && !self.outputs.contains(&id)
                && !self.bound.contains_key(&id)
                && self.is_accumulation(id);
        let negative_if =
            |k: usize| (*self.op(id) == Op::Scalar(Scalar::Sub) && k == 1) != negative;
        match self.op(id) {
            Op::Scalar(Scalar::Add | Scalar::Sub) if own && self.is_accumulation(id) => {
                for (k, arg) in args.iter().enumerate() {
                    if self.may_reorder(id, k) {
                        self.terms_within(*arg, false, negative_if(k), into);
                    } else {
                        into.push((*arg, negative_if(k)));
                    }
                }
            }
            _ => into.push((id, negative)),
        }
    }

    /// Whether the terms of a sum that is a term of another one may be added one by one: always in a derivative. A value
    /// of the user's rounds as it does there, so that only parts are added to it, in their order.
    pub(super) fn may_reorder(&self, sum: Id, k: usize) -> bool {
        let part = |id: Id| matches!(self.op(id), Op::Scatter(_));
        self.is_derived(sum) || k == 0 && part(self.args(sum)[1])
    }

    pub(super) fn write_entries(&mut self, id: Id) -> Written {
        let shape = self.shape(id);
        let mut parts = Vec::new();
        self.terms(id, false, &mut parts);
        let mut entries: Vec<Option<TokenStream>> = vec![None; shape.entries().unwrap_or(0)];
        let places = parts.iter().filter_map(|(part, negative)| {
            let args = self.args(*part);
            self.program
                .graph
                .integer_value(args[1])
                .map(|at| (at, args[0], *negative))
        });
        let places: Vec<_> = places.collect();
        for (at, value, negative) in places {
            let value = self.read(value);
            let value = if negative { value.negated() } else { value };
            entries[at] = Some(match entries[at].take() {
                None => value.tokens,
                Some(sum) => {
                    let value = value.at(Level::Product);
                    quote!(#sum + #value)
                }
            });
        }
        let zero = self.number(0.0);
        let entries = entries
            .into_iter()
            .map(|e| e.unwrap_or_else(|| zero.clone()));
        let ty = self.matrix_type(&shape);
        Written::new(
            quote!(#ty::new(#(#entries),*)),
            Level::Atom,
            Hold::Temporary,
        )
    }

    /// Adds each entry of some matrices of one shape at the place that it was taken from.
    fn write_gathered(&mut self, target: &TokenStream, shape: &Shape, scatters: &[(Id, bool)]) {
        for (scatter, _) in scatters {
            let matrices = self.read_by_entries(self.args(*scatter)[0]);
            self.bind_all(&matrices);
        }
        let [i, j] = self.indices();
        let one = Dim::Static(1);
        let place = |dim: &Dim, name: &Ident| {
            if *dim == one {
                quote!(0)
            } else {
                quote!(#name)
            }
        };
        let places = [place(&shape.rows, &i), place(&shape.cols, &j)];
        let outside = self.place.replace(places);
        let mut step = TokenStream::new();
        for (scatter, negative) in scatters {
            let args = self.args(*scatter);
            let Op::Scatter(Part::Gathered(_, positions)) = self.op(*scatter) else {
                continue;
            };
            let given: Vec<TokenStream> = args[1..].iter().map(|a| self.read(*a).tokens).collect();
            let index = self.index_of(positions, &given);
            let value = self.entry_of(args[0]);
            let (negative, value) = match value.without_sign() {
                Some(plain) => (!negative, plain),
                None => (*negative, value),
            };
            let assign = if negative { quote!(-=) } else { quote!(+=) };
            step.extend(quote!(#target[#index] #assign #value;));
        }
        self.place = outside;
        for (dim, name) in [(&shape.rows, &i), (&shape.cols, &j)] {
            if *dim != one {
                let count = self.dim(dim);
                step = quote!(for #name in 0..#count { #step });
            }
        }
        self.out.push(step);
    }

    /// The matrices that an entry of a matrix is computed from: itself, if it is not written in place.
    fn read_by_entries(&self, id: Id) -> Vec<Id> {
        if self.gets_name(id) || self.is_accumulation(id) {
            vec![id]
        } else if self.is_pass(id) {
            self.matrices_of(id)
        } else if *self.op(id) == Op::Fill {
            Vec::new()
        } else {
            vec![id]
        }
    }

    /// One entry of a matrix, at the place that is being written.
    fn entry_of(&mut self, id: Id) -> Written {
        let matrices = self.read_by_entries(id);
        // It is computed now. Where it is computed once more, what it is made of is read once more.
        if !matrices.contains(&id) && !self.computed.insert(id) {
            for matrix in &matrices {
                self.remaining[matrix.0 as usize] += 1;
            }
        }
        let mut entries = self.entries_at(&matrices);
        match entries.remove(&id) {
            Some(entry) => entry,
            None if self.is_pass(id) => {
                Written::new(self.closure_body(id, &entries), Level::Loose, Hold::Scalar)
            }
            None => self.read(self.args(id)[0]),
        }
    }

    /// Adds a part into a place that is already there.
    pub(super) fn write_into(&mut self, place: &TokenStream, scatter: Id, negative: bool) {
        let args = self.args(scatter);
        let Op::Scatter(part) = self.op(scatter) else {
            return;
        };
        let at: Vec<TokenStream> = match &part {
            Part::Selected(_) => Vec::new(),
            _ => args[1..].iter().map(|a| self.read(*a).tokens).collect(),
        };
        let target = match &part {
            Part::Entry => {
                let i = &at[0];
                quote!(#place[#i])
            }
            Part::EntryAt => {
                let (i, j) = (&at[0], &at[1]);
                quote!(#place[(#i, #j)])
            }
            Part::Selected(extreme) => {
                // Of an empty matrix nothing is selected.
                let position = self.selected(*extreme, args[1]);
                let value = self.read(args[0]).at(Level::Product);
                let assign = if negative { quote!(-=) } else { quote!(+=) };
                self.out.push(quote!(if let ::core::option::Option::Some(entry) = #place.get_mut(#position) { *entry #assign #value; }));
                return;
            }
            Part::Gathered(shape, _) => {
                self.write_gathered(place, shape, &[(scatter, negative)]);
                return;
            }
            Part::Element(rows, _) => {
                let rows = self.view(place, rows, &at, "_mut");
                self.add_entries(&rows, args[0], negative);
                return;
            }
            _ => {
                let view = self.view(place, part, &at, "_mut");
                let inner = args[0];
                if self.is_added_in_place(inner) && !self.bound.contains_key(&inner) {
                    // Parts of a part: in place as well.
                    let name = self.fresh("part");
                    self.out.push(quote!(let mut #name = #view;));
                    let mut parts = Vec::new();
                    self.terms(inner, negative, &mut parts);
                    self.write_parts(&quote!(#name), parts);
                    return;
                }
                if self.write_product_into(&view, inner, negative) {
                    return;
                }
                if self.write_pass_added(&view, inner, negative)
                    || self.write_loop_added(&view, inner, negative)
                {
                    return;
                }
                let name = self.fresh("part");
                self.out.push(quote!(let mut #name = #view;));
                quote!(#name)
            }
        };
        let value = if part.is_entry() {
            self.read(args[0])
        } else {
            self.operand(args[0])
        };
        self.add_value(&target, value, negative);
    }

    /// Adds a value in place, or the parts that it is made of.
    pub(super) fn add_into(&mut self, target: &TokenStream, value: Id, negative: bool) {
        let named = self.gets_name(value) || self.bound.contains_key(&value);
        if !named && matches!(self.op(value), Op::Scatter(_)) {
            return self.write_into(target, value, negative);
        }
        let value = self.operand(value);
        self.add_value(target, value, negative);
    }

    fn add_value(&mut self, target: &TokenStream, value: Written, negative: bool) {
        let (assign, value) = super::passes::assigned(negative, value);
        self.out.push(quote!(#target #assign #value;));
    }
}

/// Extents that are equal for certain.
#[derive(Default)]
struct Classes(Vec<(Dim, Dim)>);

impl Classes {
    fn find(&self, dim: &Dim) -> Dim {
        self.0
            .iter()
            .find(|p| p.0 == *dim)
            .map_or_else(|| dim.clone(), |p| p.1.clone())
    }

    fn join(&mut self, a: &Dim, b: &Dim) {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        for pair in &mut self.0 {
            if pair.1 == a {
                pair.1 = b.clone();
            }
        }
        self.0.push((a, b));
    }

    fn same(&self, a: &Dim, b: &Dim) -> bool {
        self.find(a) == self.find(b)
    }
}

/// The value of `let pattern = value;` where the pattern reads like `result`.
fn value_of_let(statement: &TokenStream, result: &TokenStream) -> Option<TokenStream> {
    let trees: Vec<proc_macro2::TokenTree> = statement.clone().into_iter().collect();
    let [keyword, pattern, equals, value @ .., semicolon] = &trees[..] else {
        return None;
    };
    let plain =
        keyword.to_string() == "let" && equals.to_string() == "=" && semicolon.to_string() == ";";
    // A block at the beginning of a statement would be one of its own.
    let is_block = matches!(value, [proc_macro2::TokenTree::Group(first), _, ..]
        if first.delimiter() == proc_macro2::Delimiter::Brace);
    (plain && !is_block && pattern.to_string() == result.to_string())
        .then(|| value.iter().cloned().collect())
}

/// Whether what is done there ends in a panic, or leaves the function.
fn diverges(steps: &[Placed]) -> bool {
    match steps.last().map(|placed| &placed.step) {
        Some(Step::Verbatim { tokens, .. }) => ends_in_exit(tokens.clone()),
        Some(Step::Branch {
            then, otherwise, ..
        }) => diverges(then) && diverges(otherwise),
        _ => false,
    }
}

/// Whether the last statement is `return …;` or `panic!(…);`.
fn ends_in_exit(tokens: TokenStream) -> bool {
    use proc_macro2::TokenTree;
    const PANICS: &[&str] = &["panic", "unreachable", "todo", "unimplemented"];
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut statements = trees.split(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == ';'));
    match statements.rfind(|s| !s.is_empty()) {
        Some([TokenTree::Ident(first), ..]) if first == "return" => true,
        Some([TokenTree::Group(block)]) => ends_in_exit(block.stream()),
        Some(
            [
                ..,
                TokenTree::Ident(name),
                TokenTree::Punct(bang),
                TokenTree::Group(_),
            ],
        ) => bang.as_char() == '!' && PANICS.iter().any(|panic| name == panic),
        _ => false,
    }
}

/// `{ if … }` without the braces.
pub(super) fn else_if(block: &TokenStream) -> Option<TokenStream> {
    let trees: Vec<proc_macro2::TokenTree> = block.clone().into_iter().collect();
    let [proc_macro2::TokenTree::Group(group)] = &trees[..] else {
        return None;
    };
    let first = group.stream().into_iter().next()?;
    let whole = syn::parse2::<syn::ExprIf>(group.stream()).is_ok();
    (whole && matches!(&first, proc_macro2::TokenTree::Ident(i) if i == "if"))
        .then(|| group.stream())
}

/// Replaces an identifier in tokens.
fn replace(tokens: TokenStream, name: &str, with: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|tree| match tree {
            proc_macro2::TokenTree::Ident(ident) if ident == name => {
                with.clone().into_iter().collect::<Vec<_>>()
            }
            proc_macro2::TokenTree::Group(group) => {
                let mut new =
                    proc_macro2::Group::new(group.delimiter(), replace(group.stream(), name, with));
                new.set_span(group.span());
                vec![proc_macro2::TokenTree::Group(new)]
            }
            other => vec![other],
        })
        .collect()
}
