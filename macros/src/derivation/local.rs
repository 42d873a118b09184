//! Step 2: the derivatives of each variable by those that it is computed from.

use super::Derivation;
use crate::differentiate::{contributions, tangent_of};
use crate::graph::{Form, Id, Ids, Kind, Leaf, Shape};
use crate::notation::{Level, Text};
use crate::rules::{Op, Scalar};

/// The derivative of a variable by one that it is computed from.
pub struct Edge {
    pub from: Id,
    pub text: Text,
    /// The number 1, or the identity.
    pub unit: bool,
    pub diagonal: bool,
    pub rule: String,
}

impl Derivation<'_> {
    pub(super) fn differentiate(&mut self) {
        let mut rows = Vec::new();
        if self.jacobians {
            self.line("2. Compute derivatives");
            for id in self.shown() {
                let edges = self.edges_of(id);
                for edge in &edges {
                    rows.push((
                        self.by(id, edge.from),
                        edge.text.text.clone(),
                        edge.rule.clone(),
                    ));
                }
                self.edges.insert(id, edges);
            }
        } else {
            self.line("2. Compute differentials");
            for id in self.shown() {
                let text = self.differential(id).unwrap_or_else(|| "…".to_string());
                let rule = self.rule(id, None);
                rows.push((format!("d{}", self.notation.named(id)), text, rule));
            }
        }
        self.table(&rows);
        self.left_out();
        self.line("");
    }

    /// The name of the rule, and of the shortcut that it takes.
    fn rule(&self, id: Id, from: Option<Id>) -> String {
        let graph = self.graph;
        let node = graph.node(id);
        let moves = |k: usize| node.args.get(k).is_some_and(|a| self.is_active(*a));
        let rule = match node.op {
            Op::Scalar(Scalar::Mul) if !(moves(0) && moves(1)) => "multiplication by constant rule",
            Op::Scalar(Scalar::Div) if !moves(1) => "multiplication by constant rule",
            ref op => op.rule(),
        };
        let is_matrix = |id: Id| graph.is_matrix(id);
        match from {
            Some(from) if node.op.is_elementwise() && is_matrix(id) => {
                let shortcut = if is_matrix(from) {
                    "diagonal"
                } else {
                    "scalar expansion"
                };
                format!("{rule}, {shortcut}")
            }
            _ => rule.to_string(),
        }
    }

    /// The derivatives of a variable by those that it is computed from, as matrices.
    fn edges_of(&mut self, id: Id) -> Vec<Edge> {
        let graph = self.graph;
        let node = graph.node(id);
        let shape = node.kind.shape.clone();
        let single = shape.as_ref().is_none_or(Shape::is_single);
        let elementwise = single || node.op.is_elementwise() || matches!(node.op, Op::Fill);
        // One for each entry, or all unit vectors at once.
        let seed = match &shape {
            None => graph.constant(1.0),
            Some(shape) if elementwise => graph.real(1.0).fill(Some(shape.clone())).id,
            Some(shape) => {
                let size = if shape.is_column() {
                    &shape.rows
                } else {
                    &shape.cols
                };
                let square = Shape::new(size.clone(), size.clone());
                graph.insert(Op::Identity, Vec::new(), Kind::matrix(square))
            }
        };
        let laws_apply = !matches!(node.op, Op::Build | Op::Transpose | Op::Item(_));
        let found = if laws_apply {
            self.contributions(id, seed)
        } else {
            Vec::new()
        };
        let mut edges = Vec::new();
        for from in self.inputs(id) {
            let rule = self.rule(id, Some(from));
            let of: Vec<Id> = found.iter().filter(|f| f.0 == from).map(|f| f.1).collect();
            let column = graph
                .shape(from)
                .is_some_and(|s| s.is_column() && !s.is_single());
            let vector = graph.is_matrix(from);
            let (text, unit, diagonal) = match &node.op {
                Op::Transpose => (Text::new("I", Level::Atom), true, true),
                Op::Item(_) => {
                    let slopes = self.slopes(node.args[0], from);
                    let level = if slopes.len() > 1 {
                        Level::Sum
                    } else {
                        Level::Atom
                    };
                    (
                        Text::new(slopes.join(" + "), level),
                        false,
                        single && !vector,
                    )
                }
                Op::Build => {
                    let places = node.args.iter().enumerate().filter(|a| *a.1 == from);
                    let places: Vec<String> = places
                        .map(|a| format!("{}[{}]", self.notation.unit_name, a.0))
                        .collect();
                    let level = if places.len() > 1 {
                        Level::Sum
                    } else {
                        Level::Atom
                    };
                    (Text::new(places.join(" + "), level), false, false)
                }
                _ if of.is_empty() => (Text::new("0", Level::Atom), false, true),
                _ => {
                    let value = graph.expr(graph.sum_of(&of));
                    if !single && elementwise && vector {
                        self.diagonal(value.id)
                    } else {
                        let value = match (vector, column) {
                            (true, true) => value.t(),
                            _ => value,
                        };
                        let unit = graph.uniform_const(value.id) == Some(1.0) && !vector && single;
                        let text = self.notation.write(value.id);
                        (
                            text.unwrap_or(Text::new("…", Level::Atom)),
                            unit,
                            single && !vector,
                        )
                    }
                }
            };
            edges.push(Edge {
                from,
                text,
                unit,
                diagonal,
                rule,
            });
        }
        edges
    }

    /// The same operation of symbols with the names of its variables, which algebra does not read through; and what
    /// the symbols stand for.
    fn alone(&mut self, id: Id) -> (Id, Vec<(Id, Id)>) {
        let graph = self.graph;
        let node = graph.node(id);
        let mut symbols = Vec::new();
        for from in self.inputs(id) {
            let symbol = self.symbol(from, self.notation.named_leaf(from));
            symbols.push((symbol, from));
        }
        let stand_in = |arg: Id| symbols.iter().find(|s| s.1 == arg).map(|s| s.0);
        let args: Vec<Id> = node
            .args
            .iter()
            .map(|arg| {
                let from = graph.expr(*arg).factored().id;
                match stand_in(from) {
                    // A factorisation of the symbol.
                    Some(symbol) if from != *arg => {
                        graph.insert(graph.op(*arg), vec![symbol], graph.kind(*arg))
                    }
                    Some(symbol) => symbol,
                    None => *arg,
                }
            })
            .collect();
        let alone = graph.insert(node.op, args, node.kind);
        self.notation.name_new(alone, self.notation.named(id));
        (alone, symbols)
    }

    /// What the cotangent of a value makes of those that it is computed from.
    pub(super) fn contributions(&mut self, id: Id, cotangent: Id) -> Vec<(Id, Id)> {
        let graph = self.graph;
        if let Some(call) = self.call(id) {
            let mut found = Vec::new();
            let name = self.notation.named(cotangent);
            for from in self.inputs(id) {
                for k in self.places(call, from) {
                    let slope = self.notation.adjoint_slope(call, k, cotangent);
                    found.push((from, self.symbol(from, format!("{slope} {name}"))));
                }
            }
            return found;
        }
        let (alone, symbols) = self.alone(id);
        let is_symbol = |arg: &Id| {
            let symbol = graph.expr(*arg).factored().id;
            symbols.iter().any(|s| s.0 == symbol)
        };
        let active: Ids = graph
            .args(alone)
            .iter()
            .copied()
            .filter(is_symbol)
            .collect();
        let found = contributions(graph, alone, cotangent, &active).into_iter();
        let found = found.filter_map(|(arg, value, _)| {
            let symbol = graph.expr(arg).factored().id;
            Some((symbols.iter().find(|s| s.0 == symbol)?.1, value))
        });
        found.collect()
    }

    /// The derivative entry by entry: a diagonal matrix.
    fn diagonal(&mut self, entries: Id) -> (Text, bool, bool) {
        let graph = self.graph;
        let uniform = match graph.op(entries) {
            Op::Fill => Some(graph.args(entries)[0]),
            _ if !graph.is_matrix(entries) => Some(entries),
            _ => None,
        };
        let Some(uniform) = uniform else {
            let text = self
                .notation
                .write(entries)
                .map_or("…".to_string(), |t| t.text);
            return (Text::new(format!("diag({text})"), Level::Atom), false, true);
        };
        let text = match graph.uniform_const(uniform) {
            Some(1.0) => return (Text::new("I", Level::Atom), true, true),
            Some(-1.0) => Text::new("−I", Level::Sum),
            _ => {
                let text = self
                    .notation
                    .write(uniform)
                    .unwrap_or(Text::new("…", Level::Atom));
                let level = if text.text.contains('/') {
                    Level::Power
                } else {
                    Level::Product
                };
                Text::new(text.at(level) + " I", Level::Product)
            }
        };
        (text, false, true)
    }

    /// `du = a dx`
    fn differential(&mut self, id: Id) -> Option<String> {
        let graph = self.graph;
        if let Some(call) = self.call(id) {
            let mut terms = Vec::new();
            for from in self.inputs(id) {
                let name = self.notation.named_leaf(from);
                let slopes = self.slopes(call, from).into_iter();
                terms.extend(slopes.map(|slope| format!("{slope} d{name}")));
            }
            return Some(terms.join(" + "));
        }
        let (alone, symbols) = self.alone(id);
        let mut known: Vec<Option<Id>> = vec![None; alone.0 as usize + 1];
        for arg in graph.args(alone).iter() {
            let symbol = graph.expr(*arg).factored().id;
            let from = symbols.iter().find(|s| s.0 == symbol);
            if let (Some((_, from)), None) = (from, known[arg.0 as usize]) {
                let tangent = format!("d{}", self.notation.named_leaf(*from));
                known[arg.0 as usize] = Some(self.symbol(*from, tangent));
            }
        }
        match tangent_of(graph, alone, &known, &[]) {
            Some(tangent) => self.notation.write(tangent).map(|t| t.text),
            None => Some("0".to_string()),
        }
    }

    /// A leaf of the same shape with a name of its own.
    pub(super) fn symbol(&mut self, like: Id, name: String) -> Id {
        let symbol = self.graph.leaf(Leaf {
            name: quote::quote!(symbol),
            kind: self.graph.shape(like).map_or(Kind::SCALAR, Kind::matrix),
            form: Form::Borrowed,
            varies: self.graph.varies(like),
        });
        self.notation.name_new(symbol, name);
        symbol
    }
}
