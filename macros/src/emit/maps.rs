//! Operations on whole Jacobians: scalings of rows and columns, other shapes, and maps of all columns.

use super::{Emit, Hold, Level, Written};
use crate::graph::{Dim, Graph, Id, IdMap, Ids, Shape};
use crate::rules::Op;
use proc_macro2::{Ident, TokenStream};
use quote::quote;

/// The symbols that stand for a column of a matrix.
fn symbols(graph: &Graph) -> Vec<Id> {
    let maps = (0..graph.count())
        .map(Id)
        .filter(|id| graph.op(*id) == Op::Each);
    maps.map(|id| graph.args(id)[1]).collect()
}

/// What depends on each of these symbols: what a map gives does not depend on its own.
pub(super) fn of_symbols(graph: &Graph) -> Vec<Ids> {
    let nodes = graph.nodes();
    let mut known: Vec<Id> = Vec::new();
    let mut maps = Vec::new();
    for symbol in symbols(graph) {
        if known.contains(&symbol) {
            continue;
        }
        known.push(symbol);
        let mut depends: Ids = std::iter::once(symbol).collect();
        for (number, node) in nodes.iter().enumerate().skip(symbol.0 as usize + 1) {
            let own = node.op == Op::Each && node.args[1] == symbol;
            let read = if own { &node.args[..1] } else { &node.args[..] };
            if read.iter().any(|a| depends.contains(a)) {
                depends.insert(Id(number as u32));
            }
        }
        maps.push(depends);
    }
    maps
}

impl Emit<'_> {
    /// Whether both are computed in the closures of the same maps of columns, or both in none.
    pub(super) fn is_in_same_maps(&self, a: Id, b: Id) -> bool {
        self.maps
            .iter()
            .all(|map| map.contains(&a) == map.contains(&b))
    }

    /// What the closure of a map of columns reads from outside.
    pub(super) fn captured_by_map(&self, id: Id) -> Vec<Id> {
        self.parts_of_map(id).1
    }

    /// The map of columns in whose closure a value is computed, seen from outside of maps.
    pub(super) fn map_around(&self, id: Id) -> Option<Id> {
        let within = self.mapped.contains(&id) && !self.in_map;
        let around = |map: &Id| {
            self.live[map.0 as usize]
                && *self.op(*map) == Op::Each
                && self.inside_map(*map).contains(&id)
        };
        within.then(|| self.ids().find(around)).flatten()
    }

    /// The maps of columns in whose closures each value is computed.
    pub(super) fn maps_around(&self) -> IdMap<Vec<Id>> {
        let mut around: IdMap<Vec<Id>> = IdMap::default();
        let maps = self
            .ids()
            .filter(|id| self.live[id.0 as usize] && *self.op(*id) == Op::Each);
        for map in maps {
            for inner in self.inside_map(map) {
                around.entry(inner).or_default().push(map);
            }
        }
        around
    }

    /// What the closure of a map of columns computes, in order.
    fn inside_map(&self, id: Id) -> Vec<Id> {
        let (mut inside, _) = self.parts_of_map(id);
        inside.sort();
        inside
    }

    fn parts_of_map(&self, id: Id) -> (Vec<Id>, Vec<Id>) {
        let mut pending = vec![self.args(id)[2]];
        let (mut inside, mut captured) = (Vec::new(), Vec::new());
        while let Some(id) = pending.pop() {
            if inside.contains(&id)
                || captured.contains(&id)
                || self.program.graph.op(id) == Op::Absent
            {
                continue;
            }
            if self.mapped.contains(&id) {
                inside.push(id);
                pending.extend(self.needs(id));
            } else {
                captured.push(id);
                // What passes compute inside is read by what it is computed from.
                if self.is_inline(id) {
                    pending.extend(self.needs(id));
                }
            }
        }
        (inside, captured)
    }

    /// A temporary that is changed where it is.
    pub(super) fn is_changed_in_place(&self, id: Id) -> bool {
        let args = self.args(id);
        let temporary = |of: Id| {
            self.is_dynamic(of)
                && self.uses[of.0 as usize].len() == 1
                && !self.is_leaf(of)
                && !self.gets_name(of)
                && !matches!(self.program.graph.op(of), Op::Part(_))
        };
        match self.program.graph.op(id) {
            Op::ScaleRows => temporary(args[1]),
            Op::ScaleColumns => temporary(args[0]),
            Op::SymmetricFromLower => {
                let last = |id: Id| self.outputs.contains(&id);
                let shaped = |id: &Id| self.program.graph.op(*id) == Op::Reshape && last(*id);
                last(id) || self.uses[id.0 as usize].iter().any(shaped)
            }
            _ => false,
        }
    }

    /// The matrix that an operation changes.
    fn changed_by(&self, id: Id) -> Id {
        match (self.program.graph.op(id), self.args(id)) {
            (Op::ScaleRows, args) => args[1],
            (_, args) => args[0],
        }
    }

    /// The name of a variable that is changed a second time, and not read in between.
    pub(super) fn changed_again(&self, id: Id) -> Option<Ident> {
        if !self.is_changed_in_place(id) {
            return None;
        }
        let of = self.changed_by(id);
        let (name, _) = self.bound.get(&of)?;
        let free = self.mutable.contains(&of)
            && self.remaining[of.0 as usize] == 1
            && !self.stays(of)
            && self.context[of.0 as usize] == self.current;
        free.then(|| syn::parse2(name.clone()).ok())?
    }

    pub(super) fn write_change(&mut self, id: Id, name: &Ident) {
        let args = self.args(id);
        let start = self.read_owned(self.changed_by(id));
        if *name != start.to_string() {
            self.out.push(quote!(let mut #name = #start;));
        }
        let column = self.parameter("column");
        let change = match self.program.graph.op(id) {
            Op::ScaleRows => {
                let d = self.by_reference(args[0]);
                quote! {
                    for mut #column in #name.column_iter_mut() {
                        #column.component_mul_assign(#d);
                    }
                }
            }
            Op::ScaleColumns => {
                let j = self.parameter("j");
                let d = self.receiver(args[1]);
                quote! {
                    for #j in 0..#name.ncols() {
                        let mut #column = #name.column_mut(#j);
                        #column *= #d[#j];
                    }
                }
            }
            _ => quote!(#name.fill_upper_triangle_with_lower_triangle();),
        };
        self.out.push(change);
    }

    /// Rows or columns scaled, in one pass.
    pub(super) fn write_scaling(&mut self, id: Id) -> Written {
        let args = self.args(id);
        let rows = self.program.graph.op(id) == Op::ScaleRows;
        let (d, m) = if rows {
            (args[0], args[1])
        } else {
            (args[1], args[0])
        };
        let (at, entry) = (
            self.parameter(if rows { "i" } else { "j" }),
            self.parameter("entry"),
        );
        let d = self.read(d).at(Level::Atom);
        let place = if rows { quote!(#at, _) } else { quote!(_, #at) };
        let m = self.receiver(m);
        let tokens = quote!(#m.map_with_location(|#place, #entry| #d[#at] * #entry));
        Written::new(tokens, Level::Atom, Hold::Temporary)
    }

    /// An extent as a value of nalgebra's type for it.
    fn dim_value(&self, dim: &Dim) -> TokenStream {
        let nalgebra = &self.nalgebra;
        let size = self.dim(dim);
        match dim {
            Dim::Dynamic(_) => quote!(#nalgebra::Dyn(#size)),
            _ => quote!(#nalgebra::Const::<#size>),
        }
    }

    /// The same entries in another shape. What is dynamic keeps its memory.
    pub(super) fn write_reshape(&mut self, id: Id) -> Written {
        let of = self.args(id)[0];
        let (have, want) = (self.shape(of), self.shape(id));
        let value = self.read(of);
        let copied = match value.hold {
            Hold::Variable => !self.is_last_use(of),
            hold => hold != Hold::Temporary,
        };
        let tokens = if have.is_dynamic() && want.is_dynamic() && !copied {
            let (rows, cols) = (self.dim_value(&want.rows), self.dim_value(&want.cols));
            let owned = value.at(Level::Atom);
            quote!(#owned.reshape_generic(#rows, #cols))
        } else {
            let (ty, sizes) = (self.matrix_type(&want), self.sizes_beside_entries(&want));
            let m = value.at(Level::Atom);
            if value.hold == Hold::View {
                quote!(#ty::from_column_slice(#(#sizes,)* #m.clone_owned().as_slice()))
            } else {
                quote!(#ty::from_column_slice(#(#sizes,)* #m.as_slice()))
            }
        };
        Written::new(tokens, Level::Atom, Hold::Temporary)
    }

    /// A linear map of every column.
    pub(super) fn write_map(&mut self, id: Id) -> Written {
        let [m, symbol, image] = self.args(id)[..] else {
            unreachable!("a matrix, a symbol and its image");
        };
        let krate = self.krate;
        let columns = self.by_reference(m);
        let Shape { rows, cols } = self.shape(symbol);
        let (rows, cols) = (self.dim_value(&rows), self.dim_value(&cols));
        let entries = self.dim_value(&self.shape(id).rows);
        let name = self.parameter("x");
        let before = self.bound.clone();
        // Pullbacks that come out of a branch in this closure are there in it only.
        let (pullbacks, handed_out) = (self.pullbacks.clone(), self.handed_out.clone());
        self.bound.insert(symbol, (quote!(#name), Hold::Reference));
        let outside = std::mem::take(&mut self.out);
        let stores = std::mem::take(&mut self.new_stores);
        let around = std::mem::replace(&mut self.in_map, true);
        // Several maps may compute the same values, each for itself: how often they are read is counted anew.
        let inside = self.inside_map(id);
        let state = (self.computed.clone(), self.remaining.clone());
        let written: Vec<bool> = self.groups.iter().map(|g| g.written).collect();
        for inner in &inside {
            let users = self.uses[inner.0 as usize].iter();
            let here = users.filter(|user| inside.contains(user)).count();
            self.remaining[inner.0 as usize] = here + usize::from(*inner == image);
            self.computed.remove(inner);
        }
        let strict = self.strict_guards();
        for inner in inside.iter().copied() {
            // What is computed on one side of a branch, or of what is there only, is written there.
            let aside = self.is_within(self.context[inner.0 as usize], self.current)
                || !self.satisfies(self.current, &strict[inner.0 as usize]);
            if self.gets_name(inner) && !aside {
                self.ensure(inner);
            }
        }
        let value = self.read_owned(image);
        self.begin_with_stores(stores);
        self.computed = state.0;
        for inner in &inside {
            self.remaining[inner.0 as usize] = state.1[inner.0 as usize];
        }
        for (group, written) in self.groups.iter_mut().zip(written) {
            group.written = written;
        }
        self.in_map = around;
        let statements = std::mem::replace(&mut self.out, outside);
        self.bound = before;
        (self.pullbacks, self.handed_out) = (pullbacks, handed_out);
        let body = if statements.is_empty() {
            value
        } else {
            quote!({ #(#statements)* #value })
        };
        let tokens = quote! {
            #krate::__private::each_column(#columns, (#rows, #cols), #entries, |#name| #body)
        };
        Written::new(tokens, Level::Atom, Hold::Temporary)
    }
}
