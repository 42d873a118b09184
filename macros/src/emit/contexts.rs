//! Where a value is computed: in the function, in its pullback, or on the one side of a branch that needs it.

use super::{Context, Decided, Emit, Group, PULLBACK};
use crate::graph::{Guard, Id, IdMap, Ids, Placed, Step};
use crate::rules::Op;

impl Emit<'_> {
    pub(super) fn find_contexts(&mut self) {
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.live.len()];
        for root in self.outputs.clone() {
            if self.records.contains(&root) {
                continue;
            }
            let pulled = self.pulled.contains(&root);
            users[root.0 as usize].push(if pulled { PULLBACK } else { 0 });
        }
        self.find_owners(&self.program.steps.clone());
        self.place_steps(&self.program.steps.clone(), 0, &mut users);
        let branches = self.branch_steps(&self.program.steps);
        self.last_step = self.find_last_step(&self.program.steps);
        self.first_with_tangent = self.find_first_with_tangent();
        let mut parts: IdMap<Vec<(Id, Vec<usize>)>> = IdMap::default();
        self.find_bound_on_sides(&self.program.steps.clone(), &[]);
        let needed = self.needed_guards(&|_| true);
        let strict = self.strict_guards();
        let maps = self.maps_around();
        for id in self.with_inputs_first().into_iter().rev() {
            if !self.live[id.0 as usize] && !branches.contains_key(&id) {
                continue;
            }
            let mut used = std::mem::take(&mut users[id.0 as usize]);
            for place in &mut used {
                *place = self.outside_of_maps(*place, id);
            }
            // What is kept of every iteration is there wherever the user computes it, also if no branch needs it: a
            // derivative divides by it.
            if self.records.contains(&id) {
                let guards = &needed[id.0 as usize];
                let place = self.first_place(guards);
                if self.satisfies(place, guards) {
                    used.push(place);
                }
            }
            if let (Op::Item(_), Some(&of)) = (self.op(id), self.args(id).first()) {
                // A part of what a call returns is bound where that is.
                users[of.0 as usize].extend(&used);
                parts.entry(of).or_default().push((id, used));
                continue;
            }
            // What a call gives that is looked at is bound where that is made.
            if let Some(call) = self.comes_with(id).or_else(|| self.attempt_of(id)) {
                users[call.0 as usize].extend(&used);
                parts.entry(call).or_default().push((id, used));
                continue;
            }
            // Maps in several places compute it each for itself.
            let around = maps.get(&id).into_iter().flatten();
            let mut around = around.map(|map| self.context[map.0 as usize]);
            let first = around.next();
            if first.is_some_and(|first| around.any(|other| other != first)) && !self.is_branch(id)
            {
                let common = used.iter().copied().reduce(|a, b| self.common(a, b));
                for place in [id]
                    .into_iter()
                    .chain(parts.remove(&id).into_iter().flatten().map(|p| p.0))
                {
                    self.context[place.0 as usize] = common.unwrap_or(0);
                }
                for needed in self.needs(id) {
                    users[needed.0 as usize].extend(&used);
                }
                continue;
            }
            let mut guards = strict[id.0 as usize].clone();
            if self.is_branch(id) {
                let more = self.guards_of_sides(id);
                guards.extend(
                    more.into_iter()
                        .filter(|guard| !strict[id.0 as usize].contains(guard)),
                );
            }
            // What a statement binds is where that statement is.
            let bound = self.homes.get(&id).or(self.loops_at.get(&id)).copied();
            let common = used
                .iter()
                .copied()
                .chain(bound)
                .reduce(|a, b| self.common(a, b))
                .unwrap_or_else(|| self.first_place(&guards));
            if !self.satisfies(common, &guards) && self.is_entrywise(id) && self.belongs_inside(id)
            {
                // It is computed inside of each pass that reads it, wherever that is.
                self.context[id.0 as usize] = common;
                for &arg in self.args(id) {
                    users[arg.0 as usize].extend(used.iter().copied());
                }
                continue;
            }
            // Each of the branches that need it computes it for itself.
            let all = &needed[id.0 as usize];
            if !self.satisfies(common, all)
                && bound.is_none()
                && self.may_be_computed_again(id)
                && used.iter().all(|place| self.satisfies(*place, all))
            {
                self.context[id.0 as usize] = common;
                self.again.insert(id, used.clone());
                for needed in self.needs(id) {
                    users[needed.0 as usize].extend(&used);
                }
                continue;
            }
            let mut context = common;
            // What sides that exclude each other need, none can hand out: it is computed before them, where that does no
            // harm.
            let before = bound.is_none()
                && !self.satisfies(common, &guards)
                && self.exclude(&used)
                && self.is_harmless(id, common, &used, &strict);
            if before {
            } else if bound.is_some_and(|home| home != common) || !self.satisfies(common, &guards) {
                // Computed in the first branch that needs it and is taken whenever one of the others is, and handed out
                // from there.
                let further_out = |mut home: usize| {
                    while self.contexts[home].parent != home
                        && self.satisfies(self.contexts[home].parent, &guards)
                    {
                        home = self.contexts[home].parent;
                    }
                    home
                };
                // Elsewhere it is read for nothing.
                let guarded: Vec<usize> = used
                    .iter()
                    .copied()
                    .filter(|c| self.satisfies(*c, &guards))
                    .collect();
                let is_taken = |home: usize| {
                    let needed = &self.contexts[home].guards;
                    guarded.iter().all(|user| self.satisfies(*user, needed))
                };
                // What is read outside of these branches too is computed before all that may wait for it.
                let before_all = self.way.apart && guarded.len() < used.len();
                let home = bound.or_else(|| {
                    if before_all {
                        return None;
                    }
                    // Rather outside of a map of columns than in it.
                    let outside = |c: usize| {
                        let group = self.contexts[c].group.map(|g| &self.groups[g].members);
                        let member = group.and_then(|members| members.first());
                        // In a branch of its own there are none.
                        member.is_none_or(|member| self.is_in_same_maps(*member, id))
                    };
                    guarded
                        .iter()
                        .copied()
                        // As far out as the conditions still hold.
                        .map(further_out)
                        // A pullback hands nothing out.
                        .filter(|c| !self.is_in_pullback(*c) || self.is_in_pullback(common))
                        .filter(|c| {
                            is_taken(*c)
                                && (self.way.apart || self.may_hand_out(*c, common, &guards, &used))
                        })
                        .map(|c| (outside(c), c))
                        .max_by_key(|(outside, c)| {
                            // The branch that holds it, among those that need it, is written first.
                            let rank =
                                |at: usize| self.contexts[at].group.map(|g| self.groups[g].rank);
                            let first = rank(self.outermost(*c, common));
                            (*outside, first.filter(|_| !self.way.apart), rank(*c))
                        })
                        .map(|(_, home)| home)
                });
                // What reads a factorisation is on the side that has it, wherever it is read itself; so is what is kept.
                let is_factor = |arg: &Id| self.kind(*arg).shape.is_some() && !self.is_matrix(*arg);
                // A matrix that is handed out of a branch that is not taken has no entries.
                let lacks = |arg: &Id| {
                    let there = self.satisfies(common, &strict[arg.0 as usize]);
                    self.lacks(*arg, common) || self.is_dynamic(*arg) && !there
                };
                let lacks = self.args(id).iter().any(lacks);
                // What may panic is read where the user does so.
                let panics = |arg: &Id| {
                    let there = self.satisfies(common, &strict[arg.0 as usize]);
                    self.program.graph.may_panic(*arg) && !there
                };
                let panics = self.args(id).iter().any(panics);
                let elsewhere = lacks
                    || panics
                    || self.args(id).iter().any(is_factor)
                    || self.records.contains(&id)
                    || !guarded.is_empty()
                    || self.is_branch(id) && !guards.is_empty();
                if home.is_none() && elsewhere && !self.way.apart {
                    // Before all of them, if it is there.
                    let op = self.op(id);
                    let is_number = self.kind(id).shape.is_none();
                    if lacks || !is_number || self.program.graph.may_panic(id) || op.is_opaque() {
                        self.cyclic = true;
                    }
                } else if home.is_some() || elsewhere {
                    // Where each of them may be the only one that is taken, in a branch of its own before them.
                    context =
                        home.unwrap_or_else(|| self.branch_for(id, common, &guards, &mut users));
                    self.hand_out(id, context, common);
                }
            }
            context = self.early(id, context, &guards, &needed);
            self.context[id.0 as usize] = context;
            if self.records.contains(&id) {
                self.hand_out(id, context, 0);
            }
            let mut all = parts.remove(&id).unwrap_or_default();
            while let Some((part, used)) = all.pop() {
                all.extend(parts.remove(&part).unwrap_or_default());
                self.context[part.0 as usize] = context;
                let kept = self.records.contains(&part).then_some(0);
                let places = used.into_iter().chain([context]).chain(kept);
                let common = places.reduce(|a, b| self.common(a, b));
                self.hand_out(part, context, common.unwrap_or(context));
                for id in self.extents_of(part) {
                    users[id.0 as usize].push(context);
                }
            }
            if self.is_branch(id) {
                let steps = branches.get(&id).cloned();
                self.join_group(id, context, steps, &mut users);
            } else {
                for input in self.needs(id) {
                    users[input.0 as usize].push(context);
                }
            }
        }
        self.within = vec![Vec::new(); self.contexts.len()];
        self.reached = vec![0; self.contexts.len()];
        for id in self.ids().filter(|id| self.live[id.0 as usize]) {
            let mut places = match self.again.get(&id) {
                Some(places) => places.clone(),
                None => vec![self.context[id.0 as usize]],
            };
            places.sort();
            places.dedup();
            for place in places {
                self.within[place].push(id);
            }
        }
    }

    /// Whether a value may be computed in several places: nothing happens then, and nothing is changed.
    fn may_be_computed_again(&self, id: Id) -> bool {
        self.way.again
            && !self.is_branch(id)
            && !self.op(id).is_opaque()
            && !self.is_leaf(id)
            && !self.records.contains(&id)
            && !self.must_name(id)
            && !self.is_changed_in_place(id)
            && !matches!(self.op(id), Op::Update(_))
    }

    /// The place for what is read there, but before the closures of maps of columns in which it is not computed.
    fn outside_of_maps(&self, mut place: usize, id: Id) -> usize {
        let group = |place: usize| self.contexts[place].group.map(|g| &self.groups[g].members);
        let in_other_map = |place: usize| {
            let member = group(place).and_then(|members| members.first());
            let other = |map: &Ids| member.is_some_and(|m| map.contains(m)) && !map.contains(&id);
            self.maps.iter().any(other)
        };
        while in_other_map(place) {
            place = self.contexts[place].parent;
        }
        place
    }

    /// What is read of branches in places where it is known which side of them was taken: the value of that side.
    pub(super) fn decided(&self) -> Vec<Decided> {
        let mut found = Vec::new();
        for reader in self.ids().filter(|id| self.live[id.0 as usize]) {
            for (at, arg) in self.args(reader).iter().enumerate() {
                if !self.is_branch(*arg) {
                    continue;
                }
                let [cond, then, otherwise] = self.args(*arg)[..] else {
                    continue;
                };
                let known = |side: &bool| self.is_known_at(reader, at, (cond, *side));
                let Some(side) = [true, false].into_iter().find(known) else {
                    continue;
                };
                let value = if side { then } else { otherwise };
                if self.is_alike(value, *arg) {
                    let guard = (cond, side);
                    found.push(Decided {
                        reader,
                        at,
                        value,
                        guard,
                    });
                }
            }
        }
        found
    }

    /// Whether two values are of one type.
    fn is_alike(&self, a: Id, b: Id) -> bool {
        let (a, b) = (self.kind(a), self.kind(b));
        let shapes = match (&a.shape, &b.shape) {
            (Some(a), Some(b)) => a.same_type(b),
            (a, b) => a.is_none() && b.is_none(),
        };
        a.elem == b.elem && shapes
    }

    /// Whether a condition holds where an argument is read.
    fn is_known_at(&self, reader: Id, at: usize, guard: (Id, bool)) -> bool {
        let on_side = self.is_branch(reader) && at > 0;
        let around = &self.contexts[self.context[reader.0 as usize]].guards;
        around.contains(&guard) || on_side && (self.args(reader)[0], at == 1) == guard
    }

    /// Whether it is still known, now that something else is read.
    pub(super) fn still_holds(&self, known: &Decided) -> bool {
        !self.live[known.reader.0 as usize] || self.is_known_at(known.reader, known.at, known.guard)
    }

    /// What must be there before a value is computed.
    pub(super) fn needs(&self, id: Id) -> Vec<Id> {
        let mut needed = match self.op(id).is_call() {
            true => self.inputs_of_call(id),
            false => self.args(id).to_vec(),
        };
        needed.extend(self.extents_of(id));
        // The places of elements are read by their indices.
        let elements = self.program.graph.elements.borrow();
        let indices: Vec<Id> = needed
            .iter()
            .chain([&id])
            .filter_map(|at| elements.get(at))
            .copied()
            .collect();
        needed.extend(indices);
        needed
    }

    /// All values, each after what it needs: the tangent that comes with a call needs directions that have larger
    /// numbers than the call.
    fn with_inputs_first(&self) -> Vec<Id> {
        let mut done = vec![false; self.nodes.len()];
        let mut order = Vec::new();
        for id in self.ids() {
            let mut pending = vec![(id, false)];
            while let Some((id, complete)) = pending.pop() {
                if complete {
                    order.push(id);
                } else if !std::mem::replace(&mut done[id.0 as usize], true) {
                    pending.push((id, true));
                    let mut needed = self.needs(id);
                    needed.sort();
                    pending.extend(needed.into_iter().rev().map(|id| (id, false)));
                }
            }
        }
        order
    }

    /// The branches in which the user computes a value.
    pub(super) fn own_guards(&self, id: Id) -> Vec<(Id, bool)> {
        let guards = self.program.graph.node(id).guards;
        let whole = guards.iter().filter(|g| self.kind(g.cond).shape.is_none());
        // One that always holds is none.
        let always = |g: &Guard| self.program.graph.expr(g.cond).decided() == Some(g.side);
        whole
            .filter(|g| !always(g))
            .map(|g| (g.cond, g.side))
            .collect()
    }

    /// The outermost place in which these conditions hold.
    fn first_place(&self, guards: &[(Id, bool)]) -> usize {
        let places = (0..self.contexts.len()).filter(|c| self.satisfies(*c, guards));
        let outermost = places.min_by_key(|c| self.contexts[*c].depth);
        outermost.unwrap_or(0)
    }

    /// Whether a value is needed nowhere where a branch that it would be handed out of takes the other side.
    fn may_hand_out(
        &self,
        home: usize,
        common: usize,
        guards: &[(Id, bool)],
        used: &[usize],
    ) -> bool {
        let mut at = home;
        while at != common && self.contexts[at].depth > self.contexts[common].depth {
            let Some(group) = self.contexts[at].group else {
                break;
            };
            let taken = (self.groups[group].cond, self.groups[group].sides[0] == at);
            let needed_here = |place: &usize| self.satisfies(*place, &[taken]);
            if !guards.contains(&taken) && !used.iter().all(needed_here) {
                return false;
            }
            at = self.groups[group].context;
        }
        true
    }

    /// The conditions under which statements bind what they bind.
    fn find_bound_on_sides(&mut self, steps: &[Placed], guards: &[(Id, bool)]) {
        for placed in steps {
            match &placed.step {
                Step::Verbatim { binds, .. } => {
                    let bound = binds.iter().map(|leaf| (*leaf, guards.to_vec()));
                    self.kept_on_sides.extend(bound);
                }
                Step::Pin { leaf, .. } => {
                    self.kept_on_sides.insert(*leaf, guards.to_vec());
                }
                Step::Branch {
                    select,
                    then,
                    otherwise,
                    ..
                } => {
                    let cond = self.args(*select)[0];
                    for (side, steps) in [(true, then), (false, otherwise)] {
                        let inside = [guards, &[(cond, side)]].concat();
                        self.find_bound_on_sides(steps, &inside);
                    }
                }
                _ => {}
            }
        }
    }

    /// The conditions under which all is there that a value is computed of and that no other place has: a branch that is
    /// not taken hands out no matrix of the right size, and no factorisation; what may panic is not handed out, but
    /// computed where it is read.
    pub(super) fn strict_guards(&self) -> Vec<Vec<(Id, bool)>> {
        self.needed_guards(&|arg| {
            let is_number = self.kind(arg).shape.is_none();
            self.is_dynamic(arg)
                || !is_number && !self.is_matrix(arg)
                || self.program.graph.may_panic(arg)
        })
    }

    /// The conditions under which all of some kind is there that a value is computed of.
    fn needed_guards(&self, of: &dyn Fn(Id) -> bool) -> Vec<Vec<(Id, bool)>> {
        let mut needed: Vec<Vec<(Id, bool)>> = Vec::new();
        for id in self.ids() {
            let mut all = self.own_guards(id);
            let args = self.args(id);
            // Of what its sides are computed, each sees to itself.
            let read = if self.is_branch(id) { &args[..1] } else { args };
            // A length that a statement on a side binds is not known elsewhere.
            for size in self.extents_of(id) {
                let kept = self.kept_on_sides.get(&size).into_iter().flatten();
                for guard in kept {
                    if !all.contains(guard) {
                        all.push(*guard);
                    }
                }
            }
            for arg in read.iter().filter(|arg| of(**arg)) {
                let kept = self.kept_on_sides.get(arg).into_iter().flatten();
                for guard in needed[arg.0 as usize].iter().chain(kept) {
                    if !all.contains(guard) {
                        all.push(*guard);
                    }
                }
            }
            needed.push(all);
        }
        needed
    }

    /// A branch of its own for a value, within a place: its side where these conditions hold.
    fn branch_for(
        &mut self,
        id: Id,
        place: usize,
        guards: &[(Id, bool)],
        users: &mut [Vec<usize>],
    ) -> usize {
        let mut at = place;
        for (cond, side) in guards {
            if self.contexts[at].guards.contains(&(*cond, *side)) {
                continue;
            }
            let known = (0..self.groups.len()).find(|g| {
                let group = &self.groups[*g];
                group.context == at
                    && group.cond == *cond
                    && group.members.is_empty()
                    && !self.waits_outside(group.sides, id)
            });
            let number = known.unwrap_or_else(|| {
                self.ranks += 1;
                self.new_group(at, *cond, self.ranks)
            });
            users[cond.0 as usize].push(at);
            at = self.groups[number].sides[usize::from(!*side)];
        }
        at
    }

    /// Whether something in these places needs a value by way of something outside of them.
    fn waits_outside(&self, places: [usize; 2], value: Id) -> bool {
        let inside = |id: Id| {
            let at = self.context[id.0 as usize];
            let mut places = places.iter();
            places.any(|place| at == *place || self.is_within(at, *place))
        };
        let above = self
            .ids()
            .filter(|id| *id > value && self.live[id.0 as usize]);
        let mut seen = Ids::default();
        let mut outside = Vec::new();
        for id in above.filter(|id| inside(*id)) {
            for arg in self.needs(id) {
                if arg > value && !inside(arg) && seen.insert(arg) {
                    outside.push(arg);
                }
            }
        }
        while let Some(id) = outside.pop() {
            for arg in self.needs(id) {
                if arg == value {
                    return true;
                }
                if arg > value && seen.insert(arg) {
                    outside.push(arg);
                }
            }
        }
        false
    }

    /// A branch on this condition, with a place on each side.
    fn new_group(&mut self, context: usize, cond: Id, rank: usize) -> usize {
        let number = self.groups.len();
        let first = self.contexts.len();
        for side in [true, false] {
            let mut guards = self.contexts[context].guards.clone();
            guards.push((cond, side));
            self.contexts.push(Context {
                parent: context,
                depth: self.contexts[context].depth + 1,
                guards,
                group: Some(number),
            });
        }
        self.groups.push(Group {
            cond,
            context,
            rank,
            sides: [first, first + 1],
            members: Vec::new(),
            exports: Vec::new(),
            steps: [Vec::new(), Vec::new()],
            written: false,
        });
        number
    }

    /// Hands a value out of the branches between where it is computed and where it is needed.
    fn hand_out(&mut self, id: Id, home: usize, common: usize) {
        let mut at = home;
        while at != common && self.contexts[at].depth > self.contexts[common].depth {
            let Some(group) = self.contexts[at].group else {
                break;
            };
            self.groups[group].exports.push(id);
            at = self.groups[group].context;
        }
    }

    /// Whether what a statement binds on a side may belong to the branch that needs it, and not to one before.
    fn is_bound_beside(&self, guards: &[(Id, bool)], place: usize, used: &[usize]) -> bool {
        let count = guards.iter().take_while(|g| self.satisfies(place, &[**g]));
        let (outside, inside) = guards.split_at(count.count());
        let mut home = place;
        while home != 0 && self.satisfies(self.contexts[home].parent, outside) {
            home = self.contexts[home].parent;
        }
        let Some((cond, _)) = inside.first() else {
            return false;
        };
        used.iter().any(|place| {
            let mut at = *place;
            while let Some(group) = self.contexts[at].group {
                let group = &self.groups[group];
                if group.cond == *cond && group.context == home {
                    return true;
                }
                at = group.context;
            }
            false
        })
    }

    /// The side of a branch in this place that holds another place.
    fn outermost(&self, inner: usize, place: usize) -> usize {
        let mut at = inner;
        while self.contexts[at].depth > self.contexts[place].depth + 1 {
            at = self.contexts[at].parent;
        }
        at
    }

    /// Whether a number can be computed in this place although the user computed it on a side of a branch: nothing of
    /// what it is computed from panics, does something, is bound on that side, or is more than a number.
    fn is_harmless(
        &self,
        id: Id,
        place: usize,
        used: &[usize],
        needed: &[Vec<(Id, bool)>],
    ) -> bool {
        let mut pending = vec![id];
        let mut seen = Ids::default();
        while let Some(id) = pending.pop() {
            let guards = &needed[id.0 as usize];
            if !seen.insert(id) || self.satisfies(place, guards) {
                continue;
            }
            let number = self.kind(id).shape.is_none();
            let op = self.op(id);
            let has_steps = *op == Op::Select && self.owners.values().any(|owner| *owner == id);
            if !number || has_steps || self.program.graph.may_panic(id) || op.is_opaque() {
                return false;
            }
            if let Op::Leaf(_) = op
                && self.is_bound_beside(guards, place, used)
            {
                return false;
            }
            pending.extend(self.args(id));
        }
        true
    }

    /// The conditions, beside its own, under which the user computes what may panic on the sides of a branch.
    fn guards_of_sides(&self, branch: Id) -> Vec<(Id, bool)> {
        let mut found: Vec<(Id, bool)> = Vec::new();
        let sides = |id: Id, around: &[(Id, bool)]| {
            let [cond, then, otherwise] = self.args(id)[..] else {
                return Vec::new();
            };
            let inside = |side: bool| [around, &[(cond, side)]].concat();
            vec![(then, inside(true)), (otherwise, inside(false))]
        };
        let mut pending = sides(branch, &[]);
        let mut seen = Ids::default();
        while let Some((id, around)) = pending.pop() {
            if !seen.insert(id) {
                continue;
            }
            if self.program.graph.may_panic(id) {
                let mut own = self.own_guards(id);
                own.retain(|guard| !around.contains(guard) && !found.contains(guard));
                found.extend(own);
            }
            match self.is_branch(id) {
                true => pending.extend(sides(id, &around)),
                false => pending.extend(self.args(id).iter().map(|arg| (*arg, around.clone()))),
            }
        }
        // What is under both sides of a condition is asked for where that is known.
        let both = |guard: &(Id, bool)| found.contains(&(guard.0, !guard.1));
        found.iter().copied().filter(|guard| !both(guard)).collect()
    }

    /// Whether two of these places are on the two sides of one branch.
    fn exclude(&self, places: &[usize]) -> bool {
        let sides = |place: usize| {
            let mut at = place;
            let mut sides = Vec::new();
            while let Some(group) = self.contexts[at].group {
                sides.push((group, at));
                at = self.groups[group].context;
            }
            sides
        };
        let all: Vec<(usize, usize)> = places.iter().flat_map(|p| sides(*p)).collect();
        all.iter()
            .any(|(group, side)| all.iter().any(|(g, s)| g == group && s != side))
    }

    /// What a pullback needs but could not change is computed once, before it; a view is taken again, as it cannot go
    /// along with what it is a view of.
    fn early(
        &self,
        id: Id,
        context: usize,
        guards: &[(Id, bool)],
        needed: &[Vec<(Id, bool)>],
    ) -> usize {
        if self.late.contains(&id) || self.borrows_place(id) && !self.is_copied_view(id) {
            return context;
        }
        // What it reads may be there on one side only.
        let guards = if self.op(id).is_call() {
            guards
        } else {
            &needed[id.0 as usize]
        };
        let mut context = context;
        while self.is_in_pullback(context) && self.satisfies(self.contexts[context].parent, guards)
        {
            context = self.contexts[context].parent;
        }
        context
    }

    /// Whether this place is the pullback, or in it.
    pub(super) fn is_in_pullback(&self, context: usize) -> bool {
        context == PULLBACK || self.is_within(context, PULLBACK)
    }

    /// The branch that the steps of each belong to: a value that it gives, if one is needed.
    pub(super) fn find_owners(&mut self, steps: &[Placed]) {
        for placed in steps {
            if let Step::Branch {
                select,
                values,
                then,
                otherwise,
            } = &placed.step
            {
                if self.anchors.contains(select) {
                    let owned: Ids = self.owners.values().copied().collect();
                    let value = values
                        .iter()
                        .copied()
                        .filter(|v| self.live[v.0 as usize] && !owned.contains(v))
                        .max();
                    self.owners.insert(*select, value.unwrap_or(*select));
                }
                self.find_owners(then);
                self.find_owners(otherwise);
            }
        }
    }

    pub(super) fn branch_steps(&self, steps: &[Placed]) -> IdMap<[Vec<Placed>; 2]> {
        let mut found = IdMap::default();
        for placed in steps {
            if let Step::Branch {
                select,
                then,
                otherwise,
                ..
            } = &placed.step
            {
                if let Some(owner) = self.owners.get(select) {
                    found.insert(*owner, [then.clone(), otherwise.clone()]);
                }
                found.extend(self.branch_steps(then));
                found.extend(self.branch_steps(otherwise));
            }
        }
        found
    }

    pub(super) fn place_steps(
        &mut self,
        steps: &[Placed],
        context: usize,
        users: &mut [Vec<usize>],
    ) {
        for placed in steps {
            match &placed.step {
                Step::Verbatim { binds, .. } | Step::Let { binds, .. } => {
                    self.homes.extend(binds.iter().map(|leaf| (*leaf, context)));
                }
                Step::Pin { leaf, .. } => {
                    self.homes.insert(*leaf, context);
                }
                // It may read what the statements before it bind.
                Step::Loop(id) => {
                    self.loops_at.insert(*id, context);
                }
                _ => {}
            }
            match &placed.step {
                Step::Verbatim { reads, .. } | Step::Pin { reads, .. } => {
                    reads.iter().for_each(|r| users[r.0 as usize].push(context))
                }
                Step::Evaluate(id) | Step::Fit(id) | Step::Loop(id) if self.forced.contains(id) => {
                    users[id.0 as usize].push(context)
                }
                Step::Leave { cond, .. } => users[cond.0 as usize].push(context),
                Step::Branch { select, .. } => {
                    if let Some(owner) = self.owners.get(select) {
                        users[owner.0 as usize].push(context);
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn join_group(
        &mut self,
        id: Id,
        context: usize,
        steps: Option<[Vec<Placed>; 2]>,
        users: &mut [Vec<usize>],
    ) {
        let args = self.args(id);
        // The first to be written can be joined; the others on this condition may read what is computed in it. So can
        // one that might be written first: a call and its tangent belong together.
        let mut candidates: Vec<usize> = (0..self.groups.len())
            .filter(|g| self.groups[*g].context == context && self.groups[*g].cond == args[0])
            .filter(|g| {
                let member = self.groups[*g].members.first();
                member.is_some_and(|member| self.is_in_same_maps(*member, id))
            })
            .collect();
        candidates.sort_by_key(|g| std::cmp::Reverse(self.groups[*g].rank));
        if self.first_with_tangent.is_none() {
            candidates.truncate(1);
        }
        let is_joinable = |at: usize| {
            let members = &self.groups[candidates[at]].members;
            // The user's branch waits for what comes after it only if nothing else does.
            let waits = members.iter().any(|m| self.is_derived(*m)) && !self.is_derived(id);
            let may_wait = (steps.is_none() || self.is_last_effect(id))
                && (!waits || self.last_step <= id.0 + 1);
            self.way.joins
                && (may_wait || !self.waits_for_later(members, id))
                && !self.reaches_branch(members, &[id])
                && (self.first_with_tangent.is_none() || !self.reaches_branch(&[id], members))
        };
        // Where it is, or before all others.
        let stays = |at: usize| {
            let before = &candidates[..at];
            !before
                .iter()
                .any(|g| self.reaches_branch(&self.groups[*g].members, &[id]))
        };
        let moves = |at: usize| {
            let members = &self.groups[candidates[at]].members;
            !self.reaches_group(members, &candidates[..at])
        };
        let places = (0..candidates.len()).filter(|at| is_joinable(*at));
        let joinable = places
            .filter_map(|at| Some((candidates[at], stays(at))).filter(|j| j.1 || moves(at)))
            .next();
        let joined = joinable.map(|j| j.0);
        self.ranks += 1;
        let mut rank = self.ranks;
        match joinable {
            Some((_, true)) => {}
            Some((number, false)) => self.groups[number].rank = rank,
            // It is written after those that it needs.
            None if self.first_with_tangent.is_some() => {
                let needs = |g: &usize| {
                    self.reaches_branch(&[id], &self.groups[*g].members)
                        || self.reaches_group(&[id], &[*g])
                };
                let before = candidates.iter().rposition(needs).map_or(0, |at| at + 1);
                for group in &candidates[..before] {
                    std::mem::swap(&mut self.groups[*group].rank, &mut rank);
                }
            }
            None => {}
        }
        let number = match joined {
            Some(number) => number,
            None => self.new_group(context, args[0], rank),
        };
        self.groups[number].members.push(id);
        self.group_of.insert(id, number);
        let sides = self.groups[number].sides;
        users[args[0].0 as usize].push(context);
        if self.live[id.0 as usize] {
            users[args[1].0 as usize].push(sides[0]);
            users[args[2].0 as usize].push(sides[1]);
        }
        if let Some(steps) = steps {
            for (side, steps) in sides.into_iter().zip(steps.iter()) {
                self.place_steps(steps, side, users);
            }
            self.groups[number].steps = steps;
        }
    }

    fn find_first_with_tangent(&self) -> Option<Id> {
        let live = self.ids().filter(|id| self.live[id.0 as usize]);
        let tangents = live.filter(|id| self.program.graph.op(*id) == Op::CallTangent);
        tangents.map(|id| self.args(id)[0]).min()
    }

    /// How many nodes there were at the last step that is written.
    fn find_last_step(&self, steps: &[Placed]) -> u32 {
        let at = |placed: &Placed| match &placed.step {
            Step::Branch {
                then, otherwise, ..
            } => self
                .find_last_step(then)
                .max(self.find_last_step(otherwise)),
            Step::Evaluate(id) if !self.forced.contains(id) => 0,
            step if self.has_effect(step) || matches!(step, Step::Evaluate(_)) => placed.at,
            _ => 0,
        };
        steps.iter().map(at).max().unwrap_or(0)
    }

    /// Whether nothing of the user's happens after this branch.
    pub(super) fn is_last_effect(&self, select: Id) -> bool {
        let mut after = false;
        for placed in &self.program.steps {
            match &placed.step {
                Step::Branch { select: found, .. } if self.owners.get(found) == Some(&select) => {
                    after = true
                }
                step if after && self.has_effect(step) => return false,
                _ => {}
            }
        }
        after
    }

    /// Whether one of `from` is computed from one of `targets`, branches that are written as one `if` being computed
    /// together. What is computed from something has a larger number, only the tangent of a call is computed together
    /// with the call: what has a smaller number than both is not looked at.
    fn reaches_branch(&self, from: &[Id], targets: &[Id]) -> bool {
        let mut pending: Vec<Id> = Vec::new();
        for id in from {
            pending.extend(self.args(*id));
            pending.extend(self.extents_of(*id));
        }
        let mut seen = vec![false; self.nodes.len()];
        let first = targets.iter().copied().chain(self.first_with_tangent).min();
        while let Some(id) = pending.pop() {
            if targets.contains(&id) {
                return true;
            }
            if Some(id) < first || std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            pending.extend(self.needs(id));
            if let Some(group) = self.group_of.get(&id) {
                pending.extend(&self.groups[*group].members);
            }
        }
        false
    }

    /// Whether something that is computed in one of these groups is needed for the members of another one.
    fn reaches_group(&self, members: &[Id], groups: &[usize]) -> bool {
        let mut pending: Vec<Id> = members.to_vec();
        let mut seen = vec![false; self.nodes.len()];
        while let Some(id) = pending.pop() {
            if groups.is_empty() || std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            let at = self.context[id.0 as usize];
            let is_in = |group: &usize| {
                let sides = self.groups[*group].sides;
                self.group_of.get(&id) == Some(group)
                    || sides.iter().any(|s| at == *s || self.is_within(at, *s))
            };
            if groups.iter().any(is_in) {
                return true;
            }
            pending.extend(self.needs(id));
        }
        false
    }

    /// Whether these are computed from something of the user's that comes after this branch.
    fn waits_for_later(&self, members: &[Id], select: Id) -> bool {
        // What the same `if` of the user's gives comes with it.
        let beside = values_beside(&self.program.steps, select);
        let mut pending: Vec<Id> = Vec::new();
        for member in members {
            match beside.contains(member) {
                true => pending.extend(self.args(*member)),
                false => pending.push(*member),
            }
        }
        let mut seen = vec![false; self.nodes.len()];
        while let Some(id) = pending.pop() {
            if id <= select || std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            if !self.is_derived(id) {
                return true;
            }
            pending.extend(self.args(id).iter().copied().chain(self.extents_of(id)));
        }
        false
    }

    pub(super) fn common(&self, a: usize, b: usize) -> usize {
        let (mut a, mut b) = (a, b);
        while a != b {
            if self.contexts[a].depth >= self.contexts[b].depth {
                a = self.contexts[a].parent
            } else {
                b = self.contexts[b].parent
            }
        }
        a
    }

    pub(super) fn satisfies(&self, context: usize, guards: &[(Id, bool)]) -> bool {
        guards
            .iter()
            .all(|g| self.contexts[context].guards.contains(g))
    }
}

/// All values that an `if` of the user's gives, of one of them.
fn values_beside(steps: &[Placed], value: Id) -> &[Id] {
    for placed in steps {
        if let Step::Branch {
            values,
            then,
            otherwise,
            ..
        } = &placed.step
        {
            if values.contains(&value) {
                return values;
            }
            let found = [then, otherwise].map(|steps| values_beside(steps, value));
            if let Some(found) = found.into_iter().find(|found| !found.is_empty()) {
                return found;
            }
        }
    }
    &[]
}
