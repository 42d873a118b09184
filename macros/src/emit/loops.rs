//! Loops: the body is emitted as a function of its own would be, around variables that it changes.

use super::joined::{Joined, Kept};
use super::{Emit, Hold, Level, Store, Written};
use crate::graph::{Argument, Elem, Form, Graph, Header, Id, Leaf, Loop, Placed, Program, Step};
use crate::rules::{Op, Part, Scalar};
use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::quote;
use std::rc::Rc;

/// A variable that a loop carries from one iteration to the next.
struct Carried {
    /// Its number among the arguments.
    at: usize,
    leaf: Id,
    next: Id,
    name: Ident,
}

/// What is kept of every iteration, in a list with this name.
struct List {
    name: Ident,
    /// The place of an iteration in an array of them.
    step: Option<Ident>,
    slots: Vec<Id>,
    /// Where what has a dynamic size is kept: its key among the stores.
    store: Option<(usize, usize)>,
    /// Whether it only counts the iterations.
    counts: bool,
}

impl Emit<'_> {
    pub(super) fn loop_of(&self, id: Id) -> Option<Rc<Loop>> {
        match self.program.graph.op(id) {
            Op::Loop(number) => Some(self.program.graph.loops.get(number)),
            _ => None,
        }
    }

    /// Whether something happens in a loop that no other loop does instead.
    pub(super) fn loop_has_effect(&self, id: Id) -> bool {
        let Some(primal) = self.loop_of(id) else {
            return false;
        };
        if self.is_derived(id) {
            return false;
        }
        // What an iteration may panic at, the loop of its derivative panics at as well.
        let others = self.ids().filter(|other| self.live[other.0 as usize]);
        let others = others.filter_map(|other| self.loop_of(other));
        let derived: Vec<Vec<bool>> = others
            .filter(|other| !Rc::ptr_eq(other, &primal) && Rc::ptr_eq(&other.body, &primal.body))
            .map(|other| {
                let mut roots = other.next.clone();
                roots.extend(other.records.borrow().iter());
                let graph = &other.body.graph;
                let mut needed = graph.needed_by(&roots);
                // So are the integers that sizes are read from.
                for id in (0..graph.count()).map(Id) {
                    if needed[id.0 as usize] {
                        let sizes = graph.sizes_of(id).into_iter();
                        sizes.for_each(|size| needed[size.0 as usize] = true);
                    }
                }
                needed
            })
            .collect();
        has_effect(&primal.body.steps, &primal.body.graph, &derived)
    }

    /// `if condition { break; }`
    pub(super) fn write_leave(&mut self, cond: Id, when: bool) {
        let value = self.read(cond);
        let cond = if when {
            value.tokens
        } else {
            let value = value.at(Level::Unary);
            quote!(!#value)
        };
        self.out.push(quote!(if #cond { break; }));
    }

    pub(super) fn write_loop(&mut self, id: Id) {
        let Some(first) = self.loop_of(id) else {
            return;
        };
        // One that is being written with others is not written once more for itself.
        self.cyclic |= self.computed.contains(&id);
        let joined = self.join(id, &first);
        let Joined {
            this, args, parts, ..
        } = &joined;
        let graph = this.body.graph.clone();
        let derived = self.is_derived(id);
        // On the way back the iterations may not be gone through again where they read what has changed since.
        self.cyclic |= self.of_derived && !derived && !this.recomputed && reads_what_changes(this);
        // The user's names, but for those under which other values are still to be read.
        let mut own_names: Vec<Option<Ident>> = Vec::new();
        for (k, leaf) in this.inputs[..this.next.len()].iter().enumerate() {
            let leaf = graph.leaf_of(*leaf).filter(|_| !derived && k < joined.own);
            let own = leaf.and_then(|l| syn::parse2::<Ident>(l.name).ok());
            let item = parts.iter().find(|p| p.0 == k).map(|p| p.1);
            own_names.push(own.filter(|own| {
                let others = self.others_named(own, args, k);
                let fixed = this.mentions(own) || item.is_some_and(|i| self.named.contains(&i));
                if fixed {
                    self.keep_aside(own, others);
                    return true;
                }
                others.is_empty()
            }));
        }
        let mut names_read = Vec::new();
        for (k, input) in this.inputs.iter().enumerate().skip(this.next.len()) {
            if self.kept_of(args[k]).is_none() {
                names_read.push(self.bring_in(&graph, *input, args[k]));
            }
        }
        let mut views = Vec::new();
        let header = self.loop_header(this, args, &graph, derived, (&mut names_read, &mut views));
        // What reads what these loops give cannot come before.
        let around = self.underway.len();
        self.underway.extend(&joined.members);
        let mut names = Vec::new();
        let mut continued = Vec::new();
        for (k, (leaf, own)) in this.inputs.iter().zip(own_names).enumerate() {
            // A variable that nobody else reads is gone on with.
            let item = parts.iter().find(|p| p.0 == k).map(|p| p.1);
            let same = item.filter(|_| own.as_ref().is_none_or(|own| !this.mentions(own)));
            let same = same.and_then(|item| self.continues(args[k], item, id));
            let same = same.and_then(|name| syn::parse2::<Ident>(name).ok());
            // The header may bind it.
            let same = same.filter(|name| !names_read.contains(&name.to_string()));
            continued.push(same.is_some());
            names.push(match (same, own) {
                (Some(same), _) => same,
                (None, Some(own)) => own,
                (None, None) => self.fresh(&wish_of(&graph, *leaf)),
            });
        }
        self.underway.truncate(around);
        redirect_sizes(&graph, this);
        let steps = if derived {
            pins_only(this)
        } else {
            this.body.steps.clone()
        };
        let program = Program {
            graph,
            steps,
            result: crate::graph::Outcome::Tuple(Vec::new()),
            wrt: Vec::new(),
            types: Vec::new(),
            pattern_names: Vec::new(),
            frames: Vec::new(),
            parameters: Vec::new(),
            fields: Vec::new(),
            taken: Default::default(),
        };
        let known = program.graph.nodes();
        let mut nodes = known.clone();
        let slots_of = |kept: &Kept| self.slots_of(kept.number, &kept.of).0;
        let slots: Vec<Vec<Id>> = joined.kept.iter().map(slots_of).collect();
        let wanted: Vec<usize> = parts.iter().map(|p| p.0).collect();
        let mut live: Vec<usize> = (0..this.next.len())
            .filter(|k| wanted.contains(k))
            .collect();
        // What is carried is needed where another value is computed from it.
        let mut inner = loop {
            let mut inner = Emit::new(&program, &known, self.krate, self.real, self.way);
            inner.outputs = live.iter().map(|k| this.next[*k]).collect();
            inner.outputs.extend(slots.iter().flatten());
            inner.outputs.extend(this.exit.filter(|_| !derived));
            inner.outputs.extend(leaves_on(&program.steps));
            inner.find_live();
            let more = (0..this.next.len())
                .find(|k| !live.contains(k) && inner.live[this.inputs[*k].0 as usize]);
            match more {
                Some(k) => live.push(k),
                None => break inner,
            }
        };
        // What has no value in this loop must not be read by a name that something else has.
        let index = match &this.header {
            Header::Range { index, .. } => Some(*index),
            _ => None,
        };
        let is_bound = |id: Id| {
            // The element of a list begins where its index says.
            let id = program
                .graph
                .elements
                .borrow()
                .get(&id)
                .map_or(id, |at| *at);
            let binds = |placed: &Placed| match &placed.step {
                Step::Pin { leaf, .. } => *leaf == id,
                Step::Let { binds, .. } => binds.contains(&id),
                _ => false,
            };
            let constant = program.graph.integer_value(id).is_some();
            constant
                || this.inputs.contains(&id)
                || index == Some(id)
                || program.steps.iter().any(binds)
        };
        let read = inner.ids().filter(|id| inner.live[id.0 as usize]);
        let read = read.filter(|id| !this.inputs.contains(id));
        let mut read = read.flat_map(|id| inner.args(id)).copied();
        let is_variable = |id: Id| {
            let constant = program.graph.integer_value(id).is_some();
            matches!(inner.op(id), Op::Leaf(_)) && !constant
        };
        self.cyclic |= derived && read.any(|id| is_variable(id) && !is_bound(id));
        // The variables of the user's that are not there.
        let variables = inner.ids().filter(|id| is_variable(*id) && !is_bound(*id));
        let absent = variables.filter(|_| derived).collect();
        live.sort_unstable();
        let carried: Vec<Carried> = live
            .iter()
            .map(|k| Carried {
                at: *k,
                leaf: this.inputs[*k],
                next: this.next[*k],
                name: names[*k].clone(),
            })
            .collect();
        let mut untyped = Vec::new();
        // The range, or an iteration, reads these afterwards.
        let read_later = args[this.next.len()..].iter().copied();
        let kept_in_place: Vec<Id> = read_later.filter(|id| self.unmovable.insert(*id)).collect();
        for variable in &carried {
            let (name, start) = (&variable.name, args[variable.at]);
            if continued[variable.at] {
                self.remaining[start.0 as usize] = 0;
                continue;
            }
            self.borrowed.clear();
            let start = self.start_of(start, &inner, variable.leaf);
            if !inner.is_matrix(variable.leaf) && !crate::ty::mentions(start.clone(), &|_| true) {
                untyped.push((self.out.len(), name.clone(), start.clone()));
            }
            self.out.push(quote!(let mut #name = #start;));
        }
        let mut lists = Vec::new();
        for (kept, slots) in joined.kept.iter().zip(slots) {
            let name = self.fresh("steps");
            let start = self.empty_records(&kept.of, &slots);
            self.out.push(quote!(let mut #name = #start;));
            for part in &kept.parts {
                self.bind(*part, quote!(#name), Hold::Variable);
            }
            let step = count_of(&kept.of).map(|_| self.fresh("step"));
            let store = slots.iter().any(|slot| is_stored(&program.graph, *slot));
            let store = store.then_some((this.body.number, kept.number));
            if let Some(key) = store {
                let (name, moved) = (self.fresh("kept"), Vec::new());
                self.new_stores.push(name.clone());
                self.stores.insert(key, Store { name, moved });
            }
            lists.push(List {
                name,
                step,
                slots,
                store,
                counts: is_count(&kept.of),
            });
        }
        inner.stores = std::mem::take(&mut self.stores);
        inner.filled_stores = std::mem::take(&mut self.filled_stores);
        inner.taken.extend(std::mem::take(&mut self.taken));
        inner.numbers = std::mem::take(&mut self.numbers);
        inner.parameters = std::mem::take(&mut self.parameters);
        inner.leaves.extend(self.leaves.iter().cloned());
        for variable in &carried {
            inner.carried.insert(variable.leaf);
            inner.homes.insert(variable.leaf, 0);
            inner.within_reach.push(variable.leaf);
        }
        let exit = this.exit.filter(|_| !derived);
        inner.forced.extend(exit);
        let needed = |id: &Id| this.next.contains(id) || exit == Some(*id);
        let records = lists.iter().flat_map(|list| &list.slots).copied();
        inner.records = records.filter(|id| !needed(id)).collect();
        inner.repeats = true;
        inner.of_pullback = self.is_written_in_pullback();
        inner.of_derived = derived || self.of_derived;
        inner.of_map = self.in_map || self.of_map;
        let all: Vec<Id> = lists.iter().flat_map(|list| list.slots.clone()).collect();
        let stored = all.iter().copied();
        let stored = stored.filter(|slot| is_stored(&program.graph, *slot) && !needed(slot));
        inner.stored = stored.collect();
        for input in &this.inputs[this.next.len()..] {
            let guards = this.body.graph.node(*input).guards;
            let whole = guards.iter().filter(|g| inner.kind(g.cond).shape.is_none());
            let guards = whole.map(|g| (g.cond, g.side)).collect();
            inner.kept_on_sides.insert(*input, guards);
        }
        // What is a view here, and a matrix where the user has it.
        let is_view = |input: &Id| {
            let leaf = program.graph.leaf_of(*input);
            leaf.is_some_and(|leaf| leaf.form == Form::View)
        };
        let taken = this
            .inputs
            .iter()
            .zip(args)
            .filter(|(input, arg)| is_view(input) && !self.is_leaf(**arg));
        inner.views = views
            .iter()
            .map(|view| view.0)
            .chain(taken.map(|(input, _)| *input))
            .collect();
        let find_live = |inner: &mut Emit| inner.find_live();
        let decided = inner.decide(&mut nodes, &find_live);
        inner.begin(&nodes, &decided, &find_live);
        let swapped = carried
            .iter()
            .filter(|variable| {
                let (next, leaf) = (variable.next, variable.leaf);
                let once = carried.iter().filter(|other| other.next == next).count() == 1;
                let moved = all.contains(&next) && !is_stored(&program.graph, next);
                let leaf_moved = all.contains(&leaf) && !is_stored(&program.graph, leaf);
                once && !moved
                    && !leaf_moved
                    && inner.is_dynamic(next)
                    && inner.shape(next).same_type(&inner.shape(leaf))
            })
            .map(|variable| (variable.next, variable.leaf))
            .collect::<Vec<_>>();
        for (next, leaf) in swapped {
            // What is added to it is added where it is.
            let sum = matches!(inner.op(next), Op::Scalar(Scalar::Add | Scalar::Sub))
                && (inner.args(next).contains(&leaf) || inner.is_accumulation(next));
            inner.swapped.insert(next);
            if !sum && inner.has_buffer(next) {
                // The variable stays, to change places with the buffer.
                inner.unmovable.insert(leaf);
            } else {
                inner.swapped.remove(&next);
            }
        }
        for variable in &carried {
            let (name, leaf) = (&variable.name, variable.leaf);
            let hold = if inner.is_matrix(leaf) {
                Hold::Variable
            } else {
                Hold::Scalar
            };
            inner.bound.insert(leaf, (quote!(#name), hold));
            inner.mutable.insert(leaf);
        }
        inner.absent = absent;
        let condition = inner.write_iteration(&carried, &lists, exit);
        self.cyclic |= inner.cyclic || inner.asks_in_vain.get();
        self.taken = std::mem::take(&mut inner.taken);
        self.stores = std::mem::take(&mut inner.stores);
        self.filled_stores = std::mem::take(&mut inner.filled_stores);
        // What loops in it keep is read in the same iteration, unless it is kept as a part of this one.
        let cleared = inner.new_stores.iter().filter(|_| lists.is_empty());
        let cleared = cleared.filter(|store| self.filled_stores.contains(store));
        let cleared: Vec<TokenStream> = cleared.map(|store| quote!(#store.clear();)).collect();
        self.new_stores.append(&mut inner.new_stores);
        self.numbers = std::mem::take(&mut inner.numbers);
        self.parameters = std::mem::take(&mut inner.parameters);
        if derived {
            let lets = this
                .body
                .steps
                .iter()
                .filter_map(|placed| match &placed.step {
                    Step::Let { names, tokens, .. } => Some((names.clone(), tokens.clone())),
                    _ => None,
                });
            leave_out_unread(&lets.collect::<Vec<_>>(), &mut inner.out);
        }
        // Those of a loop in a loop are made before the outer one.
        if self.repeats {
            self.buffers.append(&mut inner.buffers);
        } else {
            self.out.append(&mut inner.buffers);
        }
        let body = &inner.out;
        let body = quote!(#(#body)*);
        // The type of a literal is known where it is computed with, but not where a method is called on it.
        for (at, name, start) in untyped {
            if needs_type(body.clone(), &name) {
                let real = self.real;
                self.out[at] = quote!(let mut #name: #real = #start;);
            }
        }
        // What is kept elsewhere is looked up under its name.
        let mut opened: Vec<String> = Vec::new();
        let opening = views.iter().filter(|(_, name, _)| {
            let text = name.to_string();
            let read = crate::ty::mentions(body.clone(), &|ident| *ident == text);
            let new = read && !opened.contains(&text);
            opened.push(text);
            new
        });
        let opening = opening.map(|(_, name, store)| quote!(let #name = #store.view(#name);));
        let body = quote!(#(#cleared)* #(#opening)* #body);
        let header = match (condition, &this.header) {
            (Some(condition), Header::Endless) => quote!(while #condition),
            _ => header(&body, &lists),
        };
        self.out.push(quote!(#header { #body }));
        for id in kept_in_place {
            self.unmovable.remove(&id);
        }
        for (at, item) in parts.iter().copied() {
            let mut name = &names[at];
            // Tokens read it by a name of its own.
            let mentioned = self.program.graph.mentioned.borrow().contains(&item);
            let given = self.program.graph.names.borrow().get(&item).cloned();
            let given = given.filter(|given| mentioned && given != name);
            if let Some(given) = &given {
                self.out.push(quote!(let mut #given = #name;));
                name = given;
            }
            let hold = if self.is_matrix(item) {
                self.mutable.insert(item);
                Hold::Variable
            } else {
                Hold::Scalar
            };
            self.bind(item, quote!(#name), hold);
        }
        for member in &joined.members {
            self.bind(*member, quote!(()), Hold::Scalar);
        }
    }

    /// Another name for what has this one, which goes to another value.
    pub(super) fn keep_aside(&mut self, own: &Ident, others: Vec<(Id, Hold)>) {
        if others.is_empty() {
            return;
        }
        let aside = self.fresh(&own.to_string());
        self.out.push(quote!(let #aside = #own;));
        for (other, hold) in others {
            self.bind(other, quote!(#aside), hold);
        }
    }

    /// What has this name and is read after the variable of the loop takes it, or in the loop.
    pub(super) fn others_named(&self, own: &Ident, args: &[Id], at: usize) -> Vec<(Id, Hold)> {
        let text = own.to_string();
        let start = args.get(at).copied();
        let leaves = self.ids().filter(|id| !self.bound.contains_key(id));
        let leaves = leaves.filter_map(|id| {
            let leaf = self.program.graph.leaf_of(id)?;
            let hold = match (leaf.form, leaf.kind.is_matrix()) {
                (Form::Owned, false) => Hold::Scalar,
                (Form::Owned, true) => Hold::Variable,
                _ => Hold::Reference,
            };
            (leaf.name.to_string() == text).then_some((id, hold))
        });
        let bound = self.bound.iter();
        let bound = bound.filter(|(_, (name, _))| name.to_string() == text);
        let named = bound.map(|(id, (_, hold))| (*id, *hold)).chain(leaves);
        let mut found: Vec<(Id, Hold)> = named
            .filter(|(id, _)| {
                let once = Some(*id) == start && args.iter().filter(|a| *a == id).count() == 1;
                self.remaining[id.0 as usize] > usize::from(once)
                    || self.outputs.contains(id)
                    || self.carried.contains(id)
            })
            .collect();
        found.sort_by_key(|(id, _)| *id);
        found
    }

    /// The name of a variable that a loop may go on with.
    fn continues(&mut self, start: Id, item: Id, by: Id) -> Option<TokenStream> {
        if !self.is_matrix(start) || !self.shape(start).same_type(&self.shape(item)) {
            return None;
        }
        self.ensure_inputs(start);
        self.settle(start, by);
        if self.named.contains(&item) {
            return None;
        }
        self.changeable(start, item)
    }

    /// The first value of a variable, of the type that it has in the loop.
    fn start_of(&mut self, start: Id, inner: &Emit, leaf: Id) -> TokenStream {
        let want = inner.kind(leaf).shape.clone();
        match want {
            Some(want) if !self.is_matrix(start) => {
                let value = self.read(start).tokens;
                self.filled("from_element", &want, Some(value)).tokens
            }
            Some(want) if !self.shape(start).same_type(&want) => {
                self.forced.insert(start);
                self.ensure(start);
                let value = self.read(start).at(Level::Atom);
                let (i, j) = (self.parameter("i"), self.parameter("j"));
                let own = self.shape(start);
                let (ty, mut sizes) = (self.matrix_type(&want), Vec::new());
                for (want, own) in [(&want.rows, &own.rows), (&want.cols, &own.cols)] {
                    if matches!(want, crate::graph::Dim::Dynamic(_)) {
                        sizes.push(self.dim(own));
                    }
                }
                quote!(#ty::from_fn(#(#sizes,)* |#i, #j| #value[(#i, #j)]))
            }
            Some(_) => self.read_owned(start),
            None => self.read(start).tokens,
        }
    }

    /// Leaves one value of all that a loop has kept, which is one list; the others, and what they are the same as.
    pub(super) fn shared_records(&self, ids: &mut Vec<Id>) -> Vec<(Id, Id)> {
        let source = |id: Id| match self.kind(id).elem {
            Elem::Records => self.kept_of(id).map(|kept| kept.0),
            _ => None,
        };
        let (mut first, mut shared) = (Vec::new(), Vec::new());
        ids.retain(|id| {
            let Some(number) = source(*id) else {
                return true;
            };
            match first.iter().find(|(known, _)| *known == number) {
                Some((_, same)) => shared.push((*id, *same)),
                None => {
                    first.push((number, *id));
                    return true;
                }
            }
            false
        });
        shared
    }

    /// What a loop has kept that did not run.
    pub(super) fn no_records(&self, id: Id) -> TokenStream {
        let number = self.kept_of(id).map(|kept| kept.0);
        match number.map(|number| (number, self.program.graph.loops.get(number))) {
            Some((number, of)) => self.empty_records(&of, &self.slots_of(number, &of).0),
            _ => quote!(::std::vec::Vec::new()),
        }
    }

    /// What a loop keeps of every iteration, each value once, and the place of each record: what was kept for a derivative
    /// that is not taken in the end is left out. Those of inner loops are read elsewhere.
    fn slots_of(&self, number: usize, this: &Loop) -> (Vec<Id>, Vec<Option<usize>>) {
        let (all, places) = this.slots();
        let is_read = |place: &usize| {
            let mut live = self.ids().filter(|id| self.live[id.0 as usize]);
            self.repeats
                || live.any(|id| match self.program.graph.kept_by(id) {
                    Some((of, record)) => of == number && places.get(record) == Some(place),
                    None => false,
                })
        };
        let read: Vec<usize> = (0..all.len()).filter(is_read).collect();
        let place = |old: &usize| read.iter().position(|place| place == old);
        let slots = read.iter().map(|place| all[*place]).collect();
        (slots, places.iter().map(place).collect())
    }

    /// What a loop has kept before its first iteration.
    fn empty_records(&self, this: &Loop, slots: &[Id]) -> TokenStream {
        if is_count(this) {
            return quote!(0_usize);
        }
        let Some(count) = count_of(this) else {
            return quote!(::std::vec::Vec::new());
        };
        let graph = &this.body.graph;
        let values = slots.iter().map(|slot| {
            let kind = graph.kind(*slot);
            match (kind.elem, kind.shape) {
                (Elem::Real, Some(shape)) => self.nothing(&shape),
                (Elem::Real, None) => self.number(0.0),
                (Elem::Int, _) => quote!(0),
                (Elem::Bool, _) => quote!(false),
                (Elem::Records, _) => match graph.kept_by(*slot) {
                    Some((number, _)) => {
                        let inner = graph.loops.get(number);
                        self.empty_records(&inner, &inner.slots().0)
                    }
                    None => quote!(()),
                },
                _ => quote!(()),
            }
        });
        let count = Literal::usize_unsuffixed(count);
        match &values.collect::<Vec<_>>()[..] {
            [one] => quote!([#one; #count]),
            many => quote!([(#(#many),*); #count]),
        }
    }

    /// What an earlier loop has kept, of an argument of a loop.
    fn kept_of(&self, arg: Id) -> Option<(usize, usize)> {
        self.program.graph.kept_by(arg)
    }

    /// A value that an iteration reads, under its name.
    fn bring_in(&mut self, graph: &Graph, input: Id, arg: Id) -> String {
        if !self.is_leaf(arg) {
            self.ensure(arg);
        }
        let hold = self.bound.get(&arg).map(|(_, hold)| *hold);
        if self.is_matrix(arg) && self.is_adjacent(arg, hold.unwrap_or(Hold::View)) {
            graph.adjacent.borrow_mut().insert(input);
        }
        let leaf = match self
            .program
            .graph
            .leaf_of(arg)
            .filter(|_| !self.bound.contains_key(&arg))
        {
            Some(leaf) => leaf,
            None => {
                let value = self.read(arg);
                Leaf {
                    form: match value.hold {
                        Hold::Reference => Form::Borrowed,
                        Hold::View => Form::View,
                        _ => Form::Owned,
                    },
                    name: value.at(Level::Atom),
                    kind: graph.kind(input),
                    varies: true,
                }
            }
        };
        let name = leaf.name.to_string();
        // A struct is there itself, and not only the column of its entries.
        let list = self.program.graph.lists.borrow().get(&arg).cloned();
        if let Some(list) = list.filter(|list| list.is_struct) {
            graph.lists.borrow_mut().insert(input, list);
        }
        graph.become_leaf(
            input,
            Leaf {
                kind: graph.kind(input),
                ..leaf
            },
        );
        name
    }

    /// The header of a loop, given its body: names that are not read are left out.
    fn loop_header(
        &mut self,
        this: &Loop,
        args: &[Id],
        graph: &Graph,
        derived: bool,
        (names_read, views): (&mut Vec<String>, &mut Vec<(Id, TokenStream, Ident)>),
    ) -> impl Fn(&TokenStream, &[List]) -> TokenStream + use<> {
        // What earlier loops have kept.
        let mut sources: Vec<(usize, Id)> = Vec::new();
        for arg in &args[this.next.len()..this.inputs.len()] {
            if let Some((number, _)) = self.kept_of(*arg)
                && !sources.iter().any(|s| s.0 == number)
            {
                sources.push((number, *arg));
            }
        }
        let mut zipped: Vec<(TokenStream, TokenStream)> = Vec::new();
        for (number, arg) in sources {
            let source = self.program.graph.loops.get(number);
            let (slots, places) = self.slots_of(number, &source);
            let mut names: Vec<TokenStream> = vec![quote!(_); slots.len()];
            for (k, input) in this.inputs.iter().enumerate().skip(this.next.len()) {
                let Some((of, record)) = self.kept_of(args[k]) else {
                    continue;
                };
                if of != number {
                    continue;
                }
                let kind = graph.kind(*input);
                if kind.elem == Elem::Opaque {
                    graph.become_leaf(*input, nothing(kind));
                    continue;
                }
                let Some(place) = places[record] else {
                    continue;
                };
                let known = names[place].to_string() != "_";
                let store = self.stores.get(&(source.body.number, number));
                let store = store.filter(|store| !store.moved.contains(&place));
                let store = store.filter(|_| is_stored(graph, *input));
                let store = store.map(|store| store.name.clone());
                let elem = kind.elem;
                let (name, by_reference) = match elem {
                    _ if store.is_some() => (None, false),
                    Elem::Inert => (passed_as_reference(graph, *input).then_some(()), false),
                    Elem::Real | Elem::Bool | Elem::Int if kind.shape.is_none() => (None, false),
                    Elem::Records if counts(&source, record) => (None, false),
                    _ => (Some(()), true),
                };
                let ident = if known {
                    names[place]
                        .clone()
                        .into_iter()
                        .last()
                        .map(TokenStream::from)
                } else {
                    let given = graph.names.borrow().get(input).cloned();
                    let own = graph.leaf_of(*input).filter(|_| this.body.carries(*input));
                    let own = own.and_then(|leaf| syn::parse2::<Ident>(leaf.name).ok());
                    // It has the name that it had when it was kept.
                    let own = given
                        .or(own)
                        .filter(|own| !names_read.contains(&own.to_string()));
                    let ident = match own {
                        Some(own) => own,
                        // Another name in the pattern may have been wished for likewise.
                        None => {
                            let wish = wish_of(graph, *input);
                            let ident = self.parameter(&wish);
                            match names_read.contains(&ident.to_string()) {
                                true => self.fresh(&wish),
                                false => ident,
                            }
                        }
                    };
                    names_read.push(ident.to_string());
                    Some(quote!(#ident))
                };
                let ident = ident.unwrap_or_default();
                names[place] = match name {
                    Some(()) => quote!(ref #ident),
                    None => ident.clone(),
                };
                let form = match store {
                    Some(store) => {
                        views.push((*input, ident.clone(), store));
                        Form::View
                    }
                    None if by_reference => Form::Borrowed,
                    None => Form::Owned,
                };
                let kept = source.records.borrow()[record];
                let ident = match (is_optional(&source.body.graph, kept), elem) {
                    (true, Elem::Inert) if name.is_some() => quote!(*#ident.as_ref().unwrap()),
                    (true, Elem::Inert) => quote!(#ident.unwrap()),
                    (false, Elem::Inert) if name.is_some() => quote!(*#ident),
                    (true, _) => quote!(#ident.as_ref().unwrap()),
                    (false, _) => ident,
                };
                // What an inner loop has kept in its turn.
                if let Some(kept) = source.body.graph.kept_by(source.records.borrow()[record]) {
                    graph.kept.borrow_mut().insert(*input, kept);
                }
                graph.become_leaf(
                    *input,
                    Leaf {
                        name: ident,
                        kind,
                        form,
                        varies: true,
                    },
                );
            }
            self.ensure(arg);
            let name = self.read(arg).at(Level::Atom);
            if is_count(&source) {
                zipped.push((quote!(_), quote!((0..#name))));
                continue;
            }
            let pattern = match &names[..] {
                [one] if one.to_string().starts_with("ref ") => {
                    one.clone().into_iter().skip(1).collect()
                }
                [one] => quote!(&#one),
                many => quote!(&(#(#many),*)),
            };
            let iterator = if source.backwards == this.backwards {
                quote!(#name.iter())
            } else {
                quote!(#name.iter().rev())
            };
            zipped.push((pattern, iterator));
        }
        // What counts by itself does so once: with the loop that it is made of, or as often as that has kept something.
        let counts_once = !matches!(this.header, Header::Range { .. });
        self.cyclic |= derived && counts_once && zipped.is_empty();
        // What the range is made of has its name.
        for arg in &args[this.inputs.len()..] {
            self.ensure(*arg);
            self.read(*arg);
        }
        let range = match &this.header {
            Header::Range { index, range } => {
                let name = graph.leaf_of(*index).map(|l| l.name).unwrap_or_default();
                Some((name, self.with_nalgebra(range.clone())))
            }
            _ => None,
        };
        let (header, backwards) = (this.header.clone(), this.backwards);
        let plain = match &header {
            Header::Each { pattern, iterator } => {
                let iterator = self.with_nalgebra(iterator.clone());
                quote!(for #pattern in #iterator)
            }
            Header::While(cond) => {
                let cond = self.with_nalgebra(cond.clone());
                quote!(while #cond)
            }
            _ => quote!(loop),
        };
        move |body: &TokenStream, lists: &[List]| {
            let mut zipped = zipped.clone();
            for List { name, step, .. } in lists {
                let into = step
                    .as_ref()
                    .map(|step| (quote!(#step), quote!(#name.iter_mut())));
                zipped.extend(into);
            }
            if let Some((index, range)) = &range {
                let text = index.to_string();
                let read = crate::ty::mentions(body.clone(), &|ident| *ident == text);
                if read || zipped.is_empty() {
                    let index = if read { index.clone() } else { quote!(_) };
                    let iterator = match (backwards, zipped.is_empty()) {
                        (true, _) => quote!((#range).rev()),
                        (false, true) => range.clone(),
                        (false, false) => quote!((#range)),
                    };
                    zipped.insert(0, (index, iterator));
                }
            }
            let all = zipped.into_iter().reduce(|(p, i), (pattern, iterator)| {
                (quote!((#p, #pattern)), quote!(#i.zip(#iterator)))
            });
            match all {
                Some((pattern, iterator)) => quote!(for #pattern in #iterator),
                None => plain.clone(),
            }
        }
    }

    /// The statements of an iteration. The condition of a `while`, if it begins with that.
    fn write_iteration(
        &mut self,
        carried: &[Carried],
        lists: &[List],
        exit: Option<Id>,
    ) -> Option<TokenStream> {
        let steps = self.program.steps.clone();
        let mut condition = None;
        let mut rest = &steps[..];
        if let [
            Placed {
                at,
                step: Step::Leave { cond, when: false },
            },
            others @ ..,
        ] = rest
        {
            self.next_step = *at;
            self.write_before(*at, 0);
            if self.out.is_empty() {
                let value = self.read(*cond);
                if self.out.is_empty() {
                    condition = Some(value.tokens);
                } else {
                    let value = value.at(Level::Unary);
                    self.out.push(quote!(if !#value { break; }));
                }
            } else {
                self.write_leave(*cond, false);
            }
            rest = others;
        }
        self.write_steps(rest, 0);
        self.write_before(self.nodes.len() as u32, 0);
        if let Some(exit) = exit {
            self.ensure(exit);
        }
        let changes = |e: &Self, c: &&Carried| {
            let own = e.bound.get(&c.next).map(|b| b.0.to_string());
            own != Some(c.name.to_string())
        };
        let mut slots = lists.iter().flat_map(|list| &list.slots);
        let moves = slots.any(|slot| self.is_matrix(*slot));
        for variable in carried {
            // What is added to a matrix is added where that is.
            let next = variable.next;
            let sum = matches!(self.op(next), Op::Scalar(Scalar::Add | Scalar::Sub))
                && self.is_matrix(next)
                && self.is_derived(next)
                && self.args(next).contains(&variable.leaf);
            if (moves || sum) && !self.is_leaf(next) {
                self.ensure(next);
            }
        }
        for list in lists {
            let List {
                name,
                step,
                slots,
                counts,
                ..
            } = list;
            // What is computed on one side comes out of that branch.
            for slot in slots {
                if self.context[slot.0 as usize] != 0 {
                    self.ensure(*slot);
                } else if !self.bound.contains_key(slot) {
                    for input in self.inputs(*slot) {
                        self.ensure_inputs(input);
                    }
                }
            }
            self.borrowed.clear();
            let mut values = Vec::new();
            for (place, slot) in slots.iter().enumerate() {
                let stored = is_stored(&self.program.graph, *slot);
                values.push(match list.store.filter(|_| stored) {
                    Some(store) => self.stored_value(*slot, store, place),
                    None => self.kept_value(*slot),
                });
            }
            let value = match &values[..] {
                [one] => one.clone(),
                many => quote!((#(#many),*)),
            };
            self.out.push(match step {
                Some(step) => quote!(*#step = #value;),
                None if *counts => quote!(#name += 1;),
                None => match &values[..] {
                    [one] => quote!(#name.push(#one);),
                    _ => quote!(#name.push(#value);),
                },
            });
        }
        self.borrowed.clear();
        let changed: Vec<&Carried> = carried.iter().filter(|c| changes(self, c)).collect();
        let owned = changed.iter().any(|c| self.is_dynamic(c.leaf));
        let mut assignments: Vec<(Ident, TokenStream, TokenStream)> = Vec::new();
        let mut swaps = Vec::new();
        for variable in changed {
            let next = variable.next;
            if self.swapped.contains(&next) && self.has_buffer(next) {
                self.ensure(next);
            }
            if let (Some((other, _)), true) = (self.bound.get(&next), self.buffered.contains(&next))
            {
                let name = &variable.name;
                swaps.push(quote!(::core::mem::swap(&mut #name, &mut #other);));
                continue;
            }
            let (assign, value) = self.next_of(variable);
            assignments.push((variable.name.clone(), assign, value));
        }
        // One after the other, as far as none reads what another has changed already.
        loop {
            let reads = |value: &TokenStream, name: &Ident| {
                let text = name.to_string();
                crate::ty::mentions(value.clone(), &|ident| *ident == text)
            };
            let free = assignments.iter().position(|(name, ..)| {
                let others = assignments.iter().filter(|other| other.0 != *name);
                let mut others = others.map(|other| &other.2);
                !others.any(|value| reads(value, name))
            });
            let crossed = owned
                && assignments.iter().any(|(name, ..)| {
                    assignments
                        .iter()
                        .any(|other| other.0 != *name && reads(&other.2, name))
                });
            match free.filter(|_| !crossed) {
                Some(at) => {
                    let (name, assign, value) = assignments.remove(at);
                    self.out.push(quote!(#name #assign #value;));
                }
                None => break,
            }
        }
        if !assignments.is_empty() {
            let names = assignments.iter().map(|a| &a.0);
            let values =
                assignments
                    .iter()
                    .map(|(name, assign, value)| match assign.to_string().as_str() {
                        "+=" => quote!(#name + #value),
                        "-=" => quote!(#name - (#value)),
                        "*=" => quote!(#name * (#value)),
                        "/=" => quote!(#name / (#value)),
                        _ => value.clone(),
                    });
            self.out.push(quote!((#(#names),*) = (#(#values),*);));
        }
        self.out.append(&mut swaps);
        if let Some(exit) = exit {
            let exit = self.read(exit).tokens;
            self.out.push(quote!(if #exit { break; }));
        }
        self.out.retain(|statement| !statement.is_empty());
        condition
    }

    /// The next value of a variable, and how it is assigned: by `=`, or by `+=` and the like.
    fn next_of(&mut self, variable: &Carried) -> (TokenStream, TokenStream) {
        let (leaf, next) = (variable.leaf, variable.next);
        if !self.is_matrix(leaf) {
            if let (Op::Scalar(op), [a, b], false) = (
                self.op(next),
                self.args(next),
                self.bound.contains_key(&next),
            ) {
                let (commutes, assign) = match op {
                    Scalar::Add => (true, quote!(+=)),
                    Scalar::Sub => (false, quote!(-=)),
                    // What the macro builds is written as one product.
                    Scalar::Mul if !self.is_derived(next) => (true, quote!(*=)),
                    Scalar::Div if !self.is_derived(next) => (false, quote!(/=)),
                    _ => (false, TokenStream::new()),
                };
                let other = match (*a == leaf, *b == leaf) {
                    (true, _) => Some(*b),
                    (false, true) if commutes => Some(*a),
                    _ => None,
                };
                if let Some(other) = other.filter(|_| !assign.is_empty()) {
                    let value = self.read(other);
                    return match (value.without_sign(), assign.to_string().as_str()) {
                        (Some(plain), "+=") => (quote!(-=), plain.tokens),
                        (Some(plain), "-=") => (quote!(+=), plain.tokens),
                        _ => (assign, value.tokens),
                    };
                }
            }
            return (quote!(=), self.read(next).tokens);
        }
        if !self.is_matrix(next) {
            let value = self.read(next).tokens;
            let shape = self.shape(leaf);
            return (
                quote!(=),
                self.filled("from_element", &shape, Some(value)).tokens,
            );
        }
        (quote!(=), self.read_as(next, leaf))
    }

    /// A matrix to be kept: itself, if it has memory of its own that nobody needs any more, else a copy of it beside
    /// others.
    fn stored_value(&mut self, id: Id, key: (usize, usize), place: usize) -> TokenStream {
        self.ensure_buffer(id);
        let value = self.read(id);
        let own = matches!(value.hold, Hold::Variable | Hold::Temporary);
        let moved = own && !self.buffered.contains(&id) && self.is_last_use(id);
        if let Some(store) = self.stores.get_mut(&key) {
            if !moved {
                let store = &store.name;
                self.filled_stores.insert(store.clone());
                let (hold, tokens) = (value.hold, value.tokens.clone());
                let own = value.at(Level::Unary);
                // What nobody has computed here may be a part of another matrix.
                return match hold {
                    Hold::Reference => quote!(#store.push_view(#tokens)),
                    Hold::View => quote!(#store.push_view(&#own)),
                    _ => quote!(#store.push(&#own)),
                };
            }
            store.moved.push(place);
        }
        value.tokens
    }

    /// A value to be kept, which owns what it is made of.
    fn kept_value(&mut self, id: Id) -> TokenStream {
        match self.kind(id).elem {
            Elem::Opaque => quote!(()),
            Elem::Real if self.is_matrix(id) => self.read_owned(id),
            Elem::Inert if self.handed_out.contains_key(&id) => self.handed_out[&id].clone(),
            Elem::Inert if is_optional(&self.program.graph, id) => {
                let value = self.read(id).tokens;
                quote!(::core::option::Option::Some(#value))
            }
            Elem::Factor if self.handed_out.contains_key(&id) => {
                let option = &self.handed_out[&id];
                quote!(::core::clone::Clone::clone(&#option))
            }
            Elem::Factor if is_optional(&self.program.graph, id) => {
                let value = self.read(id).at(Level::Atom);
                quote!(::core::option::Option::Some(::core::clone::Clone::clone(&#value)))
            }
            Elem::Factor | Elem::Records => {
                let value = self.read(id);
                let tokens = value.at(Level::Atom);
                if self.is_last_use(id) || value.hold == Hold::Temporary {
                    value.tokens
                } else {
                    quote!(::core::clone::Clone::clone(&#tokens))
                }
            }
            _ => self.read(id).tokens,
        }
    }

    /// Changes a part of a matrix: of a variable, where nobody reads its old value any more.
    pub(super) fn write_update(&mut self, id: Id) -> TokenStream {
        let args = self.args(id).to_vec();
        let Op::Update(part) = self.op(id).clone() else {
            return TokenStream::new();
        };
        self.settle(args[0], id);
        let at: Vec<TokenStream> = args[2..].iter().map(|a| self.read(*a).tokens).collect();
        let everywhere = *self.op(args[1]) == Op::Fill && !self.bound.contains_key(&args[1]);
        let value: Written = if part.is_entry() {
            self.read(args[1])
        } else if everywhere {
            self.read(self.args(args[1])[0])
        } else {
            self.forced.insert(args[1]);
            self.ensure(args[1]);
            self.read(args[1])
        };
        let place = self.changed_variable(args[0], id);
        let statement = match &part {
            Part::Entry => {
                let (i, value) = (&at[0], &value.tokens);
                quote!(#place[#i] = #value;)
            }
            Part::EntryAt => {
                let (i, j, value) = (&at[0], &at[1], &value.tokens);
                quote!(#place[(#i, #j)] = #value;)
            }
            _ => {
                let view = self.view(&place, &part, &at, "_mut");
                if self.is_matrix(args[1]) && !everywhere {
                    let value = match value.hold {
                        Hold::Reference => value.tokens,
                        _ => {
                            let value = value.at(Level::Unary);
                            quote!(&#value)
                        }
                    };
                    quote!(#view.copy_from(#value);)
                } else {
                    let value = value.tokens;
                    quote!(#view.fill(#value);)
                }
            }
        };
        self.out.push(statement);
        place
    }

    /// The name of a matrix that is about to change: its own, or that of a copy.
    fn changed_variable(&mut self, of: Id, by: Id) -> TokenStream {
        if let Some(name) = self.changeable(of, by) {
            self.remaining[of.0 as usize] = 0;
            return name;
        }
        let name = self.name(by);
        let start = self.read_owned(of);
        self.out.push(quote!(let mut #name = #start;));
        quote!(#name)
    }

    /// A sum with a variable whose old value nobody else reads: the other terms are added to it, where it is.
    pub(super) fn write_addition(&mut self, id: Id) -> Option<TokenStream> {
        let sum = matches!(self.op(id), Op::Scalar(Scalar::Add | Scalar::Sub));
        if !sum || !self.is_matrix(id) {
            return None;
        }
        let mut terms = Vec::new();
        if self.is_accumulation(id) {
            self.terms(id, false, &mut terms);
        } else {
            let negative = *self.op(id) == Op::Scalar(Scalar::Sub);
            terms = vec![(self.args(id)[0], false), (self.args(id)[1], negative)];
        }
        let own = self.shape(id);
        let can = |e: &Self, of: Id| {
            e.mutable.contains(&of) && e.is_matrix(of) && e.shape(of).same_type(&own)
        };
        let at = terms
            .iter()
            .position(|(of, negative)| !negative && can(self, *of))?;
        // In the order that the user has written.
        if at > 0 && !self.is_derived(id) || !terms.iter().all(|t| self.is_matrix(t.0)) {
            return None;
        }
        let (of, _) = terms.remove(at);
        // What is added to itself is read while it changes.
        if terms.iter().any(|(term, _)| *term == of) {
            return None;
        }
        self.settle(of, id);
        let place = self.changeable(of, id)?;
        let (parts, others): (Vec<_>, Vec<_>) =
            terms.into_iter().partition(|t| self.is_unwritten_part(t.0));
        for (term, negative) in others {
            if let Some(statement) = self.write_outer_product(&place, term, negative) {
                self.out.push(statement);
                continue;
            }
            if self.write_product_into(&place, term, negative) {
                continue;
            }
            if self.write_pass_added(&place, term, negative) {
                continue;
            }
            let value = self.operand(term).tokens;
            self.out.push(if negative {
                quote!(#place -= #value;)
            } else {
                quote!(#place += #value;)
            });
        }
        self.write_parts(&place, parts);
        self.remaining[of.0 as usize] = 0;
        Some(place)
    }

    /// A number times x yᵀ, which is added without a matrix of its own.
    fn write_outer_product(
        &mut self,
        place: &TokenStream,
        term: Id,
        negative: bool,
    ) -> Option<TokenStream> {
        let unnamed =
            |e: &Self, id: Id| e.is_derived(id) && !e.bound.contains_key(&id) && !e.gets_name(id);
        let (number, product) = match (self.op(term), self.args(term)) {
            (Op::Scalar(Scalar::Mul), [a, b]) if !self.is_matrix(*a) => (Some(*a), *b),
            (Op::Scalar(Scalar::Mul), [a, b]) if !self.is_matrix(*b) => (Some(*b), *a),
            _ => (None, term),
        };
        let (Op::MatMul, [x, row]) = (self.op(product), self.args(product)) else {
            return None;
        };
        let (Op::Transpose, [y]) = (self.op(*row), self.args(*row)) else {
            return None;
        };
        let (x, row, y) = (*x, *row, *y);
        let is_column = |id: Id| self.is_matrix(id) && self.shape(id).is_column();
        if !self.is_dynamic(product)
            || !is_column(x)
            || !is_column(y)
            || !unnamed(self, term)
            || !unnamed(self, product)
            || !unnamed(self, row)
        {
            return None;
        }
        let one = self.number(1.0);
        let factor = match number {
            Some(number) => self.read(number),
            None => Written::new(one.clone(), Level::Atom, Hold::Scalar),
        };
        let factor = if negative { factor.negated() } else { factor }.tokens;
        let (x, y) = (self.by_reference(x), self.by_reference(y));
        Some(quote!(#place.ger(#factor, #x, #y, #one);))
    }

    /// The variable that may be changed where it is: nobody else reads its value.
    pub(super) fn changeable(&self, of: Id, by: Id) -> Option<TokenStream> {
        let (name, hold) = self.bound.get(&of)?;
        let free = *hold != Hold::Reference
            && *hold != Hold::View
            && self.mutable.contains(&of)
            && self.remaining[of.0 as usize] <= 1
            && !self.stays(of)
            // It is kept at the end of the iteration.
            && !self.records.contains(&of)
            && !self.named.contains(&by)
            && (self.context[of.0 as usize] == self.current || self.lent.contains(&of))
            && (!self.is_leaf(of) || self.carried.contains(&of));
        free.then(|| name.clone())
    }

    /// Computes what else reads a value before that is changed.
    pub(super) fn settle(&mut self, of: Id, by: Id) {
        if self.mutable.contains(&of) {
            self.underway.push(by);
            self.settle_readers(of, by);
            self.underway.pop();
        }
    }

    /// Whether a value is computed from one that is being changed.
    fn waits(&self, id: Id) -> bool {
        self.underway.iter().any(|by| self.reads_from(id, *by))
    }

    fn settle_readers(&mut self, of: Id, by: Id) {
        for user in self.uses[of.0 as usize].clone() {
            if let Some(group) = self.waiting_branch(user, by) {
                self.write_group(group);
                continue;
            }
            // What the closure of a map of columns reads is read where that map is written.
            let user = match self.map_around(user) {
                Some(map) => map,
                None => user,
            };
            let free = user != by && self.is_waiting(user) && !self.waits(user);
            if !free || self.is_behind_steps(user) {
                continue;
            }
            let view = matches!(self.op(user), Op::Part(part) if part.is_view());
            // A view is read before, rather than copied.
            let readers = &self.uses[user.0 as usize];
            let all_before = |r: &Id| *r != by && self.is_waiting(*r) && !self.waits(*r);
            if view && !self.gets_name(user) && readers.iter().all(all_before) {
                self.settle_readers(user, by);
            } else {
                self.ensure(user);
            }
        }
    }

    /// The branch, still to be written, in which a value is computed, if that could be done before another.
    fn waiting_branch(&self, id: Id, by: Id) -> Option<usize> {
        let mut at = self.context[id.0 as usize];
        let mut group = self
            .group_of
            .get(&id)
            .copied()
            .filter(|_| at == self.current);
        while at != self.current {
            group = self.contexts[at].group;
            at = self.groups[group?].context;
        }
        let group = group?;
        let inside =
            |id: &Id| self.groups[group].members.contains(id) || self.is_inside(*id, group);
        let mut members = self.groups[group].members.iter();
        // Neither it nor what is computed in it may read the new value, or be it.
        let free = !self.groups[group].written
            && !members.any(|member| self.is_behind_steps(*member))
            && !self
                .ids()
                .filter(|id| self.live[id.0 as usize] && inside(id))
                .any(|id| id == by || self.waits(id));
        free.then_some(group)
    }

    /// Whether a value is still to be computed, and could be here.
    fn is_waiting(&self, id: Id) -> bool {
        !self.is_added_in_place(id)
            && !self.computed.contains(&id)
            && !self.bound.contains_key(&id)
            && self.context[id.0 as usize] == self.current
            && !self.group_of.contains_key(&id)
    }

    /// A choice between a variable as it is and the variable changed, or between two changes: the sides of the branch
    /// change it where it is. Beside the choice the variable, and its name.
    pub(super) fn changed_on_sides(
        &mut self,
        member: Id,
        group: usize,
    ) -> Option<(Id, Id, TokenStream)> {
        if !self.is_matrix(member) || self.named.contains(&member) {
            return None;
        }
        let args = self.args(member);
        let root = self.changed_root(args[1], group)?;
        if self.changed_root(args[2], group)? != root {
            return None;
        }
        let context = self.groups[group].context;
        let own = self.context[root.0 as usize] == context || self.lent.contains(&root);
        let free = own
            && self.mutable.contains(&root)
            && !self.stays(root)
            && self.shape(root).same_type(&self.shape(member))
            && (!self.is_leaf(root) || self.carried.contains(&root));
        let (name, hold) = self.bound.get(&root).cloned()?;
        if !free || hold != Hold::Variable {
            return None;
        }
        // All others have read it before.
        for user in self.uses[root.0 as usize].clone() {
            let inside = self.is_inside(user, group);
            if user == member
                || inside
                || self.computed.contains(&user)
                || self.bound.contains_key(&user)
            {
                continue;
            }
            if self.context[user.0 as usize] != context
                || self.group_of.contains_key(&user)
                || self.reads_from(user, member)
                || self.is_added_in_place(user)
                || self.is_behind_steps(user)
            {
                return None;
            }
            self.ensure(user);
        }
        if self.outputs.contains(&root) {
            return None;
        }
        Some((member, root, name))
    }

    fn is_inside(&self, id: Id, group: usize) -> bool {
        let at = self.context[id.0 as usize];
        let sides = self.groups[group].sides;
        sides
            .iter()
            .any(|side| at == *side || self.is_within(at, *side))
    }

    /// The variable that a value is made of by changes on a side of a branch.
    fn changed_root(&self, id: Id, group: usize) -> Option<Id> {
        let mut id = id;
        loop {
            if !self.is_inside(id, group) || self.mutable.contains(&id) {
                return Some(id);
            }
            let args = self.args(id);
            id = match self.op(id) {
                Op::Update(_) => args[0],
                Op::Scalar(Scalar::Add | Scalar::Sub) if self.is_accumulation(id) => {
                    let mut terms = Vec::new();
                    self.terms(id, false, &mut terms);
                    let plain = |t: &&(Id, bool)| !t.1 && !matches!(self.op(t.0), Op::Scatter(_));
                    terms.iter().find(plain)?.0
                }
                Op::Select => {
                    let inner = self.group_of.get(&id)?;
                    let root = self.changed_root(args[1], *inner)?;
                    if self.changed_root(args[2], *inner)? != root {
                        return None;
                    }
                    root
                }
                _ => return None,
            };
        }
    }

    /// How often the values on one side of a branch still read a variable.
    pub(super) fn uses_within(&self, root: Id, group: usize, side: usize) -> usize {
        let context = self.groups[group].sides[side];
        let here = |id: &&Id| {
            let at = self.context[id.0 as usize];
            (at == context || self.is_within(at, context)) && !self.computed.contains(id)
        };
        self.uses[root.0 as usize].iter().filter(here).count()
    }

    /// Whether a value is computed from another.
    fn reads_from(&self, id: Id, from: Id) -> bool {
        let mut pending = vec![id];
        let mut seen = crate::graph::Ids::default();
        while let Some(id) = pending.pop() {
            if id == from {
                return true;
            }
            if id > from && seen.insert(id) {
                pending.extend(self.args(id));
                pending.extend(self.extents_of(id));
            }
        }
        false
    }
}

/// Stands for how often a loop ran, which nobody reads.
fn nothing(kind: crate::graph::Kind) -> Leaf {
    Leaf {
        name: TokenStream::new(),
        kind,
        form: Form::Owned,
        varies: false,
    }
}

/// Whether a factorisation that is kept is there on one side of a branch only.
fn is_optional(graph: &Graph, id: Id) -> bool {
    let node = graph.node(id);
    let mut guards = node.guards.iter();
    matches!(node.kind.elem, Elem::Factor | Elem::Inert)
        && guards.any(|guard| graph.kind(guard.cond).shape.is_none())
}

/// Whether the statements of an iteration, or how often there is one, read what may change between iterations.
fn reads_what_changes(this: &Loop) -> bool {
    let changes = |placed: &Placed| match &placed.step {
        Step::Pin { fixed, .. } => !fixed,
        Step::Verbatim { .. } => true,
        _ => false,
    };
    matches!(this.header, Header::While(_)) || this.body.steps.iter().any(changes)
}

/// Whether calls borrow or clone what is kept for them: it may be no number.
fn passed_as_reference(graph: &Graph, kept: Id) -> bool {
    let calls = (0..graph.count())
        .map(Id)
        .filter_map(|id| match graph.op(id) {
            Op::Call(number) => Some((number, id)),
            _ => None,
        });
    let mut calls = calls.filter(|(_, id)| graph.args(*id).contains(&kept));
    calls.any(|(number, id)| {
        let known = graph.calls.borrow();
        let mut arguments = known[number].arguments.iter();
        arguments.any(|argument| match argument {
            Argument::Iterated {
                at,
                moves,
                by_reference,
            } => graph.args(id)[*at] == kept && (*moves || *by_reference),
            _ => false,
        })
    })
}

/// Whether a record of a loop is how often an inner one ran.
fn counts(this: &Loop, record: usize) -> bool {
    let kept = this.body.graph.kept_by(this.records.borrow()[record]);
    kept.is_some_and(|(number, _)| is_count(&this.body.graph.loops.get(number)))
}

/// Whether a value of an iteration is kept with others of all sizes in one list.
fn is_stored(graph: &Graph, slot: Id) -> bool {
    let kind = graph.kind(slot);
    kind.elem == Elem::Real && kind.shape.is_some_and(|shape| shape.is_dynamic())
}

/// Whether a method of a variable is called, or of one that begins with it in a loop inside.
fn needs_type(tokens: TokenStream, name: &Ident) -> bool {
    let mut copies = Vec::new();
    copied_into(tokens.clone(), name, &mut copies);
    has_methods(tokens.clone(), name)
        || copies
            .iter()
            .any(|copy| copy != name && needs_type(tokens.clone(), copy))
}

/// The variables that begin with another one: `let mut copy = name;`.
fn copied_into(tokens: TokenStream, name: &Ident, into: &mut Vec<Ident>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Ident(ident) if ident == name && i > 2 => {
                let is = |at: usize, c: char| matches!(trees.get(at), Some(TokenTree::Punct(p)) if p.as_char() == c);
                let bound = matches!(&trees[i - 3], TokenTree::Ident(word) if *word == "mut");
                if let (TokenTree::Ident(copy), true) =
                    (&trees[i - 2], bound && is(i - 1, '=') && is(i + 1, ';'))
                {
                    into.push(copy.clone());
                }
            }
            TokenTree::Group(group) => copied_into(group.stream(), name, into),
            _ => {}
        }
    }
}

/// Whether a method of a variable is called: `x.sin()`.
fn has_methods(tokens: TokenStream, name: &Ident) -> bool {
    let mut after_name = false;
    tokens.into_iter().any(|tree| {
        let dot = matches!(&tree, TokenTree::Punct(p) if p.as_char() == '.');
        let called = after_name && dot;
        after_name = matches!(&tree, TokenTree::Ident(ident) if ident == name);
        called || matches!(tree, TokenTree::Group(group) if has_methods(group.stream(), name))
    })
}

/// The most numbers that are kept in an array, on the stack.
const LARGEST_ARRAY: usize = 1 << 13;

/// How often a loop runs all of whose records go into an array: known to the macro, as is their size.
fn count_of(this: &Loop) -> Option<usize> {
    let Header::Range { range, .. } = &this.header else {
        return None;
    };
    if !this.repeats() || this.may_be_left() || is_count(this) {
        return None;
    }
    let count = length_of(range.clone())?;
    (count > 0 && count * numbers_of_iteration(this)? <= LARGEST_ARRAY).then_some(count)
}

/// How many integers there are in `a..b`, `a..=b` or the like backwards, where these are literals.
fn length_of(range: TokenStream) -> Option<usize> {
    let trees: Vec<TokenTree> = range.into_iter().collect();
    if let [TokenTree::Group(inner), rest @ ..] = &trees[..] {
        let rest: String = rest.iter().map(ToString::to_string).collect();
        return (rest == ".rev()").then(|| length_of(inner.stream()))?;
    }
    let text: String = trees.iter().map(ToString::to_string).collect();
    let (start, end) = text.split_once("..")?;
    let (end, closed) = match end.strip_prefix('=') {
        Some(end) => (end, 1),
        None => (end, 0),
    };
    let integer = |text: &str| text.trim_end_matches("usize").parse::<usize>().ok();
    (integer(end)? + closed).checked_sub(integer(start)?)
}

/// How many numbers are kept of an iteration, if that is known to the macro.
fn numbers_of_iteration(this: &Loop) -> Option<usize> {
    let graph = &this.body.graph;
    let (slots, _) = this.slots();
    let size = |slot: &Id| {
        let kind = graph.kind(*slot);
        match (kind.elem, kind.shape) {
            (Elem::Real, Some(shape)) => shape.entries(),
            (Elem::Records, _) => {
                let inner = graph.loops.get(graph.kept_by(*slot)?.0);
                Some(count_of(&inner)? * numbers_of_iteration(&inner)?)
            }
            (Elem::Real | Elem::Int | Elem::Bool, None) => Some(1),
            _ => None,
        }
    };
    slots.iter().map(size).sum()
}

/// Whether all that is kept of a loop is how often it ran.
fn is_count(this: &Loop) -> bool {
    let is_nothing = |id: &Id| this.body.graph.op(*id) == Op::Absent;
    this.records.borrow().iter().all(is_nothing)
}

/// A name for a value of the body.
fn wish_of(graph: &Graph, id: Id) -> String {
    let hint = graph.hints.borrow().get(&id).cloned();
    let name = || graph.names.borrow().get(&id).map(ToString::to_string);
    let leaf = || graph.leaf_of(id).map(|leaf| leaf.name.to_string());
    let wish = hint.or_else(name).or_else(leaf);
    // What is an expression has no name.
    let plain = |wish: &String| syn::parse_str::<Ident>(wish).is_ok();
    wish.filter(plain).unwrap_or_else(|| "t".to_string())
}

/// The conditions on which an iteration is left, which are read where they stand.
fn leaves_on(steps: &[Placed]) -> Vec<Id> {
    let conds = steps.iter().filter_map(|placed| match placed.step {
        Step::Leave { cond, .. } => Some(cond),
        _ => None,
    });
    conds.collect()
}

/// The statements that bind inert values, which are repeated where the range is.
fn pins_only(this: &Loop) -> Vec<Placed> {
    if !matches!(this.header, Header::Range { .. }) {
        return Vec::new();
    }
    let steps = this.body.steps.iter();
    let pins = steps.filter(|placed| match &placed.step {
        Step::Pin { leaf, .. } => this.body.pin_of(*leaf).is_some() && !this.inputs.contains(leaf),
        Step::Let { .. } => true,
        _ => false,
    });
    pins.cloned().collect()
}

/// The size of what is carried elsewhere is that of what has its shape here.
fn redirect_sizes(graph: &Graph, this: &Loop) {
    use crate::graph::{Dim, Extent};
    // What is kept on one side of a branch has no size on the other, and a factorisation tells none: rather ask a matrix
    // that is always there.
    let mut inputs = this.inputs.clone();
    inputs.retain(|leaf| graph.is_matrix(*leaf));
    inputs.sort_by_key(|leaf| !this.body.graph.node(*leaf).guards.is_empty());
    let is_here = |id: &Id| this.inputs.contains(id) || graph.integer_value(*id).is_some();
    for leaf in &inputs {
        let Some(shape) = graph.shape(*leaf) else {
            continue;
        };
        for (dim, own) in [
            (&shape.rows, Extent::Rows(*leaf)),
            (&shape.cols, Extent::Cols(*leaf)),
        ] {
            let Dim::Dynamic(number) = dim else { continue };
            let sources = graph.sources_of(dim);
            if !sources.iter().all(is_here) {
                graph.extents.borrow_mut()[*number as usize] = own;
            }
        }
    }
}

/// Whether something happens in these steps that the loops of derivatives, which need these values, do not do as well.
fn has_effect(steps: &[Placed], graph: &Graph, derived: &[Vec<bool>]) -> bool {
    steps.iter().any(|placed| match &placed.step {
        Step::Verbatim { .. } => true,
        // What it may panic at, it does so where it is repeated.
        Step::Let { names, .. } => !derived
            .iter()
            .any(|needed| is_repeated(steps, names, needed)),
        Step::Pin { pure, .. } => !pure,
        Step::Evaluate(id) => !derived
            .iter()
            .any(|needed| needed[id.0 as usize] || is_checked(graph, *id, needed)),
        Step::Fit(_) | Step::Leave { .. } => false,
        Step::Loop(id) => match graph.op(*id) {
            Op::Loop(number) => {
                let inner = graph.loops.get(number);
                has_effect(&inner.body.steps, &inner.body.graph, &[])
            }
            _ => false,
        },
        Step::Branch {
            then, otherwise, ..
        } => has_effect(then, graph, derived) || has_effect(otherwise, graph, derived),
    })
}

/// Whether a statement is repeated that binds these names, for values that are needed.
fn is_repeated(steps: &[Placed], names: &[Ident], needed: &[bool]) -> bool {
    steps.iter().any(|placed| match &placed.step {
        Step::Pin { leaf, tokens, .. } => {
            needed[leaf.0 as usize] && crate::ty::mentions(tokens.clone(), &|i| names.contains(i))
        }
        Step::Let {
            binds, names: of, ..
        } => of == names && binds.iter().any(|leaf| needed[leaf.0 as usize]),
        _ => false,
    })
}

/// Leaves out repeated statements whose names nothing reads.
fn leave_out_unread(lets: &[(Vec<Ident>, TokenStream)], statements: &mut Vec<TokenStream>) {
    for (names, tokens) in lets.iter().rev() {
        let text = tokens.to_string();
        let Some(at) = statements.iter().position(|s| s.to_string() == text) else {
            continue;
        };
        let reads = |s: &TokenStream| crate::ty::mentions(s.clone(), &|i| names.contains(i));
        if !statements[at + 1..].iter().any(reads) {
            statements.remove(at);
        }
    }
}

/// Whether the same index is checked where a part is added to a cotangent.
fn is_checked(graph: &Graph, id: Id, needed: &[bool]) -> bool {
    let (Op::Part(part), args) = (graph.op(id), graph.args(id)) else {
        return false;
    };
    (0..graph.count())
        .filter(|n| needed[*n as usize])
        .map(Id)
        .any(|other| {
            graph.op(other) == Op::Scatter(part.clone()) && graph.args(other)[1..] == args[1..]
        })
}
