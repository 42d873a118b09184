//! The expression of a single operation, its arguments in place or by name.

use super::{Emit, Hold, Level, Written};
use crate::graph::{Dim, Elem, Extent, Form, Id, Shape};
use crate::rules::{Comparison, Extreme, Op, Panic, Part, Scalar};
use crate::ty::Real;
use proc_macro2::{Delimiter, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};

impl Emit<'_> {
    /// A value to be read: its name, or the expression itself.
    pub(super) fn read(&mut self, id: Id) -> Written {
        if let Some((name, hold)) = self.bound.get(&id).cloned() {
            let remaining = &mut self.remaining[id.0 as usize];
            *remaining = remaining.saturating_sub(1);
            if *remaining > 0 {
                self.borrowed.insert(id);
            }
            return Written::new(name, Level::Atom, hold);
        }
        if let Some(leaf) = self.program.graph.leaf_of(id) {
            self.reach_index(id);
            let home = self.homes.get(&id).copied();
            if self.way.apart && home.is_some_and(|home| self.is_elsewhere(home)) {
                // The branch that binds it is not written yet.
                self.ensure(id);
                if !self.bound.contains_key(&id) {
                    self.cyclic = true;
                    return Written::new(TokenStream::new(), Level::Atom, Hold::Scalar);
                }
                return self.read(id);
            }
            // A branch that waits for the one that binds it may have been written first.
            if home.is_some() && !self.within_reach.contains(&id) {
                self.cyclic = true;
            }
            let name = leaf.name;
            return match (leaf.kind.is_matrix(), leaf.form) {
                (false, Form::Borrowed) if leaf.kind.elem == Elem::Real => {
                    Written::new(quote!(*#name), Level::Unary, Hold::Scalar)
                }
                (false, _) => Written::new(name, Level::Atom, Hold::Scalar),
                (true, Form::Owned) => Written::new(name, Level::Atom, Hold::Variable),
                (true, Form::Borrowed) => Written::new(name, Level::Atom, Hold::Reference),
                (true, Form::View) => Written::new(name, Level::Atom, Hold::View),
            };
        }
        let needs_name = self.must_name(id) || self.is_changed_in_place(id);
        if needs_name || self.group_of.contains_key(&id) {
            self.ensure(id);
            if !self.bound.contains_key(&id) {
                self.cyclic = true;
                return Written::new(TokenStream::new(), Level::Atom, Hold::Scalar);
            }
            return self.read(id);
        }
        self.write(id)
    }

    /// Where the entries of an element of a list begin is told by its index, which a branch may bind.
    pub(super) fn reach_index(&mut self, start: Id) {
        let index = self.program.graph.elements.borrow().get(&start).copied();
        if let Some(index) = index.filter(|index| self.is_leaf(*index)) {
            let _ = self.read(index);
        }
    }

    /// Whether the variable may be moved here: nobody reads it later, and it belongs to this block.
    pub(super) fn is_last_use(&self, id: Id) -> bool {
        self.remaining[id.0 as usize] == 0
            && !self.stays(id)
            && !self.borrowed.contains(&id)
            && (!self.is_leaf(id) || self.carried.contains(&id))
            && self.context[id.0 as usize] == self.current
    }

    /// As an operand of `+`, `-` or `*`.
    pub(super) fn operand(&mut self, id: Id) -> Written {
        self.ensure_buffer(id);
        let value = self.read(id);
        match value.hold {
            Hold::Place => {
                let tokens = value.at(Level::Atom);
                Written::new(quote!(&#tokens), Level::Unary, Hold::Reference)
            }
            Hold::Variable if self.is_dynamic(id) && !self.is_last_use(id) => {
                let tokens = value.at(Level::Atom);
                Written::new(quote!(&#tokens), Level::Unary, Hold::Variable)
            }
            _ => value,
        }
    }

    /// As an argument that is taken by reference.
    pub(super) fn by_reference(&mut self, id: Id) -> TokenStream {
        self.reference_to(id).0
    }

    /// A reference to a value, and how that is held.
    fn reference_to(&mut self, id: Id) -> (TokenStream, Hold) {
        self.ensure_buffer(id);
        let value = self.read(id);
        match value.hold {
            Hold::Reference => (value.tokens, Hold::Reference),
            hold => {
                let tokens = value.at(Level::Unary);
                (quote!(&#tokens), hold)
            }
        }
    }

    /// Whether the entries of a matrix are known to be adjacent in memory: it has been computed here, or its type tells.
    pub(super) fn is_adjacent(&self, id: Id, hold: Hold) -> bool {
        match self.is_leaf(id) {
            true => self.program.graph.adjacent.borrow().contains(&id),
            false => matches!(hold, Hold::Variable | Hold::Temporary),
        }
    }

    /// As the receiver of a method.
    pub(super) fn receiver(&mut self, id: Id) -> TokenStream {
        self.ensure_buffer(id);
        let value = self.read(id);
        if value.hold == Hold::Scalar {
            return self.typed(&value);
        }
        value.at(Level::Atom)
    }

    /// A number as the receiver of a method, to which the type of literals is not known.
    pub(super) fn typed(&self, value: &Written) -> TokenStream {
        let literal = !crate::ty::mentions(value.tokens.clone(), &|_| true);
        match self.real {
            Real::F64 | Real::F32 if literal => {
                let (tokens, real) = (value.at(Level::Cast), self.real);
                quote!((#tokens as #real))
            }
            _ => value.at(Level::Atom),
        }
    }

    /// As an owned value.
    pub(super) fn read_owned(&mut self, id: Id) -> TokenStream {
        self.owned(id).tokens
    }

    pub(super) fn owned(&mut self, id: Id) -> Written {
        let value = self.read(id);
        match value.hold {
            Hold::Scalar | Hold::Temporary => return value,
            Hold::Variable if !self.is_dynamic(id) || self.is_last_use(id) => return value,
            _ => {}
        }
        // A method of the matrix itself: `Clone` need not be in scope.
        let tokens = value.at(Level::Atom);
        Written::new(quote!(#tokens.clone_owned()), Level::Atom, Hold::Temporary)
    }

    pub(super) fn number(&self, value: f64) -> TokenStream {
        let real = self.real;
        let nalgebra = &self.nalgebra;
        match self.real {
            Real::Generic(_) => {
                if value == 0.0 && value.is_sign_positive() {
                    return quote!(#real::zero());
                }
                if value == 1.0 {
                    return quote!(#real::one());
                }
                let literal = Literal::f64_unsuffixed(value.abs());
                let sign = (value < 0.0).then(|| quote!(-));
                quote!(#nalgebra::convert::<f64, #real>(#sign #literal))
            }
            _ if !value.is_finite() => {
                if value.is_nan() {
                    quote!(#real::NAN)
                } else if value > 0.0 {
                    quote!(#real::INFINITY)
                } else {
                    quote!(#real::NEG_INFINITY)
                }
            }
            Real::F32 => {
                let literal = Literal::f32_unsuffixed((value as f32).abs());
                let sign = value.is_sign_negative().then(|| quote!(-));
                quote!(#sign #literal)
            }
            Real::F64 => {
                let literal = Literal::f64_unsuffixed(value.abs());
                let sign = value.is_sign_negative().then(|| quote!(-));
                quote!(#sign #literal)
            }
        }
    }

    pub(super) fn written_number(&self, value: f64) -> Written {
        let level = if value.is_sign_negative() && !matches!(self.real, Real::Generic(_)) {
            Level::Unary
        } else {
            Level::Atom
        };
        Written::new(self.number(value), level, Hold::Scalar)
    }

    pub(super) fn dim(&self, dim: &Dim) -> TokenStream {
        match self.extent(dim) {
            None => crate::ty::dim_tokens(dim),
            Some(extent) => {
                let (id, size) = match extent {
                    Extent::Rows(id) if self.shape(id).is_column() => (id, quote!(.len())),
                    Extent::Cols(id) if self.shape(id).rows == Dim::Static(1) => {
                        (id, quote!(.len()))
                    }
                    Extent::Rows(id) => (id, quote!(.nrows())),
                    Extent::Cols(id) => (id, quote!(.ncols())),
                    Extent::Int(id) => (id, TokenStream::new()),
                    Extent::Fixed(dim) => return self.dim(&dim),
                    Extent::Product(rows, cols) => return self.entries(&rows, &cols),
                };
                if let Some(count) = self.entries_of_list(id) {
                    return count;
                }
                let name = self.name_of_sized(id);
                quote!(#name #size)
            }
        }
    }

    /// The name of what tells a size.
    fn name_of_sized(&self, id: Id) -> TokenStream {
        let leaf = self.program.graph.leaf_of(id);
        let leaf = leaf.filter(|_| !self.absent.contains(&id));
        let name = self.bound.get(&id).map(|(name, _)| name.clone());
        let name = name.or(leaf.map(|leaf| leaf.name));
        name.unwrap_or_else(|| {
            self.asks_in_vain.set(true);
            TokenStream::new()
        })
    }

    /// The number of entries of a matrix with these extents.
    fn entries(&self, rows: &Dim, cols: &Dim) -> TokenStream {
        match (self.extent(rows), self.extent(cols)) {
            (Some(Extent::Rows(a)), Some(Extent::Cols(b))) if a == b => {
                let name = self.name_of_sized(a);
                quote!(#name.len())
            }
            _ => {
                let (rows, cols) = (self.dim(rows), self.dim(cols));
                let known = |size: &TokenStream| size.to_string().parse::<usize>().ok();
                match (known(&rows), known(&cols)) {
                    (Some(rows), Some(cols)) => {
                        Literal::usize_unsuffixed(rows * cols).into_token_stream()
                    }
                    _ => quote!(#rows * #cols),
                }
            }
        }
    }

    /// nalgebra's type of this shape, as the beginning of a path.
    pub(super) fn matrix_type(&self, shape: &Shape) -> TokenStream {
        self.matrix_of(shape, &self.real.to_token_stream())
    }

    /// The type of a matrix of these entries.
    pub(super) fn matrix_of(&self, shape: &Shape, real: &TokenStream) -> TokenStream {
        let nalgebra = &self.nalgebra;
        let one = Dim::Static(1);
        let (r, c) = (
            crate::ty::dim_tokens(&shape.rows),
            crate::ty::dim_tokens(&shape.cols),
        );
        match (&shape.rows, &shape.cols) {
            (Dim::Static(n @ 1..=6), c) if *c == one => {
                let name = Ident::new(&format!("Vector{n}"), Span::call_site());
                quote!(#nalgebra::#name::<#real>)
            }
            (Dim::Static(1), Dim::Static(n @ 2..=6)) => {
                let name = Ident::new(&format!("RowVector{n}"), Span::call_site());
                quote!(#nalgebra::#name::<#real>)
            }
            (Dim::Static(n @ 2..=6), Dim::Static(m @ 2..=6)) => {
                let name = if n == m {
                    format!("Matrix{n}")
                } else {
                    format!("Matrix{n}x{m}")
                };
                let name = Ident::new(&name, Span::call_site());
                quote!(#nalgebra::#name::<#real>)
            }
            (Dim::Dynamic(_), c) if *c == one => quote!(#nalgebra::DVector::<#real>),
            (r, Dim::Dynamic(_)) if *r == one => quote!(#nalgebra::RowDVector::<#real>),
            (Dim::Dynamic(_), Dim::Dynamic(_)) => quote!(#nalgebra::DMatrix::<#real>),
            (Dim::Dynamic(_), _) => {
                quote!(#nalgebra::OMatrix::<#real, #nalgebra::Dyn, #nalgebra::Const<#c>>)
            }
            (_, Dim::Dynamic(_)) => {
                quote!(#nalgebra::OMatrix::<#real, #nalgebra::Const<#r>, #nalgebra::Dyn>)
            }
            _ => quote!(#nalgebra::SMatrix::<#real, #r, #c>),
        }
    }

    pub(super) fn sizes(&self, shape: &Shape) -> Vec<TokenStream> {
        [&shape.rows, &shape.cols]
            .into_iter()
            .filter(|d| matches!(d, Dim::Dynamic(_)))
            .map(|d| self.dim(d))
            .collect()
    }

    /// The sizes that constructors want beside all entries: one size follows from their number.
    pub(super) fn sizes_beside_entries(&self, shape: &Shape) -> Vec<TokenStream> {
        let sizes = self.sizes(shape);
        if sizes.len() == 2 { sizes } else { Vec::new() }
    }

    /// Whether what tells a size is bound where this is written, not by a statement on a side that was not taken.
    fn is_known(&self, dim: &Dim) -> bool {
        let elsewhere = |guards: &Vec<(Id, bool)>| !self.satisfies(self.current, guards);
        let mut sources = self.sources_of(dim).into_iter();
        !sources.any(|source| self.kept_on_sides.get(&source).is_some_and(elsewhere))
    }

    pub(super) fn filled(
        &self,
        constructor: &str,
        shape: &Shape,
        value: Option<TokenStream>,
    ) -> Written {
        let ty = self.matrix_type(shape);
        let name = Ident::new(constructor, Span::call_site());
        let mut args = self.sizes(shape);
        args.extend(value);
        Written::new(quote!(#ty::#name(#(#args),*)), Level::Atom, Hold::Temporary)
    }

    pub(super) fn selected(&mut self, extreme: Extreme, matrix: Id) -> TokenStream {
        let krate = self.krate;
        let matrix = self.by_reference(matrix);
        let name = Ident::new(
            match extreme {
                Extreme::Max => "argmax",
                Extreme::Min => "argmin",
                Extreme::AbsMax => "arg_abs_max",
                Extreme::AbsMin => "arg_abs_min",
            },
            Span::call_site(),
        );
        quote!(#krate::__private::#name(#matrix))
    }

    pub(super) fn view(
        &self,
        place: &TokenStream,
        part: &Part,
        at: &[TokenStream],
        suffix: &str,
    ) -> TokenStream {
        let method = Ident::new(&format!("{}{suffix}", part.surface()), Span::call_site());
        match part {
            Part::FixedRows(n) | Part::FixedColumns(n) => {
                let n = crate::ty::dim_tokens(n);
                quote!(#place.#method::<#n>(#(#at),*))
            }
            Part::FixedView(r, c) => {
                let (r, c) = (crate::ty::dim_tokens(r), crate::ty::dim_tokens(c));
                quote!(#place.#method::<#r, #c>(#(#at),*))
            }
            Part::View => {
                let (i, j, r, c) = (&at[0], &at[1], &at[2], &at[3]);
                quote!(#place.#method((#i, #j), (#r, #c)))
            }
            _ => quote!(#place.#method(#(#at),*)),
        }
    }

    pub(super) fn panic(&self, panic: Panic) -> TokenStream {
        let message = |number: usize| {
            let messages = self.program.graph.messages.borrow();
            messages.get(number).cloned().unwrap_or_default()
        };
        match panic {
            Panic::Unwrap => quote!(.unwrap()),
            Panic::Expect(number) => {
                let message = message(number);
                quote!(.expect(#message))
            }
            Panic::Question => quote!(?),
            Panic::OkOr(number) => {
                let message = message(number);
                quote!(.#message?)
            }
            Panic::Else(_) => TokenStream::new(),
            // Where it is written again, it is known not to fail.
            Panic::Taken(_) => quote!(.unwrap()),
        }
    }

    /// The value of what may fail, and what is done where it has.
    fn or_else(&self, panic: Panic, attempt: TokenStream) -> Written {
        let Panic::Else(number) = panic else {
            return Written::new(attempt, Level::Atom, Hold::Temporary);
        };
        let messages = self.program.graph.messages.borrow();
        let block = messages.get(number);
        let matched = quote! {
            match #attempt {
                ::core::option::Option::Some(value) => value,
                ::core::option::Option::None => #block
            }
        };
        Written::new(matched, Level::Loose, Hold::Temporary)
    }

    /// What was attempted, where that is within reach.
    fn taken(&self, panic: Panic) -> Option<Written> {
        let Panic::Taken(attempt) = panic else {
            return None;
        };
        let name = self.program.graph.leaf_of(Id(attempt))?.name;
        self.within_reach
            .contains(&Id(attempt))
            .then(|| Written::new(quote!(#name.clone().unwrap()), Level::Atom, Hold::Temporary))
    }

    /// Whether the user computes a value where something is written now. What the closure of a map reads, it reads in
    /// its own branches.
    pub(super) fn is_computed_here(&self, id: Id) -> bool {
        let mut guards = self.own_guards(id);
        guards.retain(|guard| !self.taken_for_granted.contains(guard));
        self.satisfies(self.current, &guards)
    }

    /// The expression of a value, its arguments in place or by name.
    pub(super) fn write(&mut self, id: Id) -> Written {
        self.computed.insert(id);
        if self.is_written_by_entries(id) {
            return self.write_entries(id);
        }
        let op = self.op(id);
        // Where the user does not compute it, it might panic, or what it reads might have no entries.
        let there = |id: Id| self.is_computed_here(id);
        let sizes = self.extents_of(id);
        let lacks = |input: &Id| {
            let read = *op != Op::Each && !sizes.contains(input);
            let factor = self.kind(*input).elem == Elem::Factor;
            read && (factor || self.is_dynamic(*input)) && !there(*input)
        };
        let may_panic = self.program.graph.may_panic(id) && !there(id);
        self.cyclic |= may_panic || self.inputs(id).iter().any(lacks);
        let args = self.args(id);
        let krate = self.krate;
        let atom = |tokens| Written::new(tokens, Level::Atom, Hold::Temporary);
        let scalar = |tokens| Written::new(tokens, Level::Atom, Hold::Scalar);
        let hold = |matrix: bool| {
            if matrix {
                Hold::Temporary
            } else {
                Hold::Scalar
            }
        };
        match &op {
            Op::Leaf(_) => self.read(id),
            Op::Const(bits) => self.written_number(f64::from_bits(*bits)),
            Op::Size(dim) => {
                let size = self.dim(dim);
                let (real, nalgebra) = (self.real, &self.nalgebra);
                match self.real {
                    Real::Generic(_) => {
                        scalar(quote!(#nalgebra::convert::<f64, #real>(#size as f64)))
                    }
                    _ => Written::new(quote!(#size as #real), Level::Cast, Hold::Scalar),
                }
            }
            _ if self.is_entrywise(id) => self.write_entrywise(id),
            Op::Scalar(Scalar::Mul | Scalar::Div | Scalar::Neg) if self.is_derived(id) => {
                let factors = self.factors_of(id, &|e, a| {
                    e.uses[a.0 as usize].len() == 1 && !e.gets_name(a) && !e.outputs.contains(&a)
                });
                let above = factors.above.iter().map(|f| self.read(*f)).collect();
                let below = factors.below.iter().map(|f| self.read(*f)).collect();
                self.product(factors.coefficient, above, below)
            }
            Op::Scalar(_)
            | Op::Apply(..)
            | Op::PowI(_)
            | Op::PowInt
            | Op::PowIntSlope(_)
            | Op::Stumpff(_)
            | Op::ArcRatio(_)
            | Op::Compare(_)
            | Op::Not => {
                let written: Vec<Written> = args.iter().map(|a| self.read(*a)).collect();
                self.scalar_operation(op, written)
            }
            Op::And | Op::Or => {
                let left = self.read(args[0]);
                // Of what comes after `&&` nothing is evaluated where the left side does not hold.
                let holds = match (op, self.op(args[0])) {
                    (op, Op::Not) => (self.args(args[0])[0], *op == Op::Or),
                    (op, _) => (args[0], *op == Op::And),
                };
                self.taken_for_granted.push(holds);
                let right = self.read(args[1]);
                self.taken_for_granted.pop();
                self.scalar_operation(op, vec![left, right])
            }
            Op::Select => {
                self.ensure(id);
                self.cyclic |= !self.bound.contains_key(&id);
                match self.bound.contains_key(&id) {
                    true => self.read(id),
                    false => Written::new(TokenStream::new(), Level::Atom, Hold::Scalar),
                }
            }
            Op::Fill => {
                if self.program.graph.uniform_const(id) == Some(0.0) {
                    // Nobody reads the entries where a size is not known; the other size may be that of a sum of them.
                    let shape = self.shape(id);
                    let ty = self.matrix_type(&shape);
                    let dims = [&shape.rows, &shape.cols].into_iter();
                    let sizes = dims.filter(|dim| matches!(dim, Dim::Dynamic(_)));
                    let sizes = sizes.map(|dim| match self.is_known(dim) {
                        true => self.dim(dim),
                        false => quote!(0),
                    });
                    return atom(quote!(#ty::zeros(#(#sizes),*)));
                }
                let value = self.read(args[0]).tokens;
                self.filled("from_element", &self.shape(id), Some(value))
            }
            Op::Identity => self.filled("identity", &self.shape(id), None),
            Op::Build => {
                let entries: Vec<TokenStream> = args.iter().map(|a| self.read(*a).tokens).collect();
                let shape = self.shape(id);
                let ty = self.matrix_type(&shape);
                match (&shape.rows, &shape.cols) {
                    (Dim::Static(r @ 1..=6), Dim::Static(c @ 1..=6)) => {
                        let by_rows = (0..*r)
                            .flat_map(|i| (0..*c).map(move |j| j * r + i))
                            .map(|k| &entries[k]);
                        atom(quote!(#ty::new(#(#by_rows),*)))
                    }
                    _ => {
                        let sizes = self.sizes_beside_entries(&shape);
                        atom(quote!(#ty::from_column_slice(#(#sizes,)* &[#(#entries),*])))
                    }
                }
            }
            Op::Part(_) if self.element(id).is_some() => {
                self.reach_index(args[1]);
                let place = self.element(id).unwrap_or_default();
                let hold = if self.is_dynamic(id) {
                    Hold::Place
                } else {
                    Hold::Variable
                };
                Written::new(place, Level::Atom, hold)
            }
            Op::Part(part) => {
                let at: Vec<TokenStream> = match part {
                    Part::Selected(_) => Vec::new(),
                    _ => args[1..].iter().map(|a| self.read(*a).tokens).collect(),
                };
                let list = self.program.graph.lists.borrow().get(&args[0]).cloned();
                let place = match list.filter(|_| *part == Part::Entry) {
                    Some(list) => list.name,
                    None if matches!(part, Part::Selected(_)) && self.is_dynamic(args[0]) => {
                        self.by_reference(args[0])
                    }
                    None => self.receiver(args[0]),
                };
                match part {
                    Part::Entry => {
                        let i = &at[0];
                        scalar(quote!(#place[#i]))
                    }
                    Part::EntryAt => {
                        let (i, j) = (&at[0], &at[1]);
                        scalar(quote!(#place[(#i, #j)]))
                    }
                    Part::Selected(extreme) => {
                        let position = self.selected(*extreme, args[1]);
                        if self.is_dynamic(args[0]) {
                            // Of an empty matrix nothing is selected.
                            return scalar(
                                quote!(#krate::__private::entry_or_zero(#place, #position)),
                            );
                        }
                        scalar(quote!(#place[#position]))
                    }
                    Part::Element(rows, shape) => {
                        let rows = self.view(&place, rows, &at, "");
                        let (ty, sizes) = (self.matrix_type(shape), self.sizes(shape));
                        atom(
                            quote!(#ty::from_column_slice(#(#sizes,)* #rows.clone_owned().as_slice())),
                        )
                    }
                    _ => Written::new(self.view(&place, part, &at, ""), Level::Atom, Hold::View),
                }
            }
            Op::Scatter(_) => {
                self.ensure(id);
                self.read(id)
            }
            Op::Stop => self.read(args[0]),
            Op::Item(part) => self.write_item(id, part),
            Op::Absent => Written::new(TokenStream::new(), Level::Atom, Hold::Scalar),
            Op::Update(_) => {
                self.ensure(id);
                self.read(id)
            }
            op if op.is_opaque() => {
                self.ensure(id);
                self.read(id)
            }
            Op::FromDiagonal if *self.op(args[0]) == Op::Fill => {
                let value = self.read(self.args(args[0])[0]).tokens;
                self.filled("from_diagonal_element", &self.shape(id), Some(value))
            }
            Op::FromDiagonal => {
                let diagonal = self.by_reference(args[0]);
                let ty = self.matrix_type(&self.shape(id));
                atom(quote!(#ty::from_diagonal(#diagonal)))
            }
            Op::SpreadRows | Op::SpreadColumns => {
                let value = self.read(args[0]).at(Level::Atom);
                let shape = self.shape(id);
                let ty = self.matrix_type(&shape);
                let sizes = self.sizes(&shape);
                let closure = if *op == Op::SpreadRows {
                    quote!(|_, j| #value[j])
                } else {
                    quote!(|i, _| #value[i])
                };
                atom(quote!(#ty::from_fn(#(#sizes,)* #closure)))
            }
            Op::Reshape => self.write_reshape(id),
            Op::StackRows => {
                self.keep_repeated(args);
                let rows: Vec<TokenStream> = args.iter().map(|a| self.read_owned(*a)).collect();
                let ty = self.matrix_type(&self.shape(id));
                atom(quote!(#ty::from_rows(&[#(#rows),*])))
            }
            Op::ScaleRows | Op::ScaleColumns => self.write_scaling(id),
            Op::Each => self.write_map(id),
            Op::MatMul => {
                self.keep_repeated(args);
                let (a, b) = (self.operand(args[0]), self.operand(args[1]));
                let (a, b) = (a.at(Level::Product), b.at(Level::Cast));
                Written::new(quote!(#a * #b), Level::Product, Hold::Temporary)
            }
            Op::ProductTn => {
                let ((a, hold), b) = (self.reference_to(args[0]), self.by_reference(args[1]));
                let function = match self.is_adjacent(args[0], hold) {
                    true => quote!(tr_mul),
                    false => quote!(tr_mul_of_view),
                };
                atom(quote!(#krate::__private::#function(#a, #b)))
            }
            Op::ProductNt => {
                if !self.is_dynamic(args[0]) && !self.is_dynamic(args[1]) {
                    let a = self.operand(args[0]).at(Level::Product);
                    let b = self.receiver(args[1]);
                    return Written::new(
                        quote!(#a * #b.transpose()),
                        Level::Product,
                        Hold::Temporary,
                    );
                }
                let (a, (b, hold)) = (self.by_reference(args[0]), self.reference_to(args[1]));
                let function = match self.is_adjacent(args[1], hold) {
                    true => quote!(mul_tr),
                    false => quote!(mul_tr_of_view),
                };
                atom(quote!(#krate::__private::#function(#a, #b)))
            }
            Op::Sum if self.is_folded(args[0]) && !self.gets_name(args[0]) => {
                let zero = self.number(0.0);
                self.write_folded(args[0], &zero)
            }
            Op::Total => self.write_total(args[0]),
            Op::Fold => {
                let start = self.read(args[1]).tokens;
                if self.is_folded(args[0]) && !self.gets_name(args[0]) {
                    return self.write_folded(args[0], &start);
                }
                self.write_fold(args[0], start)
            }
            Op::Inverse(panic_of) => {
                if let Some(taken) = self.taken(*panic_of) {
                    return taken;
                }
                let (a, panic) = (self.owned_receiver(args[0]), self.panic(*panic_of));
                self.or_else(*panic_of, quote!(#a.try_inverse()#panic))
            }
            Op::Lu => {
                let a = self.owned_receiver(args[0]);
                atom(quote!(#a.lu()))
            }
            Op::Cholesky(panic_of) => {
                if let Some(taken) = self.taken(*panic_of) {
                    return taken;
                }
                let (a, panic) = (self.owned_receiver(args[0]), self.panic(*panic_of));
                self.or_else(*panic_of, quote!(#a.cholesky()#panic))
            }
            Op::LuSolve(panic_of) => {
                if let Some(taken) = self.taken(*panic_of) {
                    return taken;
                }
                let (f, b, panic) = (
                    self.receiver(args[0]),
                    self.by_reference(args[1]),
                    self.panic(*panic_of),
                );
                self.or_else(*panic_of, quote!(#f.solve(#b)#panic))
            }
            Op::LuInverse(panic_of) => {
                if let Some(taken) = self.taken(*panic_of) {
                    return taken;
                }
                let (f, panic) = (self.receiver(args[0]), self.panic(*panic_of));
                self.or_else(*panic_of, quote!(#f.try_inverse()#panic))
            }
            Op::CholeskySolve => {
                let (f, b) = (self.receiver(args[0]), self.by_reference(args[1]));
                atom(quote!(#f.solve(#b)))
            }
            Op::TryNormalize(panic) => {
                let x = self.receiver(args[0]);
                let (least, panic) = (self.read(args[1]).tokens, self.panic(*panic));
                atom(quote!(#x.try_normalize(#least)#panic))
            }
            Op::SolveTriangular {
                upper,
                transposed,
                failure,
            } => {
                let (t, b) = (self.receiver(args[0]), self.by_reference(args[1]));
                let (name, t) = match (upper, transposed, failure) {
                    (false, false, Some(_)) => ("solve_lower_triangular", t),
                    (true, false, Some(_)) => ("solve_upper_triangular", t),
                    (false, true, Some(_)) => ("tr_solve_lower_triangular", t),
                    (true, true, Some(_)) => ("tr_solve_upper_triangular", t),
                    (false, false, None) => ("solve_lower_triangular_unchecked", t),
                    (true, false, None) => ("solve_upper_triangular_unchecked", t),
                    (false, true, None) => {
                        ("solve_upper_triangular_unchecked", quote!(#t.transpose()))
                    }
                    (true, true, None) => {
                        ("solve_lower_triangular_unchecked", quote!(#t.transpose()))
                    }
                };
                let name = Ident::new(name, Span::call_site());
                let panic = failure.map(|panic| self.panic(panic));
                atom(quote!(#t.#name(#b)#panic))
            }
            Op::CofactorsTangent if args.len() > 2 => {
                let a = self.by_reference(args[0]);
                let directions: Vec<TokenStream> =
                    args[1..].iter().map(|d| self.read_owned(*d)).collect();
                atom(quote!(#krate::__private::cofactors_along(#a, &[#(#directions),*])))
            }
            _ => {
                let (name, runtime) = method_name(op);
                let name = Ident::new(name, Span::call_site());
                let matrix = self.kind(id).is_matrix();
                if runtime {
                    let args: Vec<TokenStream> =
                        args.iter().map(|a| self.by_reference(*a)).collect();
                    return Written::new(
                        quote!(#krate::__private::#name(#(#args),*)),
                        Level::Atom,
                        hold(matrix),
                    );
                }
                let rest: Vec<TokenStream> =
                    args[1..].iter().map(|a| self.by_reference(*a)).collect();
                let receiver = self.receiver(args[0]);
                Written::new(
                    quote!(#receiver.#name(#(#rest),*)),
                    Level::Atom,
                    hold(matrix),
                )
            }
        }
    }

    pub(super) fn owned_receiver(&mut self, id: Id) -> TokenStream {
        let owned = self.read_owned(id);
        let plain = owned.clone().into_iter().count() == 1
            || !self.is_leaf(id) && self.bound.contains_key(&id)
            || self.is_leaf(id);
        if plain { owned } else { quote!((#owned)) }
    }

    /// An operation on numbers; its arguments are written already.
    pub(super) fn scalar_operation(&self, op: &Op, written: Vec<Written>) -> Written {
        if let Some((level, symbol)) = infix(op) {
            let mut written = written.into_iter();
            if let (Some(a), Some(b)) = (written.next(), written.next()) {
                return a.joined(level, symbol, &b);
            }
            return Written::new(TokenStream::new(), Level::Atom, Hold::Scalar);
        }
        let krate = self.krate;
        let w = &written;
        let receiver = |i: usize| self.typed(&w[i]);
        let call = |name: &str| {
            let name = Ident::new(name, Span::call_site());
            let receiver = receiver(0);
            let rest = w[1..].iter().map(|v| &v.tokens);
            Written::new(
                quote!(#receiver.#name(#(#rest),*)),
                Level::Atom,
                Hold::Scalar,
            )
        };
        let helper = |name: &str, extra: Option<TokenStream>| {
            let name = Ident::new(name, Span::call_site());
            let arguments = w.iter().map(|v| v.tokens.clone()).chain(extra);
            Written::new(
                quote!(#krate::__private::#name(#(#arguments),*)),
                Level::Atom,
                Hold::Scalar,
            )
        };
        match op {
            Op::Scalar(Scalar::Neg) => w[0].clone().negated(),
            Op::Scalar(Scalar::Sign) => helper("sign", None),
            Op::Scalar(Scalar::RecipOrZero) => helper("recip_or_zero", None),
            Op::Scalar(Scalar::Sinc) => helper("sinc", None),
            Op::Scalar(function) => call(function.surface()),
            Op::PowI(n) => {
                let receiver = receiver(0);
                let n = Literal::i32_unsuffixed(*n);
                Written::new(quote!(#receiver.powi(#n)), Level::Atom, Hold::Scalar)
            }
            Op::Apply(number, by) => self.applied(*number, by, &written),
            Op::PowInt => call("powi"),
            Op::PowIntSlope(order) => {
                let order = Literal::u32_unsuffixed(*order);
                helper("powi_slope", Some(quote!(#order)))
            }
            Op::Stumpff(order) => {
                let order = Literal::u32_unsuffixed(*order);
                helper("stumpff", Some(quote!(#order)))
            }
            Op::ArcRatio(order) => {
                let order = Literal::u32_unsuffixed(*order);
                helper("arc_ratio", Some(quote!(#order)))
            }
            Op::Not => {
                let a = w[0].at(Level::Unary);
                Written::new(quote!(!#a), Level::Unary, Hold::Scalar)
            }
            _ => w
                .first()
                .cloned()
                .unwrap_or_else(|| Written::new(TokenStream::new(), Level::Atom, Hold::Scalar)),
        }
    }

    /// A value that the macro built: its products may be written in any order.
    pub(super) fn is_derived(&self, id: Id) -> bool {
        id.0 >= self.program.graph.user_nodes.get()
    }

    /// The factors of a product, read through those that are written in place.
    pub(super) fn factors_of(&self, id: Id, in_place: &dyn Fn(&Self, Id) -> bool) -> Factors {
        let mut factors = Factors {
            coefficient: 1.0,
            above: Vec::new(),
            below: Vec::new(),
        };
        self.collect_factors(id, true, true, in_place, &mut factors);
        // Numbers first, then what reads simplest.
        let weight = |e: &Self, id: &Id| (e.is_matrix(*id), !e.is_leaf(*id));
        factors.above.sort_by_key(|f| weight(self, f));
        factors
    }

    pub(super) fn collect_factors(
        &self,
        id: Id,
        above: bool,
        first: bool,
        in_place: &dyn Fn(&Self, Id) -> bool,
        into: &mut Factors,
    ) {
        let args = self.args(id);
        let through = first || (self.is_derived(id) && in_place(self, id));
        match self.op(id) {
            Op::Const(bits) if above => into.coefficient *= f64::from_bits(*bits),
            Op::Scalar(Scalar::Mul) if through => args
                .iter()
                .for_each(|a| self.collect_factors(*a, above, false, in_place, into)),
            Op::Scalar(Scalar::Div) if through => {
                self.collect_factors(args[0], above, false, in_place, into);
                self.collect_factors(args[1], !above, false, in_place, into);
            }
            Op::Scalar(Scalar::Neg) if through => {
                into.coefficient = -into.coefficient;
                self.collect_factors(args[0], above, false, in_place, into);
            }
            _ if above => into.above.push(id),
            _ => into.below.push(id),
        }
    }

    pub(super) fn product(
        &self,
        coefficient: f64,
        above: Vec<Written>,
        below: Vec<Written>,
    ) -> Written {
        let unit = coefficient.abs() == 1.0 && !above.is_empty();
        let mut tokens = TokenStream::new();
        if !unit {
            let number = self.written_number(coefficient);
            tokens = number.at(Level::Unary);
        }
        let alone = unit && above.len() == 1 && below.is_empty();
        for (i, factor) in above.iter().enumerate() {
            let negative = unit && i == 0 && coefficient < 0.0;
            if alone {
                return if negative {
                    factor.clone().negated()
                } else {
                    factor.clone()
                };
            }
            // A minus sign in front is one of the whole product.
            let plain = if negative {
                factor.without_sign()
            } else {
                None
            };
            let sign = (negative && plain.is_none()).then(|| quote!(-));
            let first = tokens.is_empty();
            let factor = plain
                .as_ref()
                .unwrap_or(factor)
                .at(match (negative, first) {
                    (true, _) => Level::Unary,
                    // A product or quotient may come first as it is.
                    (false, true) => Level::Product,
                    (false, false) => Level::Cast,
                });
            tokens = if tokens.is_empty() {
                quote!(#sign #factor)
            } else {
                quote!(#tokens * #factor)
            };
        }
        match &below[..] {
            [] => {}
            [one] => {
                let one = one.at(Level::Cast);
                tokens = quote!(#tokens / #one);
            }
            many => {
                let below = many
                    .iter()
                    .map(|f| f.at(Level::Cast))
                    .reduce(|a, b| quote!(#a * #b));
                tokens = quote!(#tokens / (#below));
            }
        }
        let level = if above.is_empty() && below.is_empty() {
            Level::Unary
        } else {
            Level::Product
        };
        Written::new(tokens, level, Hold::Scalar)
    }

    /// A number from outside of the closure.
    pub(super) fn captured(&mut self, id: Id, root: Id) -> Written {
        if self.filled_inside(id, root) {
            let value = self.args(id)[0];
            return self.read(value);
        }
        self.read(id)
    }

    /// Few linear operations read best as operators, and use the buffers of temporaries.
    pub(super) fn reads_as_operators(&self, root: Id) -> bool {
        let members = self.members_of(root);
        let linear = |m: &Id| {
            let args = self.args(*m);
            match self.op(*m) {
                Op::Scalar(Scalar::Add | Scalar::Sub) => args.iter().all(|a| self.is_matrix(*a)),
                Op::Scalar(Scalar::Neg) => true,
                Op::Scalar(Scalar::Mul) => args.iter().any(|a| !self.is_matrix(*a)),
                Op::Scalar(Scalar::Div) => !self.is_matrix(args[1]),
                _ => false,
            }
        };
        let few = match (members.len(), self.is_dynamic(root)) {
            (1, _) => true,
            (n, false) => n <= 4,
            // Two passes over a temporary cost less than one that allocates.
            (2, true) => self.matrices_of(root).first().is_some_and(|m| {
                !self.is_leaf(*m) && !self.gets_name(*m) && !matches!(self.op(*m), Op::Part(_))
            }),
            _ => false,
        };
        few && members.iter().all(|m| {
            let single_use = *m == root || self.inner_uses(*m, root) == 1;
            single_use && linear(m) && !self.args(*m).iter().any(|a| self.filled_inside(*a, root))
        })
    }

    pub(super) fn write_operators(&mut self, root: Id) -> Option<Written> {
        if self.reads_as_operators(root) {
            let members = self.members_of(root);
            let read: Vec<Id> = members
                .iter()
                .flat_map(|m| self.args(*m))
                .filter(|a| !self.is_inline(**a))
                .copied()
                .collect();
            self.read_again(&read);
            return Some(self.operators(root, root));
        }
        let name = self.single_method(root)?;
        let args = self.args(root);
        self.read_again(args);
        let name = Ident::new(name, Span::call_site());
        let other = if self.is_matrix(args[1]) {
            self.by_reference(args[1])
        } else {
            self.read(args[1]).tokens
        };
        let receiver = self.receiver(args[0]);
        Some(Written::new(
            quote!(#receiver.#name(#other)),
            Level::Atom,
            Hold::Temporary,
        ))
    }

    /// The method that a pass is, where it is only one.
    pub(super) fn single_method(&self, root: Id) -> Option<&'static str> {
        let args = self.args(root);
        if self.members_of(root).len() != 1
            || args.len() != 2
            || !self.is_matrix(args[0])
            || args.iter().any(|a| self.filled_inside(*a, root))
        {
            return None;
        }
        match (self.op(root), self.is_matrix(args[1])) {
            (Op::Scalar(Scalar::Mul), true) => Some("component_mul"),
            (Op::Scalar(Scalar::Div), true) => Some("component_div"),
            (Op::Scalar(Scalar::Add), false) => Some("add_scalar"),
            _ => None,
        }
    }

    /// A pass counts each matrix that it reads once; as an operator it may read one twice.
    fn read_again(&mut self, read: &[Id]) {
        self.keep_repeated(read);
        for (i, id) in read.iter().enumerate() {
            if read[..i].contains(id) {
                self.remaining[id.0 as usize] += 1;
            }
        }
    }

    /// A variable that an expression reads twice is not moved into it.
    pub(super) fn keep_repeated(&mut self, read: &[Id]) {
        for (i, id) in read.iter().enumerate() {
            if read[..i].contains(id) {
                self.unmovable.insert(*id);
            }
        }
    }

    pub(super) fn inner_uses(&self, id: Id, root: Id) -> usize {
        self.members_of(root)
            .iter()
            .map(|m| self.args(*m).iter().filter(|a| **a == id).count())
            .sum()
    }

    pub(super) fn operators(&mut self, id: Id, root: Id) -> Written {
        if id != root && !self.is_inline(id) {
            return if self.is_matrix(id) {
                self.operand(id)
            } else {
                self.read(id)
            };
        }
        let args = self.args(id);
        let infix = |a: Written, symbol: TokenStream, b: Written, level: Level| {
            let (a, b) = (
                a.at(level),
                b.at(if level == Level::Sum {
                    Level::Product
                } else {
                    Level::Cast
                }),
            );
            Written::new(quote!(#a #symbol #b), level, Hold::Temporary)
        };
        match self.op(id) {
            Op::Scalar(Scalar::Neg) => {
                let a = self.operators(args[0], root);
                if self.is_dynamic(root) {
                    // nalgebra's negation of a dynamic matrix is slow.
                    let minus = self.written_number(-1.0);
                    return infix(a, quote!(*), minus, Level::Product);
                }
                let a = a.at(Level::Unary);
                Written::new(quote!(-#a), Level::Unary, Hold::Temporary)
            }
            Op::Scalar(Scalar::Mul) => {
                // `s * m` does not exist for every scalar type.
                let (matrix, number) = if self.is_matrix(args[0]) {
                    (args[0], args[1])
                } else {
                    (args[1], args[0])
                };
                let (a, b) = (self.operators(matrix, root), self.operators(number, root));
                infix(a, quote!(*), b, Level::Product)
            }
            op => {
                let (a, b) = (self.operators(args[0], root), self.operators(args[1], root));
                match op {
                    Op::Scalar(Scalar::Add) => infix(a, quote!(+), b, Level::Sum),
                    Op::Scalar(Scalar::Sub) => infix(a, quote!(-), b, Level::Sum),
                    _ => infix(a, quote!(/), b, Level::Product),
                }
            }
        }
    }

    pub(super) fn write_total(&mut self, id: Id) -> Written {
        let krate = self.krate;
        if self.is_dynamic(id) {
            let value = self.by_reference(id);
            return Written::new(
                quote!(#krate::__private::sum(#value)),
                Level::Atom,
                Hold::Scalar,
            );
        }
        let value = self.receiver(id);
        Written::new(quote!(#value.sum()), Level::Atom, Hold::Scalar)
    }

    pub(super) fn write_fold(&mut self, id: Id, start: TokenStream) -> Written {
        let (total, entry) = (self.parameter("sum"), self.parameter("u"));
        let value = self.receiver(id);
        Written::new(
            quote!(#value.fold(#start, |#total, #entry| #total + #entry)),
            Level::Atom,
            Hold::Scalar,
        )
    }
}

/// The operator that an operation on numbers is, and how tightly it binds.
fn infix(op: &Op) -> Option<(Level, TokenStream)> {
    Some(match op {
        Op::Scalar(Scalar::Add) => (Level::Sum, quote!(+)),
        Op::Scalar(Scalar::Sub) => (Level::Sum, quote!(-)),
        Op::Scalar(Scalar::Mul) => (Level::Product, quote!(*)),
        Op::Scalar(Scalar::Div) => (Level::Product, quote!(/)),
        Op::Scalar(Scalar::Rem) => (Level::Product, quote!(%)),
        Op::Compare(Comparison::Lt) => (Level::Compare, quote!(<)),
        Op::Compare(Comparison::Le) => (Level::Compare, quote!(<=)),
        Op::Compare(Comparison::Gt) => (Level::Compare, quote!(>)),
        Op::Compare(Comparison::Ge) => (Level::Compare, quote!(>=)),
        Op::Compare(Comparison::Eq) => (Level::Compare, quote!(==)),
        Op::Compare(Comparison::Ne) => (Level::Compare, quote!(!=)),
        Op::And => (Level::And, quote!(&&)),
        Op::Or => (Level::Or, quote!(||)),
        _ => return None,
    })
}

impl Written {
    /// `self symbol b`; the tokens of the left operand are not copied, so that a long sum takes no longer than its length.
    pub(super) fn joined(self, level: Level, symbol: TokenStream, b: &Written) -> Written {
        // The left operand may bind as loosely as the operator itself, the right one not.
        let (left, right) = match level {
            Level::Sum => (Level::Sum, Level::Product),
            Level::Product => (Level::Product, Level::Cast),
            Level::Compare => (Level::Sum, Level::Sum),
            Level::And => (Level::And, Level::Compare),
            _ => (level, Level::And),
        };
        // `a as f64 < b` would begin a list of generic arguments.
        let cast = self.level == Level::Cast && level == Level::Compare;
        let mut tokens = if self.level >= left && !cast {
            self.tokens
        } else {
            let tokens = &self.tokens;
            quote!((#tokens))
        };
        tokens.extend(symbol);
        tokens.extend(b.at(right));
        Written::new(tokens, level, Hold::Scalar)
    }

    pub(super) fn negated(self) -> Written {
        if let Some(plain) = self.without_sign() {
            return plain;
        }
        let signed = self
            .tokens
            .clone()
            .into_iter()
            .next()
            .is_some_and(|t| t.to_string() == "-");
        // `-n as f64` would negate `n`, and so would `-n as f64 / 2.0`.
        let casts = self
            .tokens
            .clone()
            .into_iter()
            .any(|t| t.to_string() == "as");
        let closed = signed || self.level <= Level::Cast && casts;
        let tokens = self.at(if closed { Level::Atom } else { Level::Product });
        let level = if self.level == Level::Product && !closed {
            Level::Product
        } else {
            Level::Unary
        };
        Written::new(quote!(-#tokens), level, self.hold)
    }

    /// The expression without the minus sign that it begins with, if all of it is under that sign.
    pub(super) fn without_sign(&self) -> Option<Written> {
        if self.level != Level::Unary {
            return None;
        }
        let mut trees = self.tokens.clone().into_iter();
        match trees.next() {
            Some(TokenTree::Punct(p)) if p.as_char() == '-' => {
                let rest: Vec<TokenTree> = trees.collect();
                match &rest[..] {
                    [TokenTree::Group(sum)] if sum.delimiter() == Delimiter::Parenthesis => {
                        Some(Written::new(sum.stream(), Level::Loose, self.hold))
                    }
                    _ => {
                        let value = rest.into_iter().collect();
                        Some(Written::new(value, Level::Atom, self.hold))
                    }
                }
            }
            _ => None,
        }
    }
}

/// The method of nalgebra, or the function of the runtime, that an operation is.
fn method_name(op: &Op) -> (&'static str, bool) {
    match op {
        Op::Transpose => ("transpose", false),
        Op::Diagonal => ("diagonal", false),
        Op::Sum => ("sum", false),
        Op::Mean => ("mean", false),
        Op::Trace => ("trace", false),
        Op::Variance => ("variance", false),
        Op::RowSum => ("row_sum", false),
        Op::ColumnSum => ("column_sum", false),
        Op::RowMean => ("row_mean", false),
        Op::ColumnMean => ("column_mean", false),
        Op::Dot => ("dot", false),
        Op::TrDot => ("tr_dot", false),
        Op::Norm => ("norm", false),
        Op::NormSquared => ("norm_squared", false),
        Op::Normalize => ("normalize", false),
        Op::Extreme(extreme) => (extreme.surface(), false),
        Op::TrMul => ("tr_mul", false),
        Op::Cross => ("cross", false),
        Op::Determinant | Op::LuDeterminant | Op::CholeskyDeterminant => ("determinant", false),
        Op::CholeskyInverse => ("inverse", false),
        Op::CholeskyLnDeterminant => ("ln_determinant", false),
        Op::CholeskyFactor => ("l", false),
        Op::InverseTranspose => ("inverse_transpose", true),
        Op::Cofactors => ("cofactors", true),
        Op::CofactorsTangent => ("cofactors_tangent", true),
        Op::LuTrSolve => ("lu_tr_solve", true),
        Op::CholeskyTangent => ("cholesky_tangent", true),
        Op::CholeskyAdjoint => ("cholesky_adjoint", true),
        Op::SymmetricFromLower => ("symmetric_from_lower", true),
        Op::FoldLower => ("fold_lower", true),
        Op::LowerTriangle => ("lower_triangle", false),
        Op::UpperTriangle => ("upper_triangle", false),
        Op::Distance => ("metric_distance", false),
        Op::Angle => ("angle", false),
        Op::QuaternionProduct => ("quaternion_product", true),
        Op::QuaternionConjugate => ("quaternion_conjugate", true),
        Op::QuaternionRotate => ("quaternion_rotate", true),
        Op::QuaternionMatrix => ("quaternion_matrix", true),
        Op::QuaternionExp => ("quaternion_exp", true),
        Op::QuaternionLog => ("quaternion_log", true),
        Op::RotationExp => ("rotation_exp", true),
        Op::RotationLog => ("rotation_log", true),
        Op::RotationAngle => ("rotation_angle", true),
        Op::RotationAbout => ("rotation_about", true),
        Op::Axial => ("axial", true),
        Op::Kronecker => ("kronecker", false),
        Op::CrossMatrix => ("cross_matrix", false),
        _ => ("", true),
    }
}

/// A product as it is written: a number, and the values above and below the line.
pub(super) struct Factors {
    pub(super) coefficient: f64,
    pub(super) above: Vec<Id>,
    pub(super) below: Vec<Id>,
}

impl ToTokens for Written {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.tokens.to_tokens(tokens);
    }
}
