//! Passes over the entries of matrices: closures for `map`, `zip_map`, `zip_apply`, or plain operators.

use super::statements::else_if;
use super::{Emit, Hold, Level, Written};
use crate::graph::{Dim, Elem, Id, IdMap, Ids};
use crate::position::{Arithmetic, Position};
use crate::rules::{Op, Part, Scalar};
use crate::ty::Real;
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::quote;
use std::collections::HashSet;

impl Emit<'_> {
    pub(super) fn write_entrywise(&mut self, root: Id) -> Written {
        if let Some(written) = self.write_operators(root) {
            return written;
        }
        if let Some([of, mirrored]) = self.matrix_and_mirrored(root) {
            return self.write_with_mirrored(root, of, mirrored);
        }
        let mut matrices = self.matrices_of(root);
        if self.is_by_position(root) {
            return self.write_by_position(root, &matrices);
        }
        // The first one decides whether the result is static.
        let own = self.shape(root);
        if let Some(at) = matrices.iter().position(|m| self.shape(*m).same_type(&own)) {
            matrices[..=at].rotate_right(1);
        }
        let (receiver, rest) = match matrices.split_first() {
            Some((first, rest)) => (*first, rest.to_vec()),
            None => {
                // Numbers only: one value everywhere.
                let value = self.closure_body(root, &IdMap::default());
                return self.filled("from_element", &self.shape(root), Some(value));
            }
        };
        if matrices.len() > 3 {
            return self.write_by_position(root, &matrices);
        }
        let (names, body) = self.pass(root, &matrices);
        let rest_tokens: Vec<TokenStream> = rest.iter().map(|m| self.by_reference(*m)).collect();
        let method = Ident::new(
            ["map", "zip_map", "zip_zip_map"][rest.len().min(2)],
            Span::call_site(),
        );
        let receiver = self.receiver(receiver);
        Written::new(
            quote!(#receiver.#method(#(#rest_tokens,)* |#(#names),*| #body)),
            Level::Atom,
            Hold::Temporary,
        )
    }

    /// The two matrices of a pass of which one is the transposition of the other, for this pass only.
    fn matrix_and_mirrored(&self, root: Id) -> Option<[Id; 2]> {
        let dynamic = |dim: &Dim| !matches!(dim, Dim::Static(_));
        let shape = self.shape(root);
        let [a, b] = self.matrices_of(root)[..] else {
            return None;
        };
        let mirrors = |of: Id, mirrored: Id| {
            *self.op(mirrored) == Op::Transpose
                && self.args(mirrored)[0] == of
                && self.uses[mirrored.0 as usize][..] == [root]
                && !self.gets_name(mirrored)
        };
        let real = self.kind(a).elem == Elem::Real && self.kind(b).elem == Elem::Real;
        let plain = self.is_pass(root) && !self.is_accumulation(root) && !self.is_by_position(root);
        if !real || !plain || !dynamic(&shape.rows) || !dynamic(&shape.cols) {
            return None;
        }
        [[a, b], [b, a]]
            .into_iter()
            .find(|pair| mirrors(pair[0], pair[1]))
    }

    /// `with_mirrored(&m, |m, mirrored| …)`: no transposition is made.
    fn write_with_mirrored(&mut self, root: Id, of: Id, mirrored: Id) -> Written {
        // The transposition would have read it as well.
        let remaining = &mut self.remaining[of.0 as usize];
        *remaining = remaining.saturating_sub(1);
        let (mut names, mut entries) = self.entries_of(&[of]);
        let name = self.parameter("mirrored");
        entries.insert(mirrored, Written::scalar(&name));
        names.push(name);
        let body = self.closure_body(root, &entries);
        let (of, krate) = (self.by_reference(of), self.krate);
        Written::new(
            quote!(#krate::__private::with_mirrored(#of, |#(#names),*| #body)),
            Level::Atom,
            Hold::Temporary,
        )
    }

    /// A matrix that a pass may overwrite, of the very type of its result: one that is computed for it only.
    pub(super) fn temporary_of(&self, root: Id) -> Option<Id> {
        self.overwritable(root, &|e, m| {
            !e.gets_name(m)
                && e.uses[m.0 as usize].len() == 1
                && !matches!(e.op(m), Op::Part(_) | Op::Fill | Op::Identity)
        })
    }

    /// What a pass overwrites, if anything.
    pub(super) fn overwritten(&self, root: Id) -> Option<Id> {
        if self.overwriting.contains(&root) {
            self.temporary_of(root)
        } else {
            self.last_use_of(root)
        }
    }

    /// A variable that a pass may overwrite, since nobody reads it afterwards.
    pub(super) fn last_use_of(&self, root: Id) -> Option<Id> {
        self.overwritable(root, &|e, m| {
            let owned = matches!(e.bound.get(&m), Some((_, Hold::Variable)));
            owned
                && e.remaining[m.0 as usize] == 1
                && !e.stays(m)
                && e.context[m.0 as usize] == e.current
        })
    }

    pub(super) fn overwritable(&self, root: Id, free: &dyn Fn(&Self, Id) -> bool) -> Option<Id> {
        let is_pass = self.is_pass(root) && !self.is_accumulation(root) && self.is_dynamic(root);
        if !is_pass
            || self.is_by_position(root)
            || self.reads_as_operators(root)
            || self.single_method(root).is_some()
            || self.matrix_and_mirrored(root).is_some()
        {
            return None;
        }
        let matrices = self.matrices_of(root);
        if matrices.len() > 3 {
            return None;
        }
        let shape = self.shape(root);
        matrices.into_iter().find(|m| {
            self.kind(*m).elem == Elem::Real
                && !self.is_leaf(*m)
                && self.shape(*m).same_type(&shape)
                && free(self, *m)
        })
    }

    /// A pass in place.
    pub(super) fn write_over(&mut self, root: Id, target: Id, name: &Ident) {
        let start = self.read(target).tokens;
        self.out.push(quote!(let mut #name = #start;));
        let others: Vec<Id> = self
            .matrices_of(root)
            .into_iter()
            .filter(|m| *m != target)
            .collect();
        self.write_pass_into(&quote!(#name), root, Some(target), &others, None);
    }

    /// `place.zip_apply(&m, |entry, m| *entry = …)`, or `+=`, or where it is negative `-=`.
    pub(super) fn write_pass_into(
        &mut self,
        place: &TokenStream,
        root: Id,
        target: Option<Id>,
        others: &[Id],
        added: Option<bool>,
    ) {
        let entry = match target.and_then(|t| self.entry_name(t)) {
            Some(name) if !self.leaves.contains(&name.to_string()) => name,
            _ => self.parameter("entry"),
        };
        let mut entries: IdMap<Written> =
            // What is overwritten is read through its reference.
            target.map(|t| (t, Written::new(quote!(*#entry), Level::Unary, Hold::Scalar)))
                .into_iter().collect();
        let mut names = vec![entry.clone()];
        for matrix in others {
            let name = match self.entry_name(*matrix) {
                Some(name) if !names.contains(&name) => name,
                _ => self.parameter(["u", "v", "w"][names.len().min(2)]),
            };
            entries.insert(*matrix, Written::scalar(&name));
            names.push(name);
        }
        let (lets, body) = self.closure_parts(root, &entries);
        let (assign, body) = match added {
            Some(negative) => assigned(negative, body),
            None => (quote!(=), body.tokens),
        };
        let arguments: Vec<TokenStream> = others.iter().map(|m| self.by_reference(*m)).collect();
        let method = Ident::new(
            ["apply", "zip_apply", "zip_zip_apply"][others.len().min(2)],
            Span::call_site(),
        );
        let body = if lets.is_empty() {
            quote!(*#entry #assign #body)
        } else {
            quote!({ #(#lets)* *#entry #assign #body; })
        };
        self.out
            .push(quote!(#place.#method(#(#arguments,)* |#(#names),*| #body);));
    }

    /// `let mut part = place; for i in 0..part.len() { part[i] += … }`, of columns.
    pub(super) fn write_loop_into(
        &mut self,
        place: &TokenStream,
        root: Id,
        columns: &[Id],
        negative: bool,
    ) {
        let [i, _] = self.indices();
        let outside = self.place.replace([quote!(#i), quote!(0)]);
        let entries = self.entries_at(columns);
        let (lets, body) = self.closure_parts(root, &entries);
        let (assign, body) = assigned(negative, body);
        let part = self.fresh("part");
        self.place = outside;
        self.out.push(quote!(let mut #part = #place;));
        self.out
            .push(quote!(for #i in 0..#part.len() { #(#lets)* #part[#i] #assign #body; }));
    }

    /// A pass over more matrices than nalgebra has a method for.
    pub(super) fn write_by_position(&mut self, root: Id, matrices: &[Id]) -> Written {
        let [i, j] = self.indices();
        let outside = self.place.replace([quote!(#i), quote!(#j)]);
        let entries = self.entries_at(matrices);
        let body = self.closure_body(root, &entries);
        self.place = outside;
        let shape = self.shape(root);
        let ty = self.matrix_type(&shape);
        let sizes: Vec<TokenStream> = match matrices.iter().find(|m| self.is_dynamic(**m)) {
            Some(first) if shape.is_dynamic() => {
                // Its size is read besides its entries.
                self.remaining[first.0 as usize] += 1;
                let name = self.read(*first).at(Level::Atom);
                let rows = matches!(shape.rows, Dim::Dynamic(_)).then(|| quote!(#name.nrows()));
                let cols = matches!(shape.cols, Dim::Dynamic(_)).then(|| quote!(#name.ncols()));
                rows.into_iter().chain(cols).collect()
            }
            _ => self.sizes(&shape),
        };
        let [i, j] = [i, j].map(|name| {
            let read = crate::ty::mentions(body.clone(), &|ident| *ident == name);
            if read { quote!(#name) } else { quote!(_) }
        });
        Written::new(
            quote!(#ty::from_fn(#(#sizes,)* |#i, #j| #body)),
            Level::Atom,
            Hold::Temporary,
        )
    }

    /// Names for the row and the column of an entry; a name that only closures of the user's have serves again.
    pub(super) fn indices(&mut self) -> [Ident; 2] {
        if let Some(indices) = &self.indices {
            return indices.clone();
        }
        let names = self.program.graph.names.borrow();
        let bound: HashSet<String> = names.values().map(Ident::to_string).collect();
        let indices = ["i", "j"].map(|wish| {
            if self.leaves.contains(wish) || bound.contains(wish) {
                self.fresh(wish)
            } else {
                self.taken.insert(wish.to_string());
                Ident::new(wish, Span::mixed_site())
            }
        });
        self.indices = Some(indices.clone());
        indices
    }

    /// Binds all of them before one is read: what the others are computed from may still be overwritten then.
    pub(super) fn bind_all(&mut self, matrices: &[Id]) {
        for matrix in matrices {
            self.forced.insert(*matrix);
            self.ensure(*matrix);
        }
    }

    /// The entries of matrices at the place that is being written.
    pub(super) fn entries_at(&mut self, matrices: &[Id]) -> IdMap<Written> {
        let [i, j] = self.place.clone().unwrap_or_default();
        let mut entries = IdMap::default();
        self.bind_all(matrices);
        for matrix in matrices {
            let name = self.read(*matrix).at(Level::Atom);
            let shape = self.shape(*matrix);
            let entry = if shape.is_column() {
                quote!(#name[#i])
            } else if shape.is_vector() {
                quote!(#name[#j])
            } else {
                quote!(#name[(#i, #j)])
            };
            entries.insert(*matrix, Written::new(entry, Level::Atom, Hold::Scalar));
        }
        entries
    }

    /// What stands in the brackets of an index.
    pub(super) fn index_of(
        &self,
        positions: &[Position<usize>],
        given: &[TokenStream],
    ) -> TokenStream {
        let written = positions.iter().map(|p| self.index(p, given).tokens);
        match &written.collect::<Vec<_>>()[..] {
            [one] => one.clone(),
            many => quote!((#(#many),*)),
        }
    }

    fn index(&self, position: &Position<usize>, given: &[TokenStream]) -> Written {
        let [i, j] = self.place.clone().unwrap_or_default();
        let atom = |tokens| Written::new(tokens, Level::Atom, Hold::Scalar);
        match position {
            Position::Row => atom(i),
            Position::Column => atom(j),
            Position::Given(k) => atom(given[*k].clone()),
            Position::Of(operator, parts) => {
                let (a, b) = (self.index(&parts[0], given), self.index(&parts[1], given));
                let (level, symbol) = match operator {
                    Arithmetic::Add => (Level::Sum, quote!(+)),
                    Arithmetic::Sub => (Level::Sum, quote!(-)),
                    Arithmetic::Mul => (Level::Product, quote!(*)),
                    Arithmetic::Div => (Level::Product, quote!(/)),
                    Arithmetic::Rem => (Level::Product, quote!(%)),
                };
                a.joined(level, symbol, &b)
            }
        }
    }

    /// Whether a pass is made while its entries are summed, in their order.
    pub(super) fn is_folded(&self, root: Id) -> bool {
        let summed = match self.uses[root.0 as usize][..] {
            [sum] => matches!(self.op(sum), Op::Sum | Op::Fold),
            _ => false,
        };
        summed
            && self.is_pass(root)
            && self.is_dynamic(root)
            && !self.outputs.contains(&root)
            && !self.forced.contains(&root)
            && !self.is_accumulation(root)
            && !self.is_by_position(root)
            && (1..=2).contains(&self.matrices_of(root).len())
    }

    /// `x.zip_fold(&y, start, |sum, x, y| sum + …)`
    pub(super) fn write_folded(&mut self, root: Id, start: &TokenStream) -> Written {
        let matrices = self.matrices_of(root);
        let (names, entries) = self.entries_of(&matrices);
        let (lets, value) = self.closure_parts(root, &entries);
        let total = self.parameter("sum");
        let value = Written::scalar(&total)
            .joined(Level::Sum, quote!(+), &value)
            .tokens;
        let body = if lets.is_empty() {
            value
        } else {
            quote!({ #(#lets)* #value })
        };
        let method = Ident::new(["fold", "zip_fold"][matrices.len() - 1], Span::call_site());
        let rest: Vec<TokenStream> = matrices[1..]
            .iter()
            .map(|m| self.by_reference(*m))
            .collect();
        let receiver = self.receiver(matrices[0]);
        Written::new(
            quote!(#receiver.#method(#(#rest,)* #start, |#total, #(#names),*| #body)),
            Level::Atom,
            Hold::Scalar,
        )
    }

    /// The parameters and the body of the closure of one pass.
    pub(super) fn pass(&mut self, root: Id, matrices: &[Id]) -> (Vec<Ident>, TokenStream) {
        let (names, entries) = self.entries_of(matrices);
        let body = self.closure_body(root, &entries);
        (names, body)
    }

    /// The parameters that stand for the entries of matrices.
    fn entries_of(&mut self, matrices: &[Id]) -> (Vec<Ident>, IdMap<Written>) {
        let mut names = Vec::new();
        let mut entries = IdMap::default();
        for matrix in matrices {
            let wish = self.entry_name(*matrix);
            let captured: Vec<String> = names.iter().map(Ident::to_string).collect();
            let name = match wish {
                Some(name) if !captured.contains(&name.to_string()) => name,
                _ => self.parameter(["u", "v", "w"][names.len().min(2)]),
            };
            entries.insert(*matrix, Written::scalar(&name));
            names.push(name);
        }
        (names, entries)
    }

    /// The name of a matrix serves for its entry too: the matrix itself is not read inside.
    pub(super) fn entry_name(&self, id: Id) -> Option<Ident> {
        let tokens = match self.bound.get(&id) {
            Some((name, _)) => name.clone(),
            None => self.program.graph.leaf_of(id)?.name,
        };
        let mut trees = tokens.into_iter();
        match (trees.next(), trees.next()) {
            (Some(TokenTree::Ident(name)), None) if name != "self" => Some(name),
            _ => None,
        }
    }

    pub(super) fn closure_body(&mut self, root: Id, entries: &IdMap<Written>) -> TokenStream {
        let (lets, value) = self.closure_parts(root, entries);
        let value = value.tokens;
        if lets.is_empty() {
            value
        } else {
            quote!({ #(#lets)* #value })
        }
    }

    /// What is shared in the body of a closure, and its value.
    fn closure_parts(&mut self, root: Id, entries: &IdMap<Written>) -> (Vec<TokenStream>, Written) {
        // It reads its matrices here: they may change afterwards.
        self.computed.insert(root);
        let members = self.members_of(root);
        // Where in the closure each value is needed: outside of every choice, or on a side of one.
        let mut places: IdMap<Vec<Vec<(Id, bool)>>> = IdMap::default();
        places.insert(root, vec![Vec::new()]);
        let mut home: IdMap<Vec<(Id, bool)>> = IdMap::default();
        for member in members.iter().rev() {
            let all = places.get(member).cloned().unwrap_or_default();
            let common = all
                .iter()
                .cloned()
                .reduce(|a, b| {
                    a.iter()
                        .zip(&b)
                        .take_while(|(x, y)| x == y)
                        .map(|(x, _)| *x)
                        .collect()
                })
                .unwrap_or_default();
            let select = *self.op(*member) == Op::Select;
            for (i, arg) in self.args(*member).iter().copied().enumerate() {
                if self.is_inline(arg) {
                    let mut place = common.clone();
                    if select && i > 0 {
                        place.push((*member, i == 1));
                    }
                    places.entry(arg).or_default().push(place);
                }
            }
            home.insert(*member, common);
        }
        let shared: IdMap<Vec<(Id, bool)>> = members
            .iter()
            .filter(|m| **m != root && places.get(m).is_some_and(|p| p.len() > 1))
            .map(|m| (*m, home.get(m).cloned().unwrap_or_default()))
            .collect();
        let mut names = entries.clone();
        self.closure_block(root, root, &Vec::new(), &shared, &mut names)
    }

    /// The value of a member at a place in the closure, after the shared values that belong there.
    pub(super) fn closure_block(
        &mut self,
        id: Id,
        root: Id,
        place: &[(Id, bool)],
        shared: &IdMap<Vec<(Id, bool)>>,
        names: &mut IdMap<Written>,
    ) -> (Vec<TokenStream>, Written) {
        let mut lets = Vec::new();
        let mut here: Vec<Id> = shared
            .iter()
            .filter(|(m, p)| p[..] == *place && self.reaches(id, **m, root))
            .map(|(m, _)| *m)
            .collect();
        here.sort();
        for member in here {
            if names.contains_key(&member) {
                continue;
            }
            let value = self
                .closure_value(member, root, place, shared, names)
                .tokens;
            let name = self.closure_name(member);
            names.insert(member, Written::scalar(&name));
            lets.push(quote!(let #name = #value;));
        }
        let value = self.closure_value(id, root, place, shared, names);
        (lets, value)
    }

    pub(super) fn closure_name(&mut self, id: Id) -> Ident {
        self.fresh(match self.op(id) {
            Op::Scalar(Scalar::Exp) => "e",
            Op::Scalar(Scalar::Tanh) => "y",
            Op::Scalar(Scalar::Sub) => "d",
            Op::Compare(_) => "c",
            _ => "s",
        })
    }

    pub(super) fn reaches(&self, from: Id, to: Id, _root: Id) -> bool {
        let mut pending = vec![from];
        let mut seen = Ids::default();
        while let Some(id) = pending.pop() {
            if id == to {
                return true;
            }
            if seen.insert(id) {
                pending.extend(self.args(id).iter().copied().filter(|a| self.is_inline(*a)));
            }
        }
        false
    }

    pub(super) fn closure_value(
        &mut self,
        id: Id,
        root: Id,
        place: &[(Id, bool)],
        shared: &IdMap<Vec<(Id, bool)>>,
        names: &mut IdMap<Written>,
    ) -> Written {
        if let Some(name) = names.get(&id) {
            return name.clone();
        }
        if id != root && !self.is_inline(id) {
            return self.captured(id, root);
        }
        let args = self.args(id);
        let op = self.op(id);
        if let Op::Place(position) = op {
            let given: Vec<TokenStream> = args.iter().map(|a| self.read(*a).tokens).collect();
            let index = self.index(position, &given).at(Level::Cast);
            let (real, nalgebra) = (self.real, &self.nalgebra);
            return match self.real {
                Real::Generic(_) => Written::new(
                    quote!(#nalgebra::convert::<f64, #real>(#index as f64)),
                    Level::Atom,
                    Hold::Scalar,
                ),
                _ => Written::new(quote!(#index as #real), Level::Cast, Hold::Scalar),
            };
        }
        if let Op::Part(Part::Gathered(_, positions)) = op {
            let given: Vec<TokenStream> = args[1..].iter().map(|a| self.read(*a).tokens).collect();
            let (whole, index) = (
                self.read(args[0]).at(Level::Atom),
                self.index_of(positions, &given),
            );
            return Written::new(quote!(#whole[#index]), Level::Atom, Hold::Scalar);
        }
        if *op == Op::Select {
            let cond = self
                .closure_value(args[0], root, place, shared, names)
                .tokens;
            let mut blocks = Vec::new();
            for (i, arg) in args[1..].iter().enumerate() {
                let mut inner = place.to_vec();
                inner.push((id, i == 0));
                let known = names.clone();
                let (lets, value) = self.closure_block(*arg, root, &inner, shared, names);
                *names = known;
                let value = value.tokens;
                blocks.push(quote!({ #(#lets)* #value }));
            }
            let (then, otherwise) = (&blocks[0], &blocks[1]);
            let otherwise = else_if(otherwise).unwrap_or_else(|| otherwise.clone());
            return Written::new(
                quote!(if #cond #then else #otherwise),
                Level::Loose,
                Hold::Scalar,
            );
        }
        if matches!(op, Op::Scalar(Scalar::Mul | Scalar::Div | Scalar::Neg)) && self.is_derived(id)
        {
            let factors = self.factors_of(id, &|e, a| {
                e.is_inline(a) && !names.contains_key(&a) && !shared.contains_key(&a)
            });
            let above = factors
                .above
                .iter()
                .map(|f| self.closure_value(*f, root, place, shared, names))
                .collect();
            let below = factors
                .below
                .iter()
                .map(|f| self.closure_value(*f, root, place, shared, names))
                .collect();
            return self.product(factors.coefficient, above, below);
        }
        let written: Vec<Written> = args
            .iter()
            .map(|a| self.closure_value(*a, root, place, shared, names))
            .collect();
        self.scalar_operation(op, written)
    }
}

/// How a value is added, or where it is negative subtracted, without a sign before it.
pub(super) fn assigned(negative: bool, value: Written) -> (TokenStream, TokenStream) {
    let (negative, value) = match value.without_sign() {
        Some(plain) => (!negative, plain),
        None => (negative, value),
    };
    let assign = if negative { quote!(-=) } else { quote!(+=) };
    (assign, value.tokens)
}
