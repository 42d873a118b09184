//! Step 4: the derivatives themselves, without the variables; and once more, where a second one is wanted.

use super::{Derivation, Wanted};
use crate::graph::{Elem, Graph, Id};
use crate::notation::{subscript, width};
use crate::rules::Op;
use std::collections::{HashMap, HashSet};

/// What is found by substitution is one line of this length at most.
const RESULT: usize = 72;
/// A longer part of it gets a name, this many at most.
const PART: usize = 44;
const PARTS: usize = 6;
/// So many nodes of derivatives are looked at.
const MOST: usize = 300;

impl Derivation<'_> {
    pub(super) fn substitute(&mut self, derivatives: &[Option<Id>]) {
        let wrt = self.wrt.clone();
        let one = wrt.len() == 1;
        let name = |d: &Self, id: Id| d.notation.named_leaf(id);
        let transposes = |d: &Self, w: Id| {
            d.jacobians
                && d.graph
                    .shape(w)
                    .is_some_and(|s| s.is_column() && !s.is_single())
        };
        let gradient_label = |d: &Self, w: Id| match d.roots.first() {
            Some(root) if transposes(d, w) => format!("({})ᵀ", d.total(*root, w)),
            Some(root) => d.total(*root, w),
            None => String::new(),
        };
        let mut rows: Vec<(String, Option<Id>, String)> = Vec::new();
        let mut further = Vec::new();
        let mut title = "4. Substitute".to_string();
        match self.wanted {
            Wanted::Gradient | Wanted::GradientAlong | Wanted::Hessian => {
                if wrt.iter().any(|w| transposes(self, *w)) {
                    title += ", and transpose to the shape of the parameter";
                }
                for (k, w) in wrt.iter().enumerate() {
                    let derivative = derivatives.get(k).copied().flatten();
                    rows.push((
                        gradient_label(self, *w),
                        derivative,
                        self.notation.space(*w),
                    ));
                }
                let rest = derivatives.get(wrt.len()..).unwrap_or_default();
                if self.wanted == Wanted::GradientAlong {
                    for (k, w) in wrt.iter().enumerate() {
                        let label = match transposes(self, *w) {
                            true => format!("d{}", gradient_label(self, *w)),
                            false => format!("d({})", gradient_label(self, *w)),
                        };
                        further.push((
                            label,
                            rest.get(k).copied().flatten(),
                            self.notation.space(*w),
                        ));
                    }
                }
                if self.wanted == Wanted::Hessian {
                    let d = if self.scalar && one { "d" } else { "∂" };
                    let root = self.result_name();
                    for (a, row) in wrt.iter().enumerate() {
                        for (b, column) in wrt.iter().enumerate().skip(a) {
                            let below = match a == b {
                                true => format!("{d}{}²", name(self, *row)),
                                false => {
                                    format!("{d}{}{d}{}", name(self, *row), name(self, *column))
                                }
                            };
                            let block = rest.get(a * wrt.len() + b).copied().flatten();
                            let block = block.map(|block| unmirrored(self.graph, block));
                            further.push((
                                format!("{d}²{root}/{below}"),
                                block,
                                self.jacobian_space(*row, *column),
                            ));
                        }
                    }
                }
            }
            Wanted::Jacobian => {
                // An array of results is one value, whose rows are one below the other.
                let parts = derivatives.len() / wrt.len().max(1);
                let roots = match parts == self.roots.len() {
                    true => self.roots.iter().map(|root| Some(*root)).collect(),
                    false => vec![None; parts],
                };
                for (i, root) in roots.into_iter().enumerate() {
                    for (k, w) in wrt.iter().enumerate() {
                        let derivative = derivatives.get(i * wrt.len() + k).copied().flatten();
                        rows.push(match root {
                            Some(root) => (
                                self.total(root, *w),
                                derivative,
                                self.jacobian_space(root, *w),
                            ),
                            None => {
                                let label = format!("∂{}/∂{}", self.function, name(self, *w));
                                let space = derivative.map(|id| self.notation.space(id));
                                (label, derivative, space.unwrap_or_default())
                            }
                        });
                    }
                }
            }
            Wanted::Tangent => {
                title += ": the tangent of the value";
                for (i, root) in self.roots.clone().into_iter().enumerate() {
                    let derivative = derivatives.get(i).copied().flatten();
                    rows.push((
                        format!("d{}", self.called(root)),
                        derivative,
                        self.notation.space(root),
                    ));
                }
            }
            Wanted::Pullback => {
                title += ": the cotangents of the parameters";
                for (k, w) in wrt.iter().enumerate() {
                    let derivative = derivatives.get(k).copied().flatten();
                    rows.push((
                        format!("{}_bar", name(self, *w)),
                        derivative,
                        self.notation.space(*w),
                    ));
                }
            }
        }
        self.results(&title, rows);
        if !further.is_empty() {
            self.line("");
            let title = match self.wanted {
                Wanted::GradientAlong => {
                    let along: Vec<String> =
                        wrt.iter().map(|w| format!("d{}", name(self, *w))).collect();
                    format!(
                        "5. Differentiate the gradient once more, along {}",
                        along.join(", ")
                    )
                }
                _ => "5. Differentiate the gradient once more".to_string(),
            };
            self.results(&title, further);
        }
    }

    fn jacobian_space(&self, root: Id, wrt: Id) -> String {
        self.notation.jacobian_space(
            self.graph.shape(root).as_ref(),
            self.graph.shape(wrt).as_ref(),
        )
    }

    fn results(&mut self, title: &str, rows: Vec<(String, Option<Id>, String)>) {
        let room = |label: &str| RESULT.saturating_sub(width(label));
        for hidden in self.variables.split_off(self.shown) {
            if !self.roots.contains(&hidden) {
                self.notation.forget(hidden);
            }
        }
        self.notation.substitute(true);
        let mut texts = self.texts(&rows);
        let fits = |texts: &[Option<String>]| {
            let pairs = rows.iter().zip(texts);
            pairs
                .into_iter()
                .all(|(row, text)| text.as_ref().is_some_and(|t| width(t) <= room(&row.0)))
        };
        let mut parts = Vec::new();
        let mut title = title.to_string();
        if !fits(&texts) {
            self.notation.substitute(false);
            texts = self.texts(&rows);
            if !fits(&texts) {
                parts = self.parts(&rows);
                texts = self.texts(&rows);
            }
            title += " (in the variables above)";
        }
        self.line(&title);
        let mut table: Vec<(String, String, String)> = parts;
        if table.len() > PARTS || texts.iter().any(Option::is_none) {
            self.line("   too long to be read here: it is the code of this function");
            return;
        }
        for ((label, _, space), text) in rows.into_iter().zip(texts) {
            let space = if self.scalar {
                String::new()
            } else {
                format!("∈ {space}")
            };
            table.push((label, text.unwrap_or_else(|| "…".to_string()), space));
        }
        self.table(&table);
    }

    fn texts(&mut self, rows: &[(String, Option<Id>, String)]) -> Vec<Option<String>> {
        rows.iter()
            .map(|(_, id, _)| match id {
                None => Some("0".to_string()),
                Some(id) => self.notation.write(*id).map(|t| t.text),
            })
            .collect()
    }

    /// Names long parts of derivatives v₁, v₂, …, so that each is a line.
    fn parts(&mut self, rows: &[(String, Option<Id>, String)]) -> Vec<(String, String, String)> {
        let graph = self.graph;
        let unreadable = vec![Default::default(); PARTS + 1];
        let (mut pending, mut seen) = (Vec::new(), HashSet::new());
        let mut uses: HashMap<Id, usize> = HashMap::new();
        pending.extend(rows.iter().filter_map(|r| r.1));
        let results = pending.clone();
        while let Some(id) = pending.pop() {
            *uses.entry(id).or_default() += 1;
            if self.notation.has_name(id) || !seen.insert(id) {
                continue;
            }
            if seen.len() > MOST {
                return unreadable;
            }
            pending.extend(graph.args(id).iter().copied());
        }
        let mut order: Vec<Id> = seen
            .into_iter()
            .filter(|id| graph.kind(*id).elem == Elem::Real && !results.contains(id))
            .collect();
        order.sort();
        let mut parts = Vec::new();
        for id in order {
            let readable = if uses[&id] > 1 { PART / 2 } else { PART };
            let Some(text) = self.notation.write(id) else {
                return unreadable;
            };
            if width(&text.text) <= readable {
                continue;
            }
            let name = "v".to_string() + &subscript(parts.len() + 1);
            let space = match self.scalar {
                true => String::new(),
                false => format!("∈ {}", self.notation.space(id)),
            };
            parts.push((name.clone(), text.text, space));
            self.notation.name(id, name);
            if parts.len() > PARTS {
                break;
            }
        }
        parts
    }
}

/// A Hessian before it is made symmetric to the last bit.
fn unmirrored(graph: &Graph, block: Id) -> Id {
    match graph.op(block) {
        Op::SymmetricFromLower => graph.args(block)[0],
        _ => block,
    }
}
