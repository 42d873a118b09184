//! Where a value is computed: in the function, in its pullback, or on the one side of a branch that needs it.

use super::{Context, Emit, Group, PULLBACK};
use crate::graph::{Id, IdMap, Ids, Placed, Step};
use crate::rules::Op;

impl Emit<'_> {
    pub(super) fn find_contexts(&mut self) {
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.live.len()];
        for root in self.outputs.clone() {
            let pulled = self.pulled.contains(&root);
            users[root.0 as usize].push(if pulled { PULLBACK } else { 0 });
        }
        self.find_owners(&self.program.steps.clone());
        self.place_steps(&self.program.steps.clone(), 0, &mut users);
        let branches = self.branch_steps(&self.program.steps);
        self.last_step = self.find_last_step(&self.program.steps);
        for id in self.ids().rev() {
            if !self.live[id.0 as usize] && !branches.contains_key(&id) {
                continue;
            }
            let used = std::mem::take(&mut users[id.0 as usize]);
            let guards: Vec<(Id, bool)> = self
                .program
                .graph
                .node(id)
                .guards
                .iter()
                .filter(|g| self.kind(g.cond).shape.is_none())
                .map(|g| (g.cond, g.side))
                .collect();
            // What a statement binds is where that statement is.
            let bound = self.homes.get(&id).copied();
            let common = used
                .iter()
                .copied()
                .chain(bound)
                .reduce(|a, b| self.common(a, b))
                .unwrap_or(0);
            if !self.satisfies(common, &guards) && self.is_entrywise(id) && self.belongs_inside(id)
            {
                // It is computed inside of each pass that reads it, wherever that is.
                self.context[id.0 as usize] = common;
                for &arg in self.args(id) {
                    users[arg.0 as usize].extend(used.iter().copied());
                }
                continue;
            }
            let mut context = common;
            // What sides that exclude each other need, none can hand out: it is computed before them, where that does no
            // harm.
            let before = bound.is_none()
                && !self.satisfies(common, &guards)
                && self.kind(id).shape.is_none()
                && !self.op(id).may_panic()
                && self.exclude(&used);
            if before {
            } else if bound.is_some_and(|home| home != common) || !self.satisfies(common, &guards) {
                // Computed in the first branch that needs it, and handed out from there.
                let home = bound.or_else(|| {
                    used.iter()
                        .copied()
                        .filter(|c| self.satisfies(*c, &guards))
                        .max_by_key(|c| self.contexts[*c].group)
                });
                if let Some(mut home) = home {
                    // As far out as the conditions still hold.
                    while bound.is_none()
                        && self.contexts[home].parent != home
                        && self.satisfies(self.contexts[home].parent, &guards)
                    {
                        home = self.contexts[home].parent;
                    }
                    context = home;
                    let mut at = home;
                    while at != common && self.contexts[at].depth > self.contexts[common].depth {
                        if let Some(group) = self.contexts[at].group {
                            self.groups[group].exports.push(id);
                            at = self.groups[group].context;
                        } else {
                            break;
                        }
                    }
                }
            }
            context = self.early(id, context, &guards);
            self.context[id.0 as usize] = context;
            if self.is_branch(id) {
                let steps = branches.get(&id).cloned();
                self.join_group(id, context, steps, &mut users);
            } else {
                for arg in self.args(id).iter().copied().chain(self.extents_of(id)) {
                    users[arg.0 as usize].push(context);
                }
            }
        }
        self.within = vec![Vec::new(); self.contexts.len()];
        self.reached = vec![0; self.contexts.len()];
        for id in self.ids().filter(|id| self.live[id.0 as usize]) {
            self.within[self.context[id.0 as usize]].push(id);
        }
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
    fn early(&self, id: Id, context: usize, guards: &[(Id, bool)]) -> usize {
        if self.late.contains(&id) || matches!(self.op(id), Op::Part(part) if part.is_view()) {
            return context;
        }
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
                Step::Verbatim { binds, .. } => {
                    self.homes.extend(binds.iter().map(|leaf| (*leaf, context)));
                }
                Step::Pin { leaf, .. } => {
                    self.homes.insert(*leaf, context);
                }
                _ => {}
            }
            match &placed.step {
                Step::Verbatim { reads, .. } | Step::Pin { reads, .. } => {
                    reads.iter().for_each(|r| users[r.0 as usize].push(context))
                }
                Step::Evaluate(id) | Step::Fit(id) if self.forced.contains(id) => {
                    users[id.0 as usize].push(context)
                }
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
        // Only the last group can be joined: it is written before the others on this condition, which may
        // read what is computed in it.
        let last = self
            .groups
            .iter()
            .rposition(|g| g.context == context && g.cond == args[0]);
        let joinable = last.filter(|number| {
            let members = &self.groups[*number].members;
            // The user's branch waits for what comes after it only if nothing else does.
            let waits = members.iter().any(|m| self.is_derived(*m)) && !self.is_derived(id);
            self.joins
                && (steps.is_none() || self.is_last_effect(id))
                && (!waits || self.last_step <= id.0 + 1)
                && !self.reaches_branch(members, id)
        });
        let number = match joinable {
            Some(number) => number,
            None => {
                let number = self.groups.len();
                let first = self.contexts.len();
                for side in [true, false] {
                    let mut guards = self.contexts[context].guards.clone();
                    guards.push((args[0], side));
                    self.contexts.push(Context {
                        parent: context,
                        depth: self.contexts[context].depth + 1,
                        guards,
                        group: Some(number),
                    });
                }
                self.groups.push(Group {
                    cond: args[0],
                    context,
                    sides: [first, first + 1],
                    members: Vec::new(),
                    exports: Vec::new(),
                    steps: [Vec::new(), Vec::new()],
                    written: false,
                });
                number
            }
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

    /// Whether one of `from` is computed from `target`, branches that are written as one `if` being computed
    /// together. All of these have larger numbers than `target`: what has a smaller one is not looked at.
    fn reaches_branch(&self, from: &[Id], target: Id) -> bool {
        let mut pending: Vec<Id> = from.iter().flat_map(|id| self.args(*id)).copied().collect();
        let mut seen = vec![false; self.nodes.len()];
        while let Some(id) = pending.pop() {
            if id == target {
                return true;
            }
            if id < target || std::mem::replace(&mut seen[id.0 as usize], true) {
                continue;
            }
            pending.extend(self.args(id));
            if let Some(group) = self.group_of.get(&id) {
                pending.extend(&self.groups[*group].members);
            }
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
