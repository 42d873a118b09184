//! Buffers: what an iteration computes, and only reads, has its place outside of the loop, where every iteration
//! writes it anew. So an iteration allocates nothing.

use super::{Emit, Hold, Level, Written};
use crate::graph::{Elem, Id};
use crate::rules::{Op, Scalar};
use proc_macro2::{Ident, TokenStream};
use quote::quote;

impl Emit<'_> {
    /// Whether a value is written into a buffer.
    pub(super) fn has_buffer(&self, id: Id) -> bool {
        self.repeats
            && !self.in_map
            && self.is_dynamic(id)
            && self.kind(id).elem == Elem::Real
            && !self.is_leaf(id)
            && (!self.outputs.contains(&id)
                || self.stored.contains(&id)
                || self.swapped.contains(&id))
            && !self.named.contains(&id)
            && !self.lists.contains_key(&id)
            && self.context[id.0 as usize] == self.current
            && self.can_be_written_into(id)
            && self.uses[id.0 as usize]
                .iter()
                .all(|user| self.only_reads(*user, id))
    }

    /// What has no name of its own gets a buffer as well, rather than memory in every iteration.
    pub(super) fn ensure_buffer(&mut self, id: Id) {
        let unnamed = !self.bound.contains_key(&id)
            && !self.is_inline(id)
            && !self.is_added_in_place(id)
            && !self.group_of.contains_key(&id);
        if unnamed && self.has_buffer(id) {
            self.forced.insert(id);
            self.ensure(id);
        }
    }

    /// Whether there is a statement that computes a value in memory that is there already.
    fn can_be_written_into(&self, id: Id) -> bool {
        match self.op(id) {
            Op::MatMul | Op::TrMul => true,
            Op::Part(_) => self.is_copied_view(id),
            Op::Scatter(_) => true,
            _ if self.is_accumulation(id) => self.is_made_of_parts(id),
            _ => self.begins_as(id).is_some(),
        }
    }

    /// What a pass begins with in its buffer, and overwrites: a matrix that is computed for it alone, or a copy.
    fn begins_as(&self, id: Id) -> Option<Id> {
        if !self.is_pass(id) || self.is_accumulation(id) || self.is_by_position(id) {
            return None;
        }
        let mut matrices = self.matrices_of(id);
        if matrices.len() > 3 {
            return None;
        }
        let own = self.shape(id);
        matrices.retain(|m| self.kind(*m).elem == Elem::Real && self.shape(*m).same_type(&own));
        let temporary = matrices.iter().find(|m| self.is_for_one_pass(**m));
        temporary.or(matrices.first()).copied()
    }

    /// Whether a matrix is computed in the buffer of the pass that reads it.
    fn is_for_one_pass(&self, id: Id) -> bool {
        !self.is_leaf(id)
            && !self.gets_name(id)
            && self.uses[id.0 as usize].len() == 1
            && self.can_be_written_into(id)
    }

    /// Whether a value is read by another without being moved or changed.
    fn only_reads(&self, user: Id, id: Id) -> bool {
        match self.op(user) {
            _ if self.is_accumulation(user) => {
                // What another matrix begins is not copied for it.
                let mut terms = Vec::new();
                self.terms(user, false, &mut terms);
                terms
                    .iter()
                    .any(|(term, negative)| *term != id && !negative && self.carried.contains(term))
            }
            _ if self.is_pass(user) => true,
            Op::Part(_) | Op::Scatter(_) => true,
            Op::Update(_) => self.args(user)[0] != id,
            Op::MatMul
            | Op::TrMul
            | Op::ProductTn
            | Op::ProductNt
            | Op::Dot
            | Op::TrDot
            | Op::Norm
            | Op::NormSquared
            | Op::Sum
            | Op::Total
            | Op::Fold
            | Op::Mean
            | Op::Extreme(_)
            | Op::Transpose
            | Op::Diagonal
            | Op::Trace => true,
            _ => false,
        }
    }

    /// Computes a value in a buffer, whose name it gives.
    pub(super) fn write_buffer(&mut self, id: Id) -> Ident {
        let name = match self.program.graph.names.borrow().get(&id) {
            // Outside of the loop the user's name may be that of something else.
            Some(given) => self.fresh(&given.to_string()),
            None => self.name(id),
        };
        let empty = self.nothing(&self.shape(id));
        self.buffers.push(quote!(let mut #name = #empty;));
        self.write_over_buffer(id, &name);
        self.unmovable.insert(id);
        self.buffered.insert(id);
        name
    }

    fn write_over_buffer(&mut self, id: Id, name: &Ident) {
        let krate = self.krate;
        let args = self.args(id);
        let product = |e: &mut Self, function: TokenStream| {
            e.keep_repeated(args);
            let (a, b) = (e.by_reference(args[0]), e.by_reference(args[1]));
            e.out
                .push(quote!(#krate::__private::#function(&mut #name, #a, #b);));
        };
        self.computed.insert(id);
        match self.op(id) {
            Op::MatMul => product(self, quote!(mul_into)),
            Op::TrMul => product(self, quote!(tr_mul_into)),
            Op::Part(_) => {
                let view = self.write(id).at(Level::Unary);
                self.out
                    .push(quote!(#krate::__private::copy_into(&mut #name, &#view);));
            }
            _ if self.is_accumulation(id) || matches!(self.op(id), Op::Scatter(_)) => {
                let mut terms = Vec::new();
                self.terms(id, false, &mut terms);
                let shape = self.shape(id);
                let (rows, cols) = (self.dim(&shape.rows), self.dim(&shape.cols));
                self.out
                    .push(quote!(#krate::__private::zeros_into(&mut #name, #rows, #cols);));
                self.write_parts(&quote!(#name), terms);
            }
            _ => self.write_pass_over_buffer(id, name),
        }
    }

    fn write_pass_over_buffer(&mut self, id: Id, name: &Ident) {
        let Some(start) = self.begins_as(id) else {
            return;
        };
        let krate = self.krate;
        if self.is_for_one_pass(start) {
            self.write_over_buffer(start, name);
        } else {
            let start = self.by_reference(start);
            self.out
                .push(quote!(#krate::__private::copy_into(&mut #name, #start);));
        }
        let args = self.args(id);
        let other = args.iter().copied().find(|a| *a != start);
        let other = other.filter(|other| {
            args.contains(&start)
                && self.members_of(id).len() == 1
                && !self.filled_inside(*other, id)
                && (self.is_derived(id) || args[0] == start)
        });
        let assign = match (self.op(id), other.map(|other| self.is_matrix(other))) {
            (Op::Scalar(Scalar::Add), Some(true)) => quote!(+=),
            (Op::Scalar(Scalar::Sub), Some(true)) if args[0] == start => quote!(-=),
            (Op::Scalar(Scalar::Mul), Some(false)) => quote!(*=),
            (Op::Scalar(Scalar::Div), Some(false)) if args[0] == start => quote!(/=),
            _ => {
                let others = self.matrices_of(id).into_iter();
                let others: Vec<Id> = others.filter(|m| *m != start).collect();
                self.write_pass_into(&quote!(#name), id, Some(start), &others, None);
                return;
            }
        };
        if let Some(other) = other {
            let other = if self.is_matrix(other) {
                self.operand(other)
            } else {
                self.read(other)
            };
            let other = other.tokens;
            self.out.push(quote!(#name #assign #other;));
        }
    }

    /// Adds what a pass computes, entry by entry.
    pub(super) fn write_pass_added(
        &mut self,
        place: &TokenStream,
        term: Id,
        negative: bool,
    ) -> bool {
        let matrices = self.matrices_of(term);
        let added = (1..=2).contains(&matrices.len()) && self.is_added_as_pass(term);
        if added {
            self.write_pass_into(place, term, None, &matrices, Some(negative));
        }
        added
    }

    /// Adds what a pass over more columns computes than nalgebra has a method for.
    pub(super) fn write_loop_added(
        &mut self,
        place: &TokenStream,
        term: Id,
        negative: bool,
    ) -> bool {
        let columns = self.matrices_of(term);
        let added = (3..=4).contains(&columns.len())
            && self.is_added_as_pass(term)
            && self.reads_columns(term);
        if added {
            self.write_loop_into(place, term, &columns, negative);
        }
        added
    }

    fn is_added_as_pass(&self, term: Id) -> bool {
        let unnamed = self.is_entrywise(term)
            && !self.bound.contains_key(&term)
            && (self.is_inline(term) || !self.gets_name(term))
            && !self.is_by_position(term);
        unnamed && self.is_dynamic(term) && !self.is_accumulation(term)
    }

    /// Adds a number times Aᵀ x, or A x, to a vector where it is.
    pub(super) fn write_product_into(
        &mut self,
        place: &TokenStream,
        term: Id,
        negative: bool,
    ) -> bool {
        let alone = |e: &Self, id: Id| {
            e.is_derived(id) && !e.bound.contains_key(&id) && e.uses[id.0 as usize].len() == 1
        };
        let (number, product) = match (self.op(term), self.args(term)) {
            (Op::Scalar(Scalar::Mul), [a, b]) if !self.is_matrix(*a) => (Some(*a), *b),
            (Op::Scalar(Scalar::Mul), [a, b]) if !self.is_matrix(*b) => (Some(*b), *a),
            _ => (None, term),
        };
        let method = match self.op(product) {
            Op::TrMul => quote!(gemv_tr),
            Op::MatMul => quote!(gemv),
            _ => return false,
        };
        let (a, x) = (self.args(product)[0], self.args(product)[1]);
        if !self.is_dynamic(product)
            || !self.shape(product).is_column()
            || !self.shape(x).is_column()
            || !alone(self, term)
            || !alone(self, product)
        {
            return false;
        }
        let one = self.number(1.0);
        let factor = match number {
            Some(number) => self.read(number),
            None => Written::new(one.clone(), Level::Atom, Hold::Scalar),
        };
        let factor = if negative { factor.negated() } else { factor }.tokens;
        let (a, x) = (self.by_reference(a), self.by_reference(x));
        self.out
            .push(quote!(#place.#method(#factor, #a, #x, #one);));
        true
    }
}
