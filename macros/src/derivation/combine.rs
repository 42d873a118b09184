//! Step 3: the derivatives of the variables combined, as products along the ways or from the last to the first.

use super::{Derivation, SHOWN, Wanted};
use crate::graph::Id;
use crate::notation::{Level, Text, width};
use std::collections::{HashMap, HashSet};

/// A path through more operations is not written as one product.
const FACTORS: usize = 24;

/// The ways from one variable to another.
enum Ways {
    Edge(Id, Id),
    /// What has been combined before: the derivative of the result by this.
    Known(Id, Id),
    Product(Vec<Ways>),
    Sum(Vec<Ways>),
}

impl Derivation<'_> {
    pub(super) fn combine(&mut self) {
        if self.variables.len() == 1 && self.jacobians {
            self.line("3. Combine: nothing, as there is one operation");
            self.line("");
            return;
        }
        let ways = if self.jacobians && self.shown == self.variables.len() {
            self.all_ways()
        } else {
            None
        };
        match (ways, self.wanted) {
            (Some(ways), _) => self.products(&ways),
            (None, _) if self.jacobians => {
                let y = self.result_name();
                self.line("3. Combine: vector chain rule, with total derivatives");
                self.line(&format!("   ∂{y}/∂u = Σ ∂{y}/∂v ∂v/∂u over all v that are computed from u, from the last u to the first"));
            }
            (None, Wanted::Tangent | Wanted::Jacobian) => {
                self.line("3. Combine: each differential in the next");
            }
            (None, _) => self.adjoints(),
        }
        self.line("");
    }

    /// The ways from every parameter to every result; `None` where they are too many to be read.
    fn all_ways(&self) -> Option<Vec<(String, Ways)>> {
        let mut all = Vec::new();
        for root in &self.roots {
            let reached: Vec<Id> = self
                .wrt
                .iter()
                .copied()
                .filter(|w| self.reaches(*w, *root))
                .collect();
            // What all ways have in common at the end is combined once.
            let mut common: Option<Vec<Id>> = None;
            for wrt in &reached {
                let cuts = self.cuts(*wrt, *root);
                common = Some(match common {
                    None => cuts,
                    Some(known) => {
                        let same = known.iter().zip(&cuts).take_while(|(a, b)| a == b);
                        same.map(|(a, _)| *a).collect()
                    }
                });
            }
            let common = common.unwrap_or_default();
            let knot = match &common[..] {
                [_, .., knot] if reached.len() > 1 && common.len() > 2 => Some(*knot),
                _ => None,
            };
            if let Some(knot) = knot {
                let mut budget = FACTORS;
                all.push((self.by(*root, knot), self.ways(knot, *root, &mut budget)?));
            }
            for wrt in &reached {
                let mut budget = FACTORS;
                let ways = match knot {
                    Some(knot) => {
                        let rest = self.ways(*wrt, knot, &mut budget)?;
                        let mut factors = vec![Ways::Known(*root, knot)];
                        match rest {
                            Ways::Product(rest) => factors.extend(rest),
                            rest => factors.push(rest),
                        }
                        Ways::Product(factors)
                    }
                    None => self.ways(*wrt, *root, &mut budget)?,
                };
                all.push((self.total(*root, *wrt), ways));
            }
        }
        Some(all)
    }

    fn sources(&self, id: Id) -> Vec<Id> {
        self.edges
            .get(&id)
            .map_or_else(Vec::new, |edges| edges.iter().map(|e| e.from).collect())
    }

    /// What lies between two values: everything that the first is computed into and the second is computed from.
    fn between(&self, from: Id, to: Id) -> HashSet<Id> {
        let mut reached: HashSet<Id> = HashSet::from([from]);
        for id in &self.variables {
            if *id > from && *id <= to && self.sources(*id).iter().any(|s| reached.contains(s)) {
                reached.insert(*id);
            }
        }
        let mut between = HashSet::new();
        let mut pending = vec![to];
        while let Some(id) = pending.pop() {
            if reached.contains(&id) && between.insert(id) && id != from {
                pending.extend(self.sources(id));
            }
        }
        between
    }

    fn reaches(&self, from: Id, to: Id) -> bool {
        from != to && self.between(from, to).contains(&from)
    }

    /// The values that all ways pass, from the end to the beginning.
    fn cuts(&self, from: Id, to: Id) -> Vec<Id> {
        let between = self.between(from, to);
        let mut order: Vec<Id> = between.iter().copied().collect();
        order.sort();
        // All ways pass a value if nothing behind it is computed from something before it.
        let mut earliest = to;
        let mut cuts = Vec::new();
        for id in order.into_iter().rev() {
            if id <= earliest {
                cuts.push(id);
            }
            if id != from {
                let sources = self.sources(id).into_iter();
                let sources = sources.filter(|s| between.contains(s)).min();
                earliest = earliest.min(sources.unwrap_or(from));
            }
        }
        cuts
    }

    fn ways(&self, from: Id, to: Id, budget: &mut usize) -> Option<Ways> {
        let cuts = self.cuts(from, to);
        let mut factors = Vec::new();
        for pair in cuts.windows(2) {
            let (to, from) = (pair[0], pair[1]);
            let between = self.between(from, to);
            let sources: Vec<Id> = self
                .sources(to)
                .into_iter()
                .filter(|s| between.contains(s))
                .collect();
            let mut terms = Vec::new();
            for source in sources {
                *budget = budget.checked_sub(1)?;
                let edge = Ways::Edge(to, source);
                terms.push(if source == from {
                    edge
                } else {
                    match self.ways(from, source, budget)? {
                        Ways::Product(rest) => {
                            Ways::Product(std::iter::once(edge).chain(rest).collect())
                        }
                        rest => Ways::Product(vec![edge, rest]),
                    }
                });
            }
            factors.push(if terms.len() == 1 {
                terms.remove(0)
            } else {
                Ways::Sum(terms)
            });
        }
        if factors.len() == 1 {
            return factors.pop();
        }
        Some(Ways::Product(factors))
    }

    fn products(&mut self, all: &[(String, Ways)]) {
        let sums = all.iter().any(|(_, ways)| has_sum(ways));
        let diagonal = self.edges.values().flatten().all(|e| e.diagonal);
        let rule = match (self.scalar, sums, diagonal) {
            (true, false, _) => "single-variable chain rule",
            (true, true, _) => "single-variable total-derivative chain rule",
            (false, false, true) => "vector chain rule, where all Jacobians are diagonal",
            (false, false, false) => "vector chain rule",
            (false, true, _) => "vector chain rule, with total derivatives",
        };
        self.line(&format!("3. Combine: {rule}"));
        let left = all.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
        for (name, ways) in all {
            let pad = " ".repeat(left - width(name));
            let values = self.values(ways).0.text;
            if let Ways::Edge(..) = ways {
                self.indented(&format!("{name}{pad} = {values}"), left + 3);
                continue;
            }
            let symbols = self.symbols(ways, false);
            self.indented(&format!("{name}{pad} = {symbols}"), left + 3);
            self.indented(&format!("{} = {values}", " ".repeat(left)), left + 3);
        }
    }

    /// `∂y/∂u ∂u/∂x`
    fn symbols(&self, ways: &Ways, within: bool) -> String {
        match ways {
            Ways::Edge(to, from) | Ways::Known(to, from) => self.by(*to, *from),
            Ways::Product(factors) => {
                let factors: Vec<String> = factors.iter().map(|f| self.symbols(f, true)).collect();
                factors.join(" ")
            }
            Ways::Sum(terms) => {
                let terms: Vec<String> = terms.iter().map(|t| self.symbols(t, false)).collect();
                let sum = terms.join(" + ");
                if within { format!("({sum})") } else { sum }
            }
        }
    }

    pub(super) fn result_name(&self) -> String {
        self.roots
            .first()
            .map_or(String::new(), |r| self.called(*r))
    }

    /// The same with the derivatives in place of their symbols, and whether it is one.
    fn values(&self, ways: &Ways) -> (Text, bool) {
        match ways {
            Ways::Edge(to, from) => {
                let edge = self
                    .edges
                    .get(to)
                    .and_then(|edges| edges.iter().find(|e| e.from == *from));
                edge.map_or((Text::new("…", Level::Atom), false), |e| {
                    (e.text.clone(), e.unit)
                })
            }
            Ways::Known(root, knot) => (Text::new(self.by(*root, *knot), Level::Atom), false),
            Ways::Product(factors) => {
                let all: Vec<(Text, bool)> = factors.iter().map(|f| self.values(f)).collect();
                let mut kept: Vec<&Text> = all.iter().filter(|f| !f.1).map(|f| &f.0).collect();
                match (kept.len(), all.first()) {
                    (0, Some(first)) => first.clone(),
                    (1, _) => (kept.remove(0).clone(), false),
                    _ => {
                        let kept: Vec<String> = kept.iter().map(|t| t.at(Level::Product)).collect();
                        (Text::new(kept.join(" · "), Level::Product), false)
                    }
                }
            }
            Ways::Sum(terms) => {
                let mut sum = String::new();
                for (i, term) in terms.iter().enumerate() {
                    let text = self.values(term).0;
                    match (i, text.text.strip_prefix('−')) {
                        (0, _) => sum += &text.text,
                        (_, Some(rest)) if text.level == Level::Sum => sum += &format!(" − {rest}"),
                        _ => sum += &format!(" + {}", text.at(Level::Product)),
                    }
                }
                (Text::new(sum, Level::Sum), false)
            }
        }
    }

    /// From the last variable to the first: the derivative of the result by each.
    fn adjoints(&mut self) {
        let graph = self.graph;
        let pullback = self.wanted == Wanted::Pullback;
        let symbol = |d: &Self, id: Id| {
            let name = d.notation.named_leaf(id);
            if pullback {
                format!("{name}_bar")
            } else {
                format!("∂{}/∂{name}", d.result_name())
            }
        };
        let y = self.result_name();
        let sense = if pullback {
            format!("⟨{y}_bar, d{y}⟩ = ⟨u_bar, du⟩")
        } else {
            format!("d{y} = ⟨∂{y}/∂u, du⟩")
        };
        self.line(&format!(
            "3. Combine, from the last to the first: {sense} for each u"
        ));
        let mut terms: HashMap<Id, Vec<Id>> = HashMap::new();
        let mut rows = Vec::new();
        let last = self.variables.len();
        let near = self.shown.min(last);
        // Those that are shown are the first ones: they are used by these or by some that are left out.
        let shown: HashSet<Id> = self.variables[..near]
            .iter()
            .chain(&self.wrt)
            .copied()
            .collect();
        let mut users: Vec<Id> = self.variables[..near].to_vec();
        if near < last {
            let more = self.variables[near..].iter().copied();
            users.extend(
                more.filter(|v| self.inputs(*v).iter().any(|i| shown.contains(i)))
                    .take(SHOWN),
            );
        }
        users.reverse();
        for id in users
            .iter()
            .copied()
            .chain(self.wrt.clone().into_iter().rev())
        {
            let own = terms.remove(&id).unwrap_or_default();
            let is_root = self.roots.contains(&id);
            if !own.is_empty() && shown.contains(&id) && !is_root {
                let sum = graph.sum_of(&own);
                let text = self.notation.write(sum).map_or("…".to_string(), |t| t.text);
                rows.push((symbol(self, id), text, String::new()));
            }
            if self.wrt.contains(&id) {
                continue;
            }
            let cotangent = if is_root && !pullback {
                graph.constant(1.0)
            } else {
                let name = symbol(self, id);
                self.symbol(id, name)
            };
            let node = graph.node(id);
            for (arg, value) in self.contributions(id, cotangent) {
                let scalar = !graph.is_matrix(arg);
                let reduced = scalar && node.op.is_elementwise() && graph.is_matrix(id);
                let value = if reduced {
                    graph.expr(value).sum().id
                } else {
                    value
                };
                terms.entry(arg).or_default().push(value);
            }
        }
        self.table(&rows);
        self.left_out();
    }
}

fn has_sum(ways: &Ways) -> bool {
    match ways {
        Ways::Edge(..) | Ways::Known(..) => false,
        Ways::Product(factors) => factors.iter().any(has_sum),
        Ways::Sum(_) => true,
    }
}
