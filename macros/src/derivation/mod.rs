//! The derivation in words and formulas: the paper's four steps for one function, as its companions' documentation.
//!
//! Between numbers and vectors the derivatives are Jacobians in numerator layout, multiplied along the paths, as in
//! "The Matrix Calculus You Need For Deep Learning". Where matrices vary they are differentials (Magnus and Neudecker),
//! and gradients are read off from the last variable to the first. All of them are the laws of the rule book.

mod combine;
mod local;
mod substitute;

use crate::differentiate::reverse;
use crate::emit::{Blocks, Returns};
use crate::graph::{Elem, Graph, Id, Ids, Placed, Program, Shape, Step};
use crate::notation::{Letters, Notation, size_read, subscript, width};
use crate::rules::Op;
use local::Edge;
use std::collections::{HashMap, HashSet};

/// What a companion returns beside the value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    Gradient,
    /// The tangent of the value.
    Tangent,
    /// The cotangents of the parameters.
    Pullback,
    /// A Jacobian for each part of the result and each parameter.
    Jacobian,
    /// The gradient, and how it changes along a direction.
    GradientAlong,
    /// The gradient, and the blocks of its Jacobian, row by row.
    Hessian,
}

/// More variables than this are not shown.
const SHOWN: usize = 14;
/// A line of a derivation is no longer than this, if it can be broken.
const LINE: usize = 92;
/// Right sides up to this length are followed by what is said of them in one column.
const ALIGNED: usize = 60;
/// So many nodes are asked about their sizes.
const MOST: usize = 1200;

/// The derivation of a function of this name, for a companion that returns this: the derivatives in it are those that
/// are wanted, in order. Nodes are added to the graph, so that this comes after everything that reads it.
pub fn explain(program: &Program, name: &str, wanted: Wanted, returns: &Returns) -> String {
    let graph = &program.graph;
    let first_only = matches!(
        wanted,
        Wanted::Gradient | Wanted::GradientAlong | Wanted::Hessian
    );
    let result = if first_only {
        program.result.first()
    } else {
        &program.result
    };
    let mut derivation = Derivation::new(program, name, wanted, result.real_values(graph));
    let (mut derivatives, mut cotangents) = (Vec::new(), Vec::new());
    read(returns, &mut derivatives, &mut cotangents);
    if wanted == Wanted::Hessian && derivatives.len() == program.wrt.len().pow(2) {
        // The gradient is derived first, also where it is not returned.
        let seeds = derivation
            .roots
            .iter()
            .map(|root| (*root, graph.constant(1.0)));
        let mut all = reverse(graph, &seeds.collect::<Vec<_>>(), &program.wrt);
        all.append(&mut derivatives);
        derivatives = all;
    }
    for (value, cotangent) in cotangents {
        let name = derivation.called(value) + "_bar";
        derivation.notation.name(cotangent, name);
    }
    derivation.write(&derivatives);
    format!("# Derivation\n\n```text\n{}```", derivation.out)
}

/// The derivatives in what a companion returns, in order, and the values whose cotangents it takes.
fn read(returns: &Returns, derivatives: &mut Vec<Option<Id>>, cotangents: &mut Vec<(Id, Id)>) {
    match returns {
        Returns::Like(id, _) | Returns::Matrix(id, _) => derivatives.push(*id),
        Returns::Value(_) | Returns::Inert(_) | Returns::Unit => {}
        Returns::Struct(_, fields) => {
            fields
                .iter()
                .for_each(|f| read(&f.1, derivatives, cotangents));
        }
        Returns::Blocks(Blocks { blocks, .. }) => {
            derivatives.extend(blocks.iter().flatten().map(|block| block.0));
        }
        // Matrices side by side, line by line.
        Returns::Tuple(parts)
            if parts.iter().any(|p| lines(p) > 1) && parts.iter().all(is_matrix) =>
        {
            for line in 0..parts.iter().map(lines).max().unwrap_or(0) {
                for part in parts {
                    match part {
                        Returns::Blocks(Blocks { blocks, .. }) => {
                            let line = blocks.get(line).into_iter().flatten();
                            derivatives.extend(line.map(|block| block.0));
                        }
                        part => read(part, derivatives, cotangents),
                    }
                }
            }
        }
        Returns::Tuple(parts) | Returns::Array(parts) | Returns::Vec(parts) => {
            parts
                .iter()
                .for_each(|part| read(part, derivatives, cotangents));
        }
        Returns::List(inner, _) => read(inner, derivatives, cotangents),
        Returns::Pullback(pullback) => {
            cotangents.extend(pullback.cotangents.iter().copied());
            read(&pullback.body, derivatives, cotangents);
        }
    }
}

fn is_matrix(returns: &Returns) -> bool {
    matches!(returns, Returns::Matrix(..) | Returns::Blocks(..))
}

fn lines(returns: &Returns) -> usize {
    match returns {
        Returns::Blocks(Blocks { blocks, .. }) => blocks.len(),
        _ => 1,
    }
}

struct Derivation<'g> {
    program: &'g Program,
    graph: &'g Graph,
    notation: Notation<'g>,
    function: String,
    wanted: Wanted,
    roots: Vec<Id>,
    /// Those that are no variables, with their names.
    other_results: Vec<(Id, String)>,
    wrt: Vec<Id>,
    active: Ids,
    /// Values that depend on a parameter, in order: numbers and matrices only.
    variables: Vec<Id>,
    /// How many of them are shown.
    shown: usize,
    edges: HashMap<Id, Vec<Edge>>,
    /// Whether all is numbers, and whether all is numbers and vectors.
    scalar: bool,
    jacobians: bool,
    /// Whether there is one way only, from one number to another: derivatives are written with d.
    single: bool,
    out: String,
}

impl<'g> Derivation<'g> {
    fn new(program: &'g Program, name: &str, wanted: Wanted, roots: Vec<Id>) -> Self {
        let graph = &program.graph;
        let active = graph.depends_on(&program.wrt);
        let needed = graph.needed_by(&roots);
        let is = |flags: &[bool], id: Id| flags.get(id.0 as usize).copied().unwrap_or(false);
        let last = roots.iter().map(|r| r.0).max().map_or(0, |last| last + 1);
        let variables: Vec<Id> = (0..last)
            .map(Id)
            .filter(|id| {
                active.contains(id)
                    && is(&needed, *id)
                    && graph.kind(*id).elem == Elem::Real
                    && !program.wrt.contains(id)
            })
            .collect();
        let shown = if variables.len() > SHOWN {
            SHOWN - 2
        } else {
            variables.len()
        };
        let mut derivation = Derivation {
            program,
            graph,
            notation: Notation::new(graph, letters(program, &roots, &variables[..shown])),
            function: name.to_string(),
            wanted,
            wrt: program.wrt.clone(),
            roots,
            other_results: Vec::new(),
            active,
            variables,
            shown,
            edges: HashMap::new(),
            scalar: false,
            jacobians: false,
            single: false,
            out: String::new(),
        };
        derivation.names();
        derivation.forms();
        derivation
    }

    /// Names the variables: by the user's names, else u₁, u₂, …; the result is y, or has the name of the function.
    fn names(&mut self) {
        let graph = self.graph;
        let given = graph.names.borrow();
        let mut taken: HashSet<String> = given
            .values()
            .map(|name| plain(&name.to_string()))
            .collect();
        taken.extend(leaf_names(graph));
        for (leaf, text) in pinned(&self.program.steps) {
            if let Some(dim) = size_read(graph, &text) {
                let letter = self.notation.letter(&dim);
                self.notation.name(leaf, letter);
            }
        }
        if taken.contains("e") {
            self.notation.unit_name = "unit";
        }
        let base = match taken.contains("y") {
            false => "y".to_string(),
            true if !taken.contains(&self.function) => self.function.clone(),
            true => "result".to_string(),
        };
        let several = self.roots.len() > 1;
        let mut number = 0;
        for id in self.variables.clone() {
            let root = self.roots.iter().position(|r| *r == id);
            let name = match (given.get(&id), root) {
                (Some(name), _) => plain(&name.to_string()),
                (None, Some(part)) if several => base.clone() + &subscript(part + 1),
                (None, Some(_)) => base.clone(),
                (None, None) => loop {
                    number += 1;
                    let name = "u".to_string() + &subscript(number);
                    if !taken.contains(&format!("u{number}")) {
                        break name;
                    }
                },
            };
            self.notation.introduce(id, name);
        }
        // A result that is a parameter, or depends on none.
        for (part, root) in self.roots.iter().enumerate() {
            if !self.variables.contains(root) {
                let number = if several {
                    subscript(part + 1)
                } else {
                    String::new()
                };
                self.other_results.push((*root, base.clone() + &number));
            }
        }
    }

    /// The name of a part of the result.
    fn called(&self, root: Id) -> String {
        let other = self.other_results.iter().find(|r| r.0 == root);
        other.map_or_else(|| self.notation.named(root), |(_, name)| name.clone())
    }

    /// Chooses between Jacobians and differentials.
    fn forms(&mut self) {
        let graph = self.graph;
        let values = || self.variables.iter().chain(&self.wrt);
        self.scalar = values().all(|id| graph.shape(*id).is_none());
        self.jacobians = self.scalar || self.variables.iter().all(|id| self.has_jacobian(*id));
        self.single = self.scalar
            && self.wrt.len() == 1
            && self.variables.iter().all(|id| self.inputs(*id).len() == 1);
    }

    fn is_active(&self, id: Id) -> bool {
        self.active.contains(&id)
    }

    /// The variables and parameters that a variable is computed from, each once; a factorisation is its matrix.
    fn inputs(&self, id: Id) -> Vec<Id> {
        let mut inputs = Vec::new();
        let args = self.graph.args(self.call(id).unwrap_or(id));
        for arg in args.iter() {
            let arg = self.graph.expr(*arg).factored().id;
            if self.is_active(arg)
                && self.graph.kind(arg).elem == Elem::Real
                && !inputs.contains(&arg)
            {
                inputs.push(arg);
            }
        }
        inputs
    }

    /// The call that a value is returned by.
    fn call(&self, id: Id) -> Option<Id> {
        match self.graph.op(id) {
            Op::Item(_) => Some(self.graph.args(id)[0]),
            _ => None,
        }
    }

    /// The places at which a call takes a value.
    fn places(&self, call: Id, from: Id) -> Vec<usize> {
        let args = self.graph.args(call);
        (0..args.len()).filter(|k| args[*k] == from).collect()
    }

    /// The derivatives of what a call returns, by a value that it takes.
    fn slopes(&mut self, call: Id, from: Id) -> Vec<String> {
        let places = self.places(call, from).into_iter();
        places.map(|k| self.notation.slope(call, k)).collect()
    }

    /// Whether the derivatives of a value can be written as matrices.
    fn has_jacobian(&self, id: Id) -> bool {
        let graph = self.graph;
        let node = graph.node(id);
        let vector = |id: Id| graph.shape(id).is_none_or(|s| s.is_vector());
        let own = node.kind.shape.as_ref();
        vector(id)
            && self.inputs(id).iter().all(|arg| vector(*arg))
            && match &node.op {
                Op::Fill | Op::Build | Op::Item(_) => true,
                Op::Transpose => true,
                Op::MatMul | Op::TrMul | Op::LuSolve(_) | Op::CholeskySolve => {
                    let moving = |k: usize| self.is_active(node.args[k]);
                    // Not a product of two vectors that both vary.
                    own.is_some_and(Shape::is_single) || !(moving(0) && moving(1))
                }
                op => own.is_none() || op.is_elementwise(),
            }
    }

    fn shown(&self) -> Vec<Id> {
        self.variables[..self.shown].to_vec()
    }

    // ---- the text ----

    fn write(&mut self, derivatives: &[Option<Id>]) {
        self.head();
        if self.variables.is_empty() {
            self.constant();
            return;
        }
        self.introduce();
        self.differentiate();
        self.combine();
        self.substitute(derivatives);
    }

    fn line(&mut self, text: &str) {
        self.out += &text.trim_end().replace(UNBROKEN, " ");
        self.out.push('\n');
    }

    /// Lines below a step, broken where they are too long.
    fn indented(&mut self, text: &str, hanging: usize) {
        let mut line = "   ".to_string();
        let mut started = false;
        for word in text.split_inclusive(' ') {
            if started && width(&line) + width(word.trim_end()) > LINE {
                let full = std::mem::replace(&mut line, " ".repeat(3 + hanging));
                self.line(&full);
            }
            started = true;
            line += word;
        }
        self.line(&line);
    }

    /// Columns of equations: the left sides have one width, and so have the right sides before what is said of them.
    fn table(&mut self, rows: &[(String, String, String)]) {
        let left = rows.iter().map(|r| width(&r.0)).max().unwrap_or(0);
        let right = rows
            .iter()
            .map(|r| width(&r.1))
            .filter(|w| *w <= ALIGNED)
            .max()
            .unwrap_or(0);
        for (name, text, remark) in rows {
            let pad = " ".repeat(left - width(name));
            let gap = " ".repeat(right.saturating_sub(width(text)) + 6);
            let remark = if remark.is_empty() {
                String::new()
            } else {
                whole(&(gap + remark))
            };
            let line = format!("{name}{pad} = {text}{remark}");
            self.indented(&line, left + 3);
        }
    }

    fn left_out(&mut self) {
        let more = self.variables.len() - self.shown;
        if more > 0 {
            self.line(&format!("   … and {more} more, left out here"));
        }
    }

    /// `y = f(x), x ∈ ℝⁿ; fixed: a ∈ ℝᵐˣⁿ`
    fn head(&mut self) {
        let graph = self.graph;
        let with_space = |d: &Self, id: Id| {
            whole(&format!(
                "{} ∈ {}",
                d.notation.named_leaf(id),
                d.notation.space(id)
            ))
        };
        let names: Vec<String> = self
            .wrt
            .iter()
            .map(|w| self.notation.named_leaf(*w))
            .collect();
        let roots: Vec<String> = self.roots.iter().map(|r| self.called(*r)).collect();
        let call = format!("{}({})", self.function, names.join(", "));
        let call = match &roots[..] {
            [] => call,
            [one] if *one == self.function => call,
            [one] => format!("{one} = {call}"),
            many => format!("({}) = {call}", many.join(", ")),
        };
        let spaces: Vec<String> = self.wrt.iter().map(|w| with_space(self, *w)).collect();
        let mut head = format!("{call}, {}", spaces.join(", "));
        let needed = graph.needed_by(&self.roots);
        let pins = pinned(&self.program.steps);
        let mut fixed = Vec::new();
        for number in 0..needed.len() as u32 {
            let id = Id(number);
            let Some(leaf) = graph.leaf_of(id) else {
                continue;
            };
            if !needed[number as usize]
                || leaf.kind.elem != Elem::Real
                || self.wrt.contains(&id)
                || self.notation.is_size(id)
            {
                continue;
            }
            let pin = pins
                .iter()
                .find(|p| p.0 == id)
                .filter(|p| width(&p.1) <= 40);
            fixed.push(match pin {
                Some((_, text)) => format!("{} = {text}", self.notation.named_leaf(id)),
                None => with_space(self, id),
            });
        }
        if !fixed.is_empty() {
            head += &format!("; fixed: {}", fixed.join(", "));
        }
        let mut line = String::new();
        for word in head.split_inclusive(' ') {
            if width(&line) + width(word.trim_end()) > LINE {
                let full = std::mem::replace(&mut line, "   ".to_string());
                self.line(&full);
            }
            line += word;
        }
        self.line(&line);
        self.line("");
    }

    /// A result that is one of the parameters, or does not depend on any.
    fn constant(&mut self) {
        self.line("1. Introduce intermediate variables: none");
        let rows = self.other_definitions();
        self.table(&rows);
        self.line("");
        self.line("2. Compute derivatives");
        let mut rows = Vec::new();
        for wrt in self.wrt.clone() {
            for root in self.roots.clone() {
                let (text, rule) = match (root == wrt, self.scalar) {
                    (true, true) => ("1", "identity"),
                    (true, false) => ("I", "identity"),
                    (false, _) => ("0", "constant rule"),
                };
                rows.push((self.total(root, wrt), text.to_string(), rule.to_string()));
            }
            if self.roots.is_empty() {
                let label = format!("∂{}/∂{}", self.function, self.notation.named_leaf(wrt));
                rows.push((label, "0".to_string(), "constant rule".to_string()));
            }
        }
        self.table(&rows);
    }

    /// What the parts of the result are that are no variables.
    fn other_definitions(&mut self) -> Vec<(String, String, String)> {
        let mut rows = Vec::new();
        for (root, name) in self.other_results.clone() {
            let text = self.notation.write(root).map(|t| t.text);
            rows.push((
                name,
                text.unwrap_or_else(|| "…".to_string()),
                self.remark(root),
            ));
        }
        rows
    }

    /// `∈ ℝⁿ`, unless all is numbers.
    fn remark(&self, id: Id) -> String {
        match self.scalar {
            true => String::new(),
            false => format!("∈ {}", self.notation.space(id)),
        }
    }

    fn introduce(&mut self) {
        self.line("1. Introduce intermediate variables");
        let mut rows = Vec::new();
        for id in self.shown() {
            let text = self
                .notation
                .write_operation(id)
                .map_or("…".to_string(), |t| t.text);
            rows.push((self.notation.named(id), text, self.remark(id)));
        }
        rows.append(&mut self.other_definitions());
        self.table(&rows);
        self.left_out();
        self.line("");
    }

    /// `∂y/∂x`
    fn by(&self, value: Id, from: Id) -> String {
        let d = if self.single { "d" } else { "∂" };
        format!(
            "{d}{}/{d}{}",
            self.notation.named(value),
            self.notation.named_leaf(from)
        )
    }

    /// The derivative of a result by a parameter: of one number by another with d, whatever the ways between them.
    fn total(&self, root: Id, wrt: Id) -> String {
        let d = if self.scalar && self.wrt.len() == 1 {
            "d"
        } else {
            "∂"
        };
        format!(
            "{d}{}/{d}{}",
            self.called(root),
            self.notation.named_leaf(wrt)
        )
    }
}

/// A space at which a line is not broken.
const UNBROKEN: char = '\u{a0}';

fn whole(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

fn plain(name: &str) -> String {
    name.trim_start_matches("r#").to_string()
}

/// What the leaves are called in the source, and in the companion.
fn leaf_names(graph: &Graph) -> impl Iterator<Item = String> {
    let leaves = graph.leaves.borrow();
    let lists = graph.lists.borrow();
    let names = leaves.iter().map(|leaf| &leaf.name);
    let names = names.chain(lists.values().map(|list| &list.name));
    let names: Vec<String> = names.map(|name| plain(&name.to_string())).collect();
    names.into_iter()
}

/// Sizes by letters, those that are equal by one, those that the user names by these names.
fn letters(program: &Program, roots: &[Id], variables: &[Id]) -> Letters {
    let graph = &program.graph;
    let mut taken: HashSet<String> = leaf_names(graph).collect();
    taken.extend(
        graph
            .names
            .borrow()
            .values()
            .map(|name| plain(&name.to_string())),
    );
    let mut letters = Letters::new(&taken);
    letters.learn_extents(graph);
    let needed = graph.needed_by(roots);
    for number in (0..needed.len() as u32)
        .filter(|n| needed[*n as usize])
        .take(MOST)
    {
        letters.learn(graph, Id(number));
    }
    for (leaf, text) in pinned(&program.steps) {
        let name = graph.leaf_of(leaf).map(|l| plain(&l.name.to_string()));
        if let (Some(dim), Some(name)) = (size_read(graph, &text), name)
            && name.chars().count() == 1
        {
            letters.call(&dim, &name);
        }
    }
    let leaves = (0..needed.len() as u32)
        .map(Id)
        .filter(|id| needed[id.0 as usize] && graph.leaf_of(*id).is_some());
    let shown = program
        .wrt
        .iter()
        .copied()
        .chain(leaves)
        .chain(variables.iter().copied());
    for id in shown {
        if let Some(shape) = graph.shape(id) {
            letters.assign(&shape);
        }
    }
    letters
}

/// The inert values that the macro bound to names of its own, and what they are.
fn pinned(steps: &[Placed]) -> Vec<(Id, String)> {
    let pin = |step: &Placed| match &step.step {
        Step::Pin { leaf, tokens, .. } => {
            let text = tokens.to_string();
            let (_, text) = text.split_once('=')?;
            let text: String = text.trim().trim_end_matches(';').to_string();
            Some((*leaf, unspaced(text.trim().trim_start_matches('&').trim())))
        }
        _ => None,
    };
    steps.iter().filter_map(pin).collect()
}

/// Tokens as one writes them: `y.len() as f64`.
fn unspaced(text: &str) -> String {
    let mut out = String::new();
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let last = out.chars().next_back();
        let next = chars.peek().copied();
        let keeps = last.is_some_and(|l| word(l) || l == ')') && next.is_some_and(word);
        if c != ' '
            || keeps
            || last.is_some_and(|l| "+-*/,".contains(l))
            || next.is_some_and(|n| "+-*/".contains(n))
        {
            out.push(c);
        }
    }
    out
}
