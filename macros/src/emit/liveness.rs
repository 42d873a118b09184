//! What is needed: the values that the outputs read, and what happens on the way.

use super::Emit;
use crate::graph::{Dim, Elem, Extent, Id, Placed, Step};
use crate::rules::{Op, Part};

impl Emit<'_> {
    pub(super) fn mark(&mut self, id: Id) {
        let mut pending = vec![id];
        while let Some(id) = pending.pop() {
            if !std::mem::replace(&mut self.live[id.0 as usize], true) {
                pending.extend(self.args(id).iter());
                pending.extend(self.extents_of(id));
                // The places of elements are read by their indices.
                pending.extend(self.program.graph.elements.borrow().get(&id));
            }
        }
    }

    /// The leaves that the size of a new matrix is read from.
    pub(super) fn extents_of(&self, id: Id) -> Vec<Id> {
        let dims = match self.op(id) {
            Op::Size(dim) => vec![dim.clone()],
            Op::Each => {
                let operand = self.shape(self.args(id)[1]);
                vec![operand.rows, operand.cols, self.shape(id).rows]
            }
            Op::Fill
            | Op::Identity
            | Op::Scatter(_)
            | Op::SpreadRows
            | Op::SpreadColumns
            | Op::Reshape
            | Op::FromDiagonal
            | Op::Place(_)
            | Op::Part(Part::Gathered(..) | Part::Element(..))
            | Op::Build => {
                let shape = self.shape(id);
                vec![shape.rows, shape.cols]
            }
            _ => return Vec::new(),
        };
        let sources = dims.iter().flat_map(|d| self.sources_of(d));
        sources.chain(self.counted(id)).collect()
    }

    /// What tells how many entries are added somewhere: they are gone through one by one, also where they are all the
    /// same.
    pub(super) fn counted(&self, id: Id) -> Vec<Id> {
        match self.op(id) {
            Op::Scatter(Part::Gathered(shape, _)) => self.program.graph.sources_of_shape(shape),
            _ => Vec::new(),
        }
    }

    /// The leaves that a size is read from.
    pub(super) fn sources_of(&self, dim: &Dim) -> Vec<Id> {
        self.program.graph.sources_of(dim)
    }

    pub(super) fn extent(&self, dim: &Dim) -> Option<Extent> {
        self.program.graph.extent(dim)
    }

    pub(super) fn find_live(&mut self) {
        for root in self.outputs.clone() {
            self.mark(root);
        }
        // What is kept of an iteration is computed where the user does so.
        for record in self.records.iter().copied().collect::<Vec<_>>() {
            for (cond, _) in self.own_guards(record) {
                self.mark(cond);
            }
        }
        let steps = self.program.steps.clone();
        // What one step needs may be what an earlier one gives.
        loop {
            let state = |e: &Self| {
                (
                    e.live.iter().filter(|l| **l).count(),
                    e.forced.len(),
                    e.anchors.len(),
                )
            };
            let before = state(self);
            self.mark_steps(&steps, false);
            if state(self) == before {
                break;
            }
        }
    }

    pub(super) fn find_differentiated(&mut self) {
        let live = self.ids().filter(|id| self.live[id.0 as usize]);
        let found = live.filter_map(|id| match self.op(id) {
            Op::Apply(number, by) if !by.is_empty() => Some(*number),
            _ => None,
        });
        self.differentiated = found.collect();
    }

    pub(super) fn mark_steps(&mut self, steps: &[Placed], followed: bool) {
        for (i, placed) in steps.iter().enumerate() {
            match &placed.step {
                Step::Verbatim { reads, .. } => reads.iter().for_each(|r| {
                    self.mark(*r);
                    self.forced.insert(*r);
                    self.named.insert(*r);
                }),
                Step::Pin {
                    leaf, reads, pure, ..
                } => {
                    if !pure || self.live[leaf.0 as usize] {
                        reads.iter().for_each(|r| {
                            self.mark(*r);
                            self.forced.insert(*r);
                            self.named.insert(*r);
                        });
                    }
                }
                Step::Evaluate(_) | Step::Fit(_) | Step::Let { .. } => {}
                Step::Loop(id) => {
                    if self.has_effect(&placed.step) {
                        self.mark(*id);
                        self.forced.insert(*id);
                    }
                }
                Step::Leave { cond, .. } => self.mark(*cond),
                Step::Branch {
                    select,
                    then,
                    otherwise,
                    ..
                } => {
                    let followed =
                        followed || steps[i + 1..].iter().any(|p| self.has_effect(&p.step));
                    self.mark_steps(then, followed);
                    self.mark_steps(otherwise, followed);
                    if self.has_effect(&placed.step) || self.is_checked_in(&placed.step) {
                        // What it gives may be dead, but what happens in it happens.
                        self.anchors.insert(*select);
                        self.mark(self.args(*select)[0]);
                    }
                }
            }
        }
        // What may panic does so even where nobody reads it, unless something live panics alike.
        let last = steps.iter().rposition(|p| {
            matches!(
                p.step,
                Step::Verbatim { .. } | Step::Pin { pure: false, .. }
            )
        });
        for (i, placed) in steps.iter().enumerate() {
            let followed = followed || last.is_some_and(|last| last > i);
            if let Step::Fit(id) = placed.step
                && self.program.graph.keeps_value.get()
                && !self.live[id.0 as usize]
            {
                self.mark(id);
                self.forced.insert(id);
            }
            if let Step::Evaluate(id) = placed.step
                && !self.live[id.0 as usize]
                && (followed || !self.checked_elsewhere(id))
            {
                self.mark(id);
                self.forced.insert(id);
            }
        }
    }

    /// What statements read is there when they are written: it is not moved before.
    pub(super) fn find_read_by_steps(&mut self, steps: &[Placed]) {
        for placed in steps {
            match &placed.step {
                Step::Verbatim { reads, .. } => self.unmovable.extend(reads),
                Step::Pin {
                    leaf, reads, pure, ..
                } if !pure || self.live[leaf.0 as usize] => match self.kind(*leaf).elem {
                    Elem::Int | Elem::Bool | Elem::Inert => reads
                        .iter()
                        .for_each(|r| *self.awaited.entry(*r).or_default() += 1),
                    _ => self.unmovable.extend(reads),
                },
                Step::Branch {
                    then, otherwise, ..
                } => {
                    self.find_read_by_steps(then);
                    self.find_read_by_steps(otherwise);
                }
                _ => {}
            }
        }
    }

    /// Whether a value has to stay where it is.
    pub(super) fn stays(&self, id: Id) -> bool {
        self.unmovable.contains(&id) || self.awaited.get(&id).is_some_and(|count| *count > 0)
    }

    pub(super) fn has_effect(&self, step: &Step) -> bool {
        match step {
            Step::Verbatim { .. } => true,
            Step::Pin { pure, leaf, .. } => !pure || self.live[leaf.0 as usize],
            Step::Evaluate(id) => self.forced.contains(id) || !self.live[id.0 as usize],
            Step::Fit(_) | Step::Let { .. } => false,
            Step::Leave { .. } => true,
            Step::Loop(id) => self.loop_has_effect(*id),
            Step::Branch {
                then, otherwise, ..
            } => then
                .iter()
                .chain(otherwise)
                .any(|p| self.has_effect(&p.step)),
        }
    }

    /// Whether sizes are compared on a side of a branch that nothing else compares.
    fn is_checked_in(&self, step: &Step) -> bool {
        match step {
            Step::Fit(id) => self.forced.contains(id),
            Step::Branch {
                then, otherwise, ..
            } => {
                let mut steps = then.iter().chain(otherwise);
                steps.any(|placed| self.is_checked_in(&placed.step))
            }
            _ => false,
        }
    }

    /// Whether writing into the gradient checks the same index.
    pub(super) fn checked_elsewhere(&self, id: Id) -> bool {
        let (Op::Part(part), args) = (self.op(id), self.args(id)) else {
            return false;
        };
        let whole = self.shape(args[0]);
        self.ids().any(|other| {
            self.live[other.0 as usize]
                && *self.op(other) == Op::Scatter(part.clone())
                && self.args(other)[1..] == args[1..]
                && self.shape(other) == whole
                && self.node(other).guards == self.node(id).guards
        })
    }
}
