//! Loops over the same iterations, which are written as one: a loop and those that were made of it, where nothing that
//! these read is known only after it. What they need of an iteration is at hand, and no record is kept of it.

use super::{Emit, Hold};
use crate::graph::{Elem, Id, Ids, Loop};
use crate::rules::Op;
use quote::quote;
use std::cell::RefCell;
use std::rc::Rc;

/// Loops that are written as one.
pub(super) struct Joined {
    pub(super) members: Vec<Id>,
    /// All that they carry and read. What they keep is in `kept`.
    pub(super) this: Loop,
    pub(super) args: Vec<Id>,
    /// How many of the variables that are carried are the first loop's.
    pub(super) own: usize,
    /// What is read of what is carried: its number and the part.
    pub(super) parts: Vec<(usize, Id)>,
    pub(super) kept: Vec<Kept>,
}

/// What one of the loops keeps of every iteration, for others.
pub(super) struct Kept {
    pub(super) of: Rc<Loop>,
    /// The number of that loop.
    pub(super) number: usize,
    pub(super) parts: Vec<Id>,
}

impl Emit<'_> {
    /// A loop, and those that are written with it: these count as computed.
    pub(super) fn join(&mut self, id: Id, first: &Rc<Loop>) -> Joined {
        let mut members = vec![(id, first.clone())];
        let around = self.joining.len();
        self.joining.push(id);
        for other in self.ids().filter(|other| *other > id) {
            if let Some(more) = self.joins_with(other, &members) {
                members.push((other, more));
            }
        }
        let ids: Vec<Id> = members.iter().map(|m| m.0).collect();
        // What the others read may be computed by loops that go with these as well, or read what these give.
        self.joining.extend(&ids[1..]);
        for other in &ids[1..] {
            for arg in self.inputs(*other) {
                if !self.is_record_of(arg, &ids) {
                    self.ensure_inputs(arg);
                }
            }
        }
        self.joining.truncate(around);
        // A branch that is written for another value as well may wait for one of the loops.
        self.cyclic |= ids.iter().any(|id| self.bound.contains_key(id));
        self.computed.extend(&ids);
        let mut this = (**first).clone();
        this.records = RefCell::default();
        let (carried, mut read) = (this.next.len(), this.inputs.split_off(this.next.len()));
        let args = self.args(id);
        let mut starts = args[..carried].to_vec();
        let (mut reads, names) = (
            args[carried..carried + read.len()].to_vec(),
            &args[carried + read.len()..],
        );
        let (mut parts, mut kept) = (Vec::new(), Vec::new());
        for (at, (member, of)) in members.iter().enumerate() {
            let (args, count) = (self.args(*member), of.next.len());
            let before = if at == 0 { 0 } else { this.next.len() };
            if at > 0 {
                this.inputs.extend(&of.inputs[..count]);
                this.next.extend(&of.next);
                starts.extend(&args[..count]);
                for (input, arg) in of.inputs[count..].iter().zip(&args[count..]) {
                    if !self.is_record_of(*arg, &ids) && !read.contains(input) {
                        read.push(*input);
                        reads.push(*arg);
                    }
                }
            }
            let mut records = Vec::new();
            for (number, part) in self.parts_of(*member) {
                if number < count {
                    parts.push((before + number, part));
                } else if self.uses[part.0 as usize]
                    .iter()
                    .any(|user| !ids.contains(user))
                    || self.outputs.contains(&part)
                {
                    records.push(part);
                } else {
                    self.bind(part, quote!(()), Hold::Scalar);
                }
            }
            if !records.is_empty() {
                let Op::Loop(number) = *self.op(*member) else {
                    continue;
                };
                kept.push(Kept {
                    of: of.clone(),
                    number,
                    parts: records,
                });
            }
        }
        this.inputs.extend(read);
        starts.extend(reads);
        starts.extend(names);
        Joined {
            members: ids,
            this,
            args: starts,
            own: carried,
            parts,
            kept,
        }
    }

    /// The live parts of what a loop gives, with their numbers.
    fn parts_of(&self, of: Id) -> Vec<(usize, Id)> {
        let live = self.ids().filter(|item| self.live[item.0 as usize]);
        let parts = live.filter_map(|item| match self.op(item) {
            Op::Item(part) if self.args(item).first() == Some(&of) => Some((part[0], item)),
            _ => None,
        });
        parts.collect()
    }

    fn is_record_of(&self, id: Id, loops: &[Id]) -> bool {
        let of = self.args(id).first();
        self.kind(id).elem == Elem::Records && of.is_some_and(|of| loops.contains(of))
    }

    /// The value of the body that is kept.
    fn recorded(&self, record: Id) -> Option<Id> {
        let (number, at) = self.program.graph.kept_by(record)?;
        let of = self.program.graph.loops.get(number);
        let records = of.records.borrow();
        records.get(at).copied()
    }

    /// A loop, if it is one that goes with these.
    fn joins_with(&self, id: Id, members: &[(Id, Rc<Loop>)]) -> Option<Rc<Loop>> {
        let (first, with) = &members[0];
        let may_join = self.live[id.0 as usize] && !self.way.alone;
        let this = self.loop_of(id).filter(|_| may_join)?;
        let here = Rc::ptr_eq(&this.body, &with.body)
            && !self.bound.contains_key(&id)
            && !self.computed.contains(&id)
            && !self.joining.contains(&id)
            && self.context[id.0 as usize] == self.context[first.0 as usize]
            && self.is_in_same_maps(id, *first);
        // What only adds up does so in any order.
        let adds_up = this.records.borrow().is_empty()
            && (0..this.next.len()).all(|k| this.adds_up(k, &this.next));
        if !here || this.backwards != with.backwards && !adds_up || with.is_left_midway() {
            return None;
        }
        let ids: Vec<Id> = members.iter().map(|m| m.0).collect();
        let inputs = this.inputs.iter().zip(self.args(id));
        // What was kept of an iteration is read under the same name as where it was computed.
        let agree = inputs.clone().all(|(input, arg)| {
            if self.is_record_of(*arg, &ids) {
                return self.recorded(*arg) == Some(*input);
            }
            members.iter().all(|(other, of)| {
                let known = of.inputs.iter().position(|i| i == input);
                known.is_none_or(|at| self.args(*other)[at] == *arg)
            })
        });
        let mut args = self
            .args(id)
            .iter()
            .filter(|arg| !self.is_record_of(**arg, &ids));
        (agree && args.all(|arg| self.is_known_before(*arg, &ids))).then_some(this)
    }

    /// Whether a value is computed without what these loops give, and without what the user computes after the first.
    fn is_known_before(&self, id: Id, loops: &[Id]) -> bool {
        let user_nodes = self.program.graph.user_nodes.get();
        let (mut pending, mut seen) = (vec![id], Ids::default());
        while let Some(id) = pending.pop() {
            if self.bound.contains_key(&id) || !seen.insert(id) {
                continue;
            }
            let later = id > loops[0] && id.0 < user_nodes && !matches!(self.op(id), Op::Const(_));
            if later || loops.contains(&id) || self.joining.contains(&id) {
                return false;
            }
            pending.extend(self.args(id));
            pending.extend(self.extents_of(id));
        }
        true
    }
}
