//! What is fused: operations entry by entry that are one pass over the data, and what gets a name.

use super::Emit;
use crate::graph::{Argument, Elem, Id, IdMap, Ids, Shape};
use crate::rules::{Op, Part, Scalar};
use crate::ty::Passing;
use std::rc::Rc;

/// One pass over the data.
#[derive(Clone)]
pub(super) struct Pass {
    /// Its operations, in order.
    members: Rc<[Id]>,
    /// The matrices that it reads, in the order in which they are written.
    matrices: Vec<Id>,
    scalars: Vec<Id>,
    /// The matrices that it reads at other places than that of the entry, and what its size is read from.
    captured: Vec<Id>,
}

impl Emit<'_> {
    /// Decides which operations entry by entry are part of the passes that read them. What is written in place
    /// is computed in every pass that reads it: that is for what is cheap, and for what only some entries need.
    pub(super) fn find_clusters(&mut self) {
        let mut own_pass = Ids::default();
        loop {
            self.assign_passes(&own_pass);
            let passes: Vec<Id> = self.ids().filter(|id| self.is_pass(*id)).collect();
            let added = self.added_columns();
            // nalgebra's passes take up to three matrices: what reads more is made of several.
            let cuts = |root: &Id| self.cuts(*root, if added.contains(root) { 4 } else { 3 });
            let cuts: Vec<Id> = passes.iter().flat_map(cuts).collect();
            if cuts.is_empty() {
                self.passes = passes.into_iter().map(|p| (p, self.read_pass(p))).collect();
                return;
            }
            own_pass.extend(cuts);
        }
    }

    /// The passes over columns that are read once, to be added to the rows of a vector: as a loop if they read many.
    fn added_columns(&self) -> Ids {
        let mut readers: IdMap<Vec<Id>> = IdMap::default();
        for id in self.ids().filter(|id| self.live[id.0 as usize]) {
            for arg in self.args(id) {
                readers.entry(*arg).or_default().push(id);
            }
        }
        let added = readers.into_iter().filter(|(pass, readers)| {
            let rows =
                matches!(readers[..], [one] if matches!(self.op(one), Op::Scatter(Part::Rows)));
            rows && self.is_pass(*pass) && self.is_dynamic(*pass) && self.reads_columns(*pass)
        });
        added.map(|(pass, _)| pass).collect()
    }

    /// Whether a pass reads nothing but columns.
    pub(super) fn reads_columns(&self, root: Id) -> bool {
        let column = |id: &Id| self.kind(*id).shape.as_ref().is_some_and(Shape::is_column);
        column(&root) && self.matrices_of(root).iter().all(column)
    }

    fn read_pass(&self, root: Id) -> Pass {
        let members = self.find_members(root);
        let mut matrices = Vec::new();
        self.collect_matrices(root, root, &mut matrices, &mut Ids::default());
        let (mut scalars, mut captured) = (Vec::new(), Vec::new());
        for &member in &members {
            for &arg in self.args(member).iter().filter(|a| !self.is_inline(**a)) {
                let arg = if self.filled_inside(arg, root) {
                    self.args(arg)[0]
                } else {
                    arg
                };
                if self.kind(arg).shape.is_none() && !scalars.contains(&arg) {
                    scalars.push(arg);
                }
            }
            if self.is_positional(member) {
                let whole = self.args(member).first().filter(|a| self.is_matrix(**a));
                captured.extend(whole);
                captured.extend(self.extents_of(member));
            }
        }
        captured.sort();
        captured.dedup();
        Pass {
            members: members.into(),
            matrices,
            scalars,
            captured,
        }
    }

    fn assign_passes(&mut self, own_pass: &Ids) {
        let exported: Ids = self
            .groups
            .iter()
            .flat_map(|g| g.exports.iter().copied())
            .collect();
        let mut roots: Vec<Vec<Option<Id>>> = vec![Vec::new(); self.live.len()];
        let live: Vec<Id> = self
            .ids()
            .rev()
            .filter(|id| self.live[id.0 as usize])
            .collect();
        for id in live {
            let mut passes = std::mem::take(&mut roots[id.0 as usize]);
            if self.is_entrywise(id) {
                passes.sort();
                passes.dedup();
                let kept = self.outputs.contains(&id)
                    || self.forced.contains(&id)
                    || exported.contains(&id)
                    || own_pass.contains(&id)
                    || self.is_accumulation(id)
                    || passes.contains(&None)
                    || passes
                        .iter()
                        .flatten()
                        .any(|root| self.is_accumulation(*root));
                self.inline[id.0 as usize] = !kept
                    && (passes.len() == 1
                        || self.belongs_inside(id)
                        || self.is_positional(id)
                        || self.is_cheap(id, 2));
            }
            let readers = if self.is_positional(id) {
                vec![None]
            } else if self.inline[id.0 as usize] {
                passes
            } else {
                vec![self.is_entrywise(id).then_some(id)]
            };
            for &arg in self.args(id) {
                roots[arg.0 as usize].extend(readers.iter().copied());
            }
        }
    }

    /// What is needed for some entries only, and conditions: they are evaluated inside of a pass.
    pub(super) fn belongs_inside(&self, id: Id) -> bool {
        let node = self.node(id);
        node.kind.elem == Elem::Bool
            || node
                .guards
                .iter()
                .any(|g| self.kind(g.cond).shape.is_some())
    }

    /// A few sums and products of what is there already: computed again faster than stored.
    fn is_cheap(&self, id: Id, depth: usize) -> bool {
        if !self.is_matrix(id) || !self.is_entrywise(id) || self.is_positional(id) {
            return true;
        }
        let arithmetic = matches!(
            self.op(id),
            Op::Scalar(Scalar::Add | Scalar::Sub | Scalar::Mul | Scalar::Neg)
        );
        depth > 0
            && arithmetic
            && (self.is_dynamic(id) || self.args(id).iter().any(|a| self.is_positional(*a)))
            && self.args(id).iter().all(|a| self.is_cheap(*a, depth - 1))
            && self
                .args(id)
                .iter()
                .filter(|a| self.is_computed(**a))
                .count()
                <= 1
    }

    /// A matrix that is written into memory of its own. The sum of two such takes the place of one of them.
    fn is_computed(&self, id: Id) -> bool {
        self.is_matrix(id)
            && !self.is_entrywise(id)
            && !self.is_leaf(id)
            && !matches!(self.op(id), Op::Part(_))
    }

    /// The parts of a pass that become passes of their own, so that it reads no more than this many matrices.
    fn cuts(&self, root: Id, most: usize) -> Vec<Id> {
        if self.is_by_position(root) {
            return Vec::new();
        }
        let mut reads: IdMap<Vec<Id>> = IdMap::default();
        let mut cuts: Vec<Id> = Vec::new();
        for member in self.find_members(root) {
            loop {
                let mut matrices: Vec<Id> = Vec::new();
                let mut widest: Option<(usize, Id)> = None;
                for arg in self
                    .args(member)
                    .iter()
                    .copied()
                    .filter(|a| self.kind(*a).shape.is_some() && !self.filled_inside(*a, root))
                {
                    let inner = self.is_inline(arg) && !cuts.contains(&arg);
                    let below = if inner {
                        reads.get(&arg).cloned().unwrap_or_default()
                    } else {
                        vec![arg]
                    };
                    if inner && below.len() > 1 && !self.belongs_inside(arg) {
                        widest = widest.max(Some((below.len(), arg)));
                    }
                    for matrix in below {
                        if !matrices.contains(&matrix) {
                            matrices.push(matrix);
                        }
                    }
                }
                match widest {
                    Some((_, arg)) if matrices.len() > most => cuts.push(arg),
                    _ => {
                        reads.insert(member, matrices);
                        break;
                    }
                }
            }
        }
        cuts
    }

    /// Whether a value is computed inside of the passes that read it.
    pub(super) fn is_inline(&self, id: Id) -> bool {
        self.inline[id.0 as usize]
    }

    /// Whether a value is a pass over entries of its own.
    pub(super) fn is_pass(&self, id: Id) -> bool {
        self.live[id.0 as usize] && self.is_entrywise(id) && !self.is_inline(id)
    }

    /// Whether a pass reads the place of the entry.
    pub(super) fn is_by_position(&self, root: Id) -> bool {
        self.members_of(root).iter().any(|m| self.is_positional(*m))
    }

    /// The operations of a pass, in order.
    pub(super) fn members_of(&self, root: Id) -> Rc<[Id]> {
        match self.passes.get(&root) {
            Some(pass) => pass.members.clone(),
            None => self.find_members(root).into(),
        }
    }

    fn find_members(&self, root: Id) -> Vec<Id> {
        let mut members = vec![root];
        let mut next = 0;
        while next < members.len() {
            for &arg in self.args(members[next]) {
                if self.is_inline(arg) && !members.contains(&arg) {
                    members.push(arg);
                }
            }
            next += 1;
        }
        members.sort();
        members
    }

    /// A sum with parts that are added in place.
    pub(super) fn is_accumulation(&self, id: Id) -> bool {
        self.accumulates[id.0 as usize]
    }

    pub(super) fn find_accumulations(&mut self) {
        for id in self
            .ids()
            .filter(|id| self.live[id.0 as usize])
            .collect::<Vec<_>>()
        {
            let sum =
                matches!(self.op(id), Op::Scalar(Scalar::Add | Scalar::Sub)) && self.is_matrix(id);
            self.accumulates[id.0 as usize] = sum
                && self.args(id).iter().enumerate().any(|(k, a)| {
                    matches!(self.op(*a), Op::Scatter(_))
                        || self.is_accumulation(*a) && self.may_reorder(id, k)
                });
        }
        // What is added in place where it is read needs no size of its own.
        let mut readers: IdMap<Vec<Id>> = IdMap::default();
        for id in self.ids().filter(|id| self.live[id.0 as usize]) {
            let parts = self.args(id).iter();
            for part in parts.filter(|a| matches!(self.op(**a), Op::Scatter(_) | Op::Fill)) {
                readers.entry(*part).or_default().push(id);
            }
        }
        let adds = |id: Id| {
            self.is_accumulation(id) || matches!(self.op(id), Op::Scatter(_) | Op::Update(_))
        };
        // Beside nothing but parts, what is the same everywhere is what they are added to.
        let begins = |part: Id, reader: Id| {
            let mut others = self.args(reader).iter().filter(|a| **a != part);
            *self.op(part) == Op::Fill && others.all(|a| matches!(self.op(*a), Op::Scatter(_)))
        };
        let added = readers.into_iter().filter(|(part, readers)| {
            // What is changed there is a matrix of its own.
            let changed =
                |one: Id| matches!(self.op(one), Op::Update(_)) && self.args(one)[0] == *part;
            let once =
                matches!(readers[..], [one] if adds(one) && !begins(*part, one) && !changed(one));
            once && !self.outputs.contains(part)
        });
        self.sizeless = added.map(|(part, _)| part).collect();
    }

    /// The matrices that a cluster reads, in the order in which they are written.
    pub(super) fn matrices_of(&self, root: Id) -> Vec<Id> {
        match self.passes.get(&root) {
            Some(pass) => pass.matrices.clone(),
            None => self.read_pass(root).matrices,
        }
    }

    fn collect_matrices(&self, id: Id, root: Id, found: &mut Vec<Id>, seen: &mut Ids) {
        if !seen.insert(id) {
            return;
        }
        let args: &[Id] = if self.is_positional(id) {
            &[]
        } else {
            self.args(id)
        };
        for &arg in args {
            if self.is_inline(arg) {
                self.collect_matrices(arg, root, found, seen);
            } else if self.kind(arg).shape.is_some()
                && !found.contains(&arg)
                && !self.filled_inside(arg, root)
            {
                found.push(arg);
            }
        }
    }

    /// A matrix with one value everywhere, of the very shape of the cluster: that value does.
    pub(super) fn filled_inside(&self, id: Id, root: Id) -> bool {
        *self.op(id) == Op::Fill && self.shape(id) == self.shape(root)
    }

    /// What a written value reads.
    pub(super) fn inputs(&self, id: Id) -> Vec<Id> {
        match self.passes.get(&id) {
            Some(pass) if !self.is_accumulation(id) => {
                let read = pass.matrices.iter().chain(&pass.scalars);
                read.chain(&pass.captured).copied().collect()
            }
            _ if *self.op(id) == Op::Each => {
                let mut inputs = self.captured_by_map(id);
                inputs.push(self.args(id)[0]);
                inputs.extend(self.extents_of(id));
                inputs
            }
            _ if self.sizeless.contains(&id) => {
                let args = self.args(id).iter().copied();
                args.chain(self.counted(id)).collect()
            }
            _ if self.is_accumulation(id) && !self.begins_with_matrix(id) => {
                let shape = self.shape(id);
                let sizes = [&shape.rows, &shape.cols].map(|dim| self.sources_of(dim));
                let sizes = sizes.into_iter().flatten();
                let sizes = sizes.filter(|size| *size < id && !self.is_leaf(*size));
                self.needs(id).into_iter().chain(sizes).collect()
            }
            _ => self.needs(id),
        }
    }

    /// Whether a term of a sum with parts is a matrix to which the others are added: else one is made, of the right size.
    fn begins_with_matrix(&self, sum: Id) -> bool {
        self.args(sum).iter().any(|term| match self.op(*term) {
            Op::Scatter(_) | Op::Fill => false,
            _ if self.is_accumulation(*term) => self.begins_with_matrix(*term),
            _ => self.is_matrix(*term),
        })
    }

    /// The matrices that may be changed where they are: a view of one does not outlive the statement.
    pub(super) fn find_changing(&mut self) {
        let mut changing = self.carried.clone();
        for id in self.ids().filter(|id| self.live[id.0 as usize]) {
            match self.op(id) {
                Op::Update(_) => {
                    changing.insert(self.args(id)[0]);
                }
                Op::Scalar(Scalar::Add | Scalar::Sub) if self.is_matrix(id) => {
                    let added = |a: &Id| matches!(self.op(*a), Op::Scatter(_));
                    if self.is_accumulation(id) || self.args(id).iter().any(added) {
                        changing.extend(self.args(id));
                    }
                }
                _ => {}
            }
        }
        // What a branch gives of such a value is such a value.
        for id in self.ids().filter(|id| self.live[id.0 as usize]) {
            if self.is_branch(id) && self.args(id)[1..].iter().any(|a| changing.contains(a)) {
                changing.insert(id);
            }
        }
        self.changing = changing;
    }

    pub(super) fn count_uses(&mut self) {
        for id in self.ids() {
            if !self.live[id.0 as usize] || self.is_inline(id) {
                continue;
            }
            for input in self.inputs(id) {
                self.uses[input.0 as usize].push(id);
            }
            let captured = self.passes.get(&id).map(|p| p.captured.clone());
            for whole in captured.unwrap_or_default() {
                self.forced.insert(whole);
                self.unmovable.insert(whole);
            }
            if let Op::Part(part) = self.op(id)
                && part.is_view()
            {
                // A view borrows: what it is a view of needs a name, and stays.
                let whole = self.args(id)[0];
                self.forced.insert(whole);
                if !self.changing.contains(&whole) {
                    self.unmovable.insert(whole);
                }
            }
            match self.op(id) {
                Op::SpreadRows | Op::SpreadColumns | Op::ScaleRows => {
                    self.forced.insert(self.args(id)[0]);
                }
                Op::ScaleColumns => {
                    self.forced.insert(self.args(id)[1]);
                }
                Op::Call(number) => {
                    // Behind a reference is a variable: a pullback may keep the reference.
                    let calls = self.program.graph.calls.borrow();
                    let mut pending: Vec<&Argument> = calls[*number].arguments.iter().collect();
                    while let Some(argument) = pending.pop() {
                        match argument {
                            Argument::Value {
                                at,
                                passing: Passing::Reference | Passing::View,
                                ..
                            }
                            | Argument::Whole {
                                at,
                                by_reference: true,
                                given: None,
                                ..
                            } => {
                                self.forced.insert(self.args(id)[*at]);
                                self.unmovable.insert(self.args(id)[*at]);
                            }
                            Argument::Tuple {
                                parts, given: None, ..
                            } => pending.extend(parts),
                            _ => {}
                        }
                    }
                }
                Op::Loop(number) => {
                    // What an iteration reads has its name.
                    let carried = self.program.graph.loops.get(*number).next.len();
                    self.forced.extend(&self.args(id)[carried..]);
                    self.named.extend(&self.args(id)[carried..]);
                }
                Op::Each => {
                    let captured = self.captured_by_map(id);
                    self.forced.extend(&captured);
                    self.unmovable.extend(&captured);
                }
                _ => {}
            }
        }
        for id in self.ids() {
            // Added in several places, each time from what it is made of.
            if matches!(self.op(id), Op::Scatter(_)) && self.uses[id.0 as usize].len() > 1 {
                self.unmovable.insert(self.args(id)[0]);
            }
        }
        for id in self.ids().collect::<Vec<_>>() {
            if self.live[id.0 as usize] && !self.is_folded(id) && self.temporary_of(id).is_some() {
                self.overwriting.insert(id);
            }
        }
        for id in self.ids() {
            let outputs = self.outputs.iter().filter(|o| **o == id).count();
            self.remaining[id.0 as usize] = self.uses[id.0 as usize].len() + outputs;
        }
    }

    /// What tells these shapes is not moved into the result.
    pub(super) fn keep_sizes(&mut self, shapes: &[Shape]) {
        for shape in shapes {
            let sources = [&shape.rows, &shape.cols].map(|dim| self.sources_of(dim));
            let computed = sources.into_iter().flatten();
            let computed = computed.filter(|s| !self.is_leaf(*s));
            self.unmovable.extend(computed.collect::<Vec<_>>());
        }
    }

    /// Whether a value gets a name of its own.
    pub(super) fn gets_name(&self, id: Id) -> bool {
        let elsewhere = self.mapped.contains(&id) != self.in_map;
        if elsewhere || self.is_leaf(id) || self.is_inline(id) || self.is_added_in_place(id) {
            return false;
        }
        if self.forced.contains(&id)
            || self.bound.contains_key(&id)
            || self.op(id).is_opaque()
            || self.group_of.contains_key(&id)
            || self.overwriting.contains(&id)
        {
            return true;
        }
        let outputs = self.outputs.iter().filter(|o| **o == id).count();
        let mut users: Vec<(Option<usize>, Id)> = self.uses[id.0 as usize]
            .iter()
            .map(|u| {
                (
                    self.group_of
                        .get(u)
                        .filter(|g| self.groups[**g].cond == id)
                        .copied(),
                    *u,
                )
            })
            .collect();
        users.dedup_by(|a, b| a.0.is_some() && a.0 == b.0);
        let uses = users.len() + outputs;
        let trivial = matches!(self.op(id), Op::Size(_)) || self.is_plain_entry(id);
        let named = self.program.graph.names.borrow().contains_key(&id) && outputs == 0;
        let captured = self.uses[id.0 as usize].iter().any(|u| {
            self.is_pass(*u)
                && self.kind(*u).shape.is_some()
                && self.kind(id).shape.is_none()
                && !self.is_simple(id, 0)
        });
        // A pullback that is called again does not compute it again.
        let kept = !self.is_in_pullback(self.context[id.0 as usize])
            && (self.pulled.contains(&id)
                || self.uses[id.0 as usize]
                    .iter()
                    .any(|u| self.is_in_pullback(self.context[u.0 as usize])));
        // What is read outside of the branch that computes it is handed out of that.
        let home = self.context[id.0 as usize];
        let outside = |user: &Id| {
            let place = self.context[user.0 as usize];
            place != home && self.is_within(home, place) && !self.is_branch(*user)
        };
        let handed_out = self.way.apart && self.uses[id.0 as usize].iter().any(outside);
        (uses > 1 && !trivial)
            || handed_out
            || named
            || captured
            || (kept && !trivial)
            || (uses > 0 && (self.must_name(id) || self.is_changed_in_place(id)))
    }

    pub(super) fn must_name(&self, id: Id) -> bool {
        matches!(self.op(id), Op::Update(_))
            || (matches!(self.op(id), Op::Scatter(_)) || self.is_accumulation(id))
                && !self.is_written_by_entries(id)
    }

    /// A part that is added where it belongs; one that has been computed already is a matrix: what it is made of may have
    /// changed since.
    pub(super) fn is_unwritten_part(&self, id: Id) -> bool {
        matches!(self.op(id), Op::Scatter(_)) && !self.bound.contains_key(&id)
    }

    /// A part that the only value that reads it adds in place.
    pub(super) fn is_added_in_place(&self, id: Id) -> bool {
        let part = matches!(self.op(id), Op::Scatter(_));
        if !part && !self.is_accumulation(id)
            || self.outputs.contains(&id)
            || self.forced.contains(&id)
        {
            return false;
        }
        match self.uses[id.0 as usize][..] {
            [user] if part && self.is_accumulation(user) => true,
            [user] => match self.op(user) {
                Op::Scatter(of) => part || of.is_view() && self.is_made_of_parts(id),
                _ => {
                    let at = self.args(user).iter().position(|a| *a == id);
                    self.is_accumulation(user) && at.is_some_and(|k| self.may_reorder(user, k))
                }
            },
            _ => false,
        }
    }

    /// A sum of nothing but parts.
    pub(super) fn is_made_of_parts(&self, id: Id) -> bool {
        let mut terms = Vec::new();
        self.terms(id, false, &mut terms);
        terms.iter().all(|t| matches!(self.op(t.0), Op::Scatter(_)))
    }

    /// A small vector all of whose parts are entries at known places: it is written as such.
    pub(super) fn is_written_by_entries(&self, id: Id) -> bool {
        if !matches!(self.op(id), Op::Scatter(_)) && !self.is_accumulation(id) {
            return false;
        }
        let Some(length) = self
            .shape(id)
            .entries()
            .filter(|n| *n <= 6 && self.shape(id).is_vector())
        else {
            return false;
        };
        let mut terms = Vec::new();
        self.terms(id, false, &mut terms);
        terms.iter().all(|(term, _)| {
            *self.op(*term) == Op::Scatter(Part::Entry)
                && self
                    .program
                    .graph
                    .integer_value(self.args(*term)[1])
                    .is_some_and(|i| i < length)
        })
    }

    /// `x[2]` reads as well as a name.
    pub(super) fn is_plain_entry(&self, id: Id) -> bool {
        matches!(self.op(id), Op::Part(Part::Entry | Part::EntryAt))
            && self.is_leaf(self.args(id)[0])
            // What a loop carries may be changed in place before it is read again.
            && !self.carried.contains(&self.args(id)[0])
            && !self.changing.contains(&self.args(id)[0])
    }

    /// A scalar that may stand inside the closure of a pass: it is cheap, and mentions no matrix.
    pub(super) fn is_simple(&self, id: Id, depth: usize) -> bool {
        match self.op(id) {
            Op::Leaf(_) | Op::Const(_) => true,
            Op::Scalar(Scalar::Add | Scalar::Sub | Scalar::Mul | Scalar::Div | Scalar::Neg)
                if depth < 2 =>
            {
                self.uses[id.0 as usize].len() <= 1
                    && self.args(id).iter().all(|a| self.is_simple(*a, depth + 1))
            }
            _ => false,
        }
    }
}
