//! Values of the graph in mathematical notation: that of Parr and Howard's paper, in Unicode.
//!
//! Products are written as one fraction and sums with their positive terms first; nothing else is rearranged.

mod letters;

pub use letters::{Letters, size_read};

use crate::differentiate::calls::position;
use crate::graph::{Argument, Callee, Dim, Graph, Id, Kind, Shape};
use crate::position::{Arithmetic, Position};
use crate::rules::{Comparison, Extreme, Op, Part, Scalar};
use std::collections::{HashMap, HashSet};

/// How tightly a text binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    Compare,
    Sum,
    Product,
    /// With something raised behind it.
    Power,
    Atom,
}

/// An expression in letters.
#[derive(Clone, Debug)]
pub struct Text {
    pub text: String,
    pub level: Level,
}

impl Text {
    pub fn new(text: impl Into<String>, level: Level) -> Self {
        Text {
            text: text.into(),
            level,
        }
    }

    fn atom(text: impl Into<String>) -> Self {
        Text::new(text, Level::Atom)
    }

    /// The text, in parentheses where it binds less than asked for.
    pub fn at(&self, level: Level) -> String {
        if self.level < level {
            format!("({})", self.text)
        } else {
            self.text.clone()
        }
    }
}

/// A longer text is not for reading.
const LONGEST: usize = 240;
/// More operations in one expression are not written at all.
const MOST: usize = 120;

/// In place of what is not for reading.
const UNREADABLE: char = '\u{fffc}';

fn unreadable() -> Text {
    Text::atom(UNREADABLE)
}

/// What stands in a product of matrices.
#[derive(Clone, Copy, PartialEq)]
struct Mark {
    inverse: bool,
    transposed: bool,
    /// The diagonal matrix of these entries.
    diagonal: bool,
}

impl Mark {
    const NONE: Mark = Mark {
        inverse: false,
        transposed: false,
        diagonal: false,
    };
    const DIAGONAL: Mark = Mark {
        diagonal: true,
        ..Mark::NONE
    };

    fn turned(self) -> Self {
        Mark {
            transposed: !self.transposed,
            ..self
        }
    }

    fn raised(self) -> &'static str {
        match (self.inverse, self.transposed) {
            (false, false) => "",
            (false, true) => "ᵀ",
            (true, false) => "⁻¹",
            (true, true) => "⁻ᵀ",
        }
    }
}

/// A fraction: numbers, then either entries that are multiplied one by one, or a chain of matrices.
#[derive(Default)]
struct Fraction {
    negative: bool,
    number: f64,
    divisor: f64,
    above: Vec<(Id, i32)>,
    below: Vec<(Id, i32)>,
    entries_above: Vec<(Id, i32)>,
    entries_below: Vec<(Id, i32)>,
    chain: Vec<(Id, Mark)>,
    /// A unit vector, or ones.
    unit: Option<String>,
}

/// Writes values: those with a name by it.
pub struct Notation<'g> {
    graph: &'g Graph,
    /// Names that always stand for their value.
    names: HashMap<Id, String>,
    /// The intermediate variables: by their names, unless they are substituted.
    variables: HashMap<Id, String>,
    substituting: bool,
    known: HashMap<Id, Text>,
    letters: Letters,
    /// What unit vectors are called.
    pub unit_name: &'static str,
}

impl<'g> Notation<'g> {
    pub fn new(graph: &'g Graph, letters: Letters) -> Self {
        Notation {
            graph,
            names: HashMap::new(),
            variables: HashMap::new(),
            substituting: false,
            known: HashMap::new(),
            letters,
            unit_name: "e",
        }
    }

    /// Gives a value a name; what has been written before is written anew.
    pub fn name(&mut self, id: Id, name: impl Into<String>) {
        self.names.insert(id, name.into());
        self.known.clear();
    }

    /// Gives a value a name that has not been written before.
    pub fn name_new(&mut self, id: Id, name: impl Into<String>) {
        self.names.insert(id, name.into());
    }

    /// Makes a value an intermediate variable.
    pub fn introduce(&mut self, id: Id, name: impl Into<String>) {
        self.variables.insert(id, name.into());
        self.known.clear();
    }

    /// Writes a variable out from here on.
    pub fn forget(&mut self, id: Id) {
        self.variables.remove(&id);
        self.known.clear();
    }

    /// Whether variables are written out from here on.
    pub fn substitute(&mut self, substituting: bool) {
        self.substituting = substituting;
        self.known.clear();
    }

    /// The name of a variable, a symbol or a leaf.
    pub fn named(&self, id: Id) -> String {
        let name = self.names.get(&id).or(self.variables.get(&id)).cloned();
        name.or_else(|| leaf_name(self.graph, id))
            .unwrap_or_else(|| "…".to_string())
    }

    pub fn has_name(&self, id: Id) -> bool {
        self.names.contains_key(&id) || !self.substituting && self.variables.contains_key(&id)
    }

    /// The value in full; `None` where that would be too long to be read.
    pub fn write(&mut self, id: Id) -> Option<Text> {
        if self.operations(id) > MOST {
            return None;
        }
        let text = self.text(id);
        (!text.text.contains(UNREADABLE)).then_some(text)
    }

    /// An operation of named values, which have their names here.
    pub fn write_operation(&mut self, id: Id) -> Option<Text> {
        let name = self.variables.remove(&id);
        self.known.clear();
        let text = self.write(id);
        if let Some(name) = name {
            self.introduce(id, name);
        }
        text
    }

    /// The name of a parameter, also where the result has its own name for it, or of a variable.
    pub fn named_leaf(&self, id: Id) -> String {
        let own = self.names.get(&id).cloned();
        own.or_else(|| leaf_name(self.graph, id))
            .unwrap_or_else(|| self.named(id))
    }

    /// Whether a leaf is a size that has a letter.
    pub fn is_size(&self, id: Id) -> bool {
        self.names.contains_key(&id)
    }

    pub fn letter(&self, dim: &Dim) -> String {
        self.letters.letter(dim)
    }

    /// The space of a Jacobian in numerator layout.
    pub fn jacobian_space(&self, root: Option<&Shape>, wrt: Option<&Shape>) -> String {
        self.letters.jacobian_space(root, wrt)
    }

    /// `ℝᵐˣⁿ`
    pub fn space(&self, id: Id) -> String {
        self.letters.space(self.graph.shape(id).as_ref())
    }

    /// How many operations an expression has, names apart; counted no further than needed.
    fn operations(&self, id: Id) -> usize {
        let (mut pending, mut seen) = (vec![id], HashSet::new());
        while let Some(id) = pending.pop() {
            if self.has_name(id) || !seen.insert(id) {
                continue;
            }
            if seen.len() > MOST {
                break;
            }
            pending.extend(self.graph.args(id).iter().copied());
        }
        seen.len()
    }

    fn text(&mut self, id: Id) -> Text {
        if self.has_name(id) {
            return Text::atom(self.named(id));
        }
        if let Some(known) = self.known.get(&id) {
            return known.clone();
        }
        let mut text = self.operation(id);
        if text.text.len() > LONGEST {
            text = unreadable();
        }
        self.known.insert(id, text.clone());
        text
    }

    fn at(&mut self, id: Id, level: Level) -> String {
        self.text(id).at(level)
    }

    fn plain(&mut self, id: Id) -> String {
        self.text(id).text
    }

    fn call(&mut self, name: &str, args: &[Id]) -> Text {
        let args: Vec<String> = args.iter().map(|a| self.plain(*a)).collect();
        Text::atom(format!("{name}({})", args.join(", ")))
    }

    fn raised(&mut self, base: Id, raised: &str) -> Text {
        Text::new(self.at(base, Level::Atom) + raised, Level::Power)
    }

    fn operation(&mut self, id: Id) -> Text {
        let node = self.graph.node(id);
        let args = node.args;
        let open =
            |left: &str, inner: String, right: &str| Text::atom(left.to_string() + &inner + right);
        match &node.op {
            Op::Leaf(_) => Text::atom(self.named(id)),
            Op::Const(bits) => number(f64::from_bits(*bits)),
            Op::Size(dim) => Text::atom(self.letters.letter(dim)),
            Op::Scalar(function) => self.function(*function, id, &args),
            Op::PowI(0) => self.raised(args[0], "⁰"),
            Op::PowI(_) => self.product(id),
            Op::PowInt => {
                let (base, exponent) =
                    (self.at(args[0], Level::Atom), self.at(args[1], Level::Atom));
                Text::new(format!("{base}^{exponent}"), Level::Power)
            }
            Op::PowIntSlope(1) => {
                let (base, exponent) =
                    (self.at(args[0], Level::Atom), self.at(args[1], Level::Atom));
                Text::new(
                    format!("{exponent} {base}^({exponent} − 1)"),
                    Level::Product,
                )
            }
            Op::Compare(comparison) => {
                let sign = match comparison {
                    Comparison::Lt => "<",
                    Comparison::Le => "≤",
                    Comparison::Gt => ">",
                    Comparison::Ge => "≥",
                    Comparison::Eq => "=",
                    Comparison::Ne => "≠",
                };
                let (a, b) = (self.at(args[0], Level::Sum), self.at(args[1], Level::Sum));
                Text::new(format!("{a} {sign} {b}"), Level::Compare)
            }
            Op::And | Op::Or => {
                let word = if node.op == Op::And { "and" } else { "or" };
                let (a, b) = (self.plain(args[0]), self.plain(args[1]));
                Text::atom(format!("({a} {word} {b})"))
            }
            Op::Not => Text::atom(format!("not {}", self.at(args[0], Level::Sum))),
            Op::Select => {
                let (cond, a, b) = (
                    self.plain(args[0]),
                    self.plain(args[1]),
                    self.plain(args[2]),
                );
                Text::atom(format!("{{{a} if {cond}, else {b}}}"))
            }

            Op::Fill if self.is_number(args[0], 0.0) => Text::atom("0"),
            Op::Fill => self.product(id),
            Op::Identity => Text::atom("I"),
            Op::Build => self.entries(&args, node.kind.shape.as_ref()),
            Op::Place(place) => {
                let given: Vec<String> = args.iter().map(|a| self.at(*a, Level::Atom)).collect();
                written_place(place, &given)
            }
            Op::Part(Part::Gathered(shape, places)) => {
                let (at, indices) = self.gathered(shape, places, &args[1..]);
                let whole = self.at(args[0], Level::Atom);
                Text::atom(format!("{{{whole}[{at}] for {indices}}}"))
            }
            Op::Scatter(Part::Gathered(shape, places)) => {
                let (at, indices) = self.gathered(shape, places, &args[1..]);
                let (value, unit) = (self.at(args[0], Level::Atom), self.unit_name);
                Text::atom(format!(
                    "Σ{{{value}[{indices}] {unit}[{at}] for {indices}}}"
                ))
            }
            Op::Part(part) => self.part(part, &args),
            Op::Scatter(part) if part.is_entry() => self.product(id),
            Op::Scatter(part) => self.scatter(part, &args),
            Op::Reshape => match (self.graph.shape(args[0]), &node.kind.shape) {
                (Some(from), Some(to))
                    if from.is_column() == to.is_column() && from.is_vector() =>
                {
                    self.text(args[0])
                }
                (Some(from), _) if from.is_vector() => self.raised(args[0], "ᵀ"),
                (_, Some(to)) if to.is_column() => self.call("vec", &args),
                (_, Some(to)) if to.is_vector() => {
                    Text::new(self.call("vec", &args).text + "ᵀ", Level::Power)
                }
                _ => self.call("reshape", &args),
            },
            Op::StackRows => {
                let rows: Vec<String> = args.iter().take(9).map(|a| self.plain(*a)).collect();
                let more = if args.len() > 9 { "; …" } else { "" };
                Text::atom(format!("[{}{more}]", rows.join("; ")))
            }
            Op::Kronecker => self.call("kron", &args),
            Op::CrossMatrix => Text::atom(format!("[{}]×", self.plain(args[0]))),
            // A map, not a formula.
            Op::Each => unreadable(),
            Op::Diagonal => self.call("diagonal", &args),
            Op::SpreadRows => Text::new(
                "1⃗ ".to_string() + &self.at(args[0], Level::Power),
                Level::Product,
            ),
            Op::SpreadColumns => Text::new(self.at(args[0], Level::Power) + " 1⃗ᵀ", Level::Product),

            Op::Sum | Op::Total => self.call("sum", &args),
            Op::Fold => {
                let (start, sum) = (self.at(args[1], Level::Sum), self.plain(args[0]));
                Text::new(format!("{start} + sum({sum})"), Level::Sum)
            }
            Op::Mean => self.call("mean", &args),
            Op::Trace => self.call("tr", &args),
            Op::RowSum => self.call("row_sum", &args),
            Op::ColumnSum => self.call("column_sum", &args),
            Op::RowMean => self.call("row_mean", &args),
            Op::ColumnMean => self.call("column_mean", &args),
            Op::Variance => self.call("var", &args),
            Op::Dot if self.is_vector(args[0]) => {
                let (a, b) = (
                    self.at(args[0], Level::Power),
                    self.at(args[1], Level::Power),
                );
                Text::new(format!("{a} · {b}"), Level::Product)
            }
            Op::Dot => open("⟨", self.plain(args[0]) + ", " + &self.plain(args[1]), "⟩"),
            Op::TrDot => open(
                "⟨",
                self.raised(args[0], "ᵀ").text + ", " + &self.plain(args[1]),
                "⟩",
            ),
            Op::Norm => open("‖", self.plain(args[0]), "‖"),
            Op::NormSquared => Text::new(format!("‖{}‖²", self.plain(args[0])), Level::Power),
            Op::Normalize => {
                let (x, inner) = (self.at(args[0], Level::Power), self.plain(args[0]));
                Text::new(format!("{x}/‖{inner}‖"), Level::Product)
            }
            Op::Extreme(extreme) => {
                let x = self.plain(args[0]);
                Text::atom(match extreme {
                    Extreme::Max => format!("max({x})"),
                    Extreme::Min => format!("min({x})"),
                    Extreme::AbsMax => format!("max(|{x}|)"),
                    Extreme::AbsMin => format!("min(|{x}|)"),
                })
            }

            Op::MatMul
            | Op::TrMul
            | Op::ProductTn
            | Op::ProductNt
            | Op::FromDiagonal
            | Op::ScaleRows
            | Op::ScaleColumns
            | Op::Transpose
            | Op::Inverse(_)
            | Op::InverseTranspose
            | Op::LuInverse(_)
            | Op::CholeskyInverse
            | Op::LuSolve(_)
            | Op::LuTrSolve
            | Op::CholeskySolve => self.product(id),
            Op::Cross => {
                let (a, b) = (
                    self.at(args[0], Level::Power),
                    self.at(args[1], Level::Power),
                );
                Text::new(format!("{a} × {b}"), Level::Product)
            }
            Op::Determinant | Op::LuDeterminant | Op::CholeskyDeterminant => {
                self.call("det", &args)
            }
            Op::CholeskyLnDeterminant => self.call("ln det", &args),
            Op::Cofactors => self.call("cof", &args),
            Op::Lu | Op::Cholesky(_) => self.text(args[0]),
            Op::CholeskyFactor => self.call("chol", &args),
            Op::Distance => open(
                "‖",
                self.at(args[0], Level::Sum) + " − " + &self.at(args[1], Level::Product),
                "‖",
            ),
            Op::Stumpff(order) => self.call(&format!("c{}", subscript(*order as usize)), &args),
            Op::QuaternionRotate => {
                let (q, v) = (
                    self.at(args[0], Level::Power),
                    self.at(args[1], Level::Power),
                );
                Text::new(format!("{q} {v} {q}*"), Level::Product)
            }
            Op::QuaternionProduct => {
                let (p, q) = (
                    self.at(args[0], Level::Power),
                    self.at(args[1], Level::Power),
                );
                Text::new(format!("{p} {q}"), Level::Product)
            }
            Op::QuaternionConjugate => self.raised(args[0], "*"),
            Op::QuaternionExp | Op::RotationExp | Op::RotationAbout => self.call("exp", &args),
            Op::QuaternionLog | Op::RotationLog => self.call("log", &args),
            Op::RotationAngle => self.call("angle", &args),
            Op::Stop => self.call("stop_gradient", &args),
            Op::Absent => Text::atom("0"),
            Op::Call(_) => Text::atom(self.called(id)),
            Op::Apply(number, by) => {
                let (name, written) = self.callee_of(*number, &args);
                let primes = ["", "′", "″", "‴"].get(by.len()).copied().unwrap_or("⁗");
                let places: String = match args.len() {
                    1 => String::new(),
                    _ => by.iter().map(|k| subscript(k + 1)).collect(),
                };
                Text::atom(format!("{name}{primes}{places}({written})"))
            }
            Op::Item(part) => self.item(args[0], part),
            // What only derivatives of factorisations are made of.
            other => {
                let name = format!("{other:?}");
                let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
                self.call(&snake_case(&name), &args)
            }
        }
    }

    /// `[a, b]ᵀ`, or `[a, b; c, d]`, row by row.
    fn entries(&mut self, entries: &[Id], shape: Option<&Shape>) -> Text {
        let shown = 9;
        let rows = match shape.map(|s| &s.rows) {
            Some(Dim::Static(rows)) if !shape.is_some_and(Shape::is_column) => (*rows).max(1),
            _ => 1,
        };
        if rows > 1 && entries.len() > shown {
            return unreadable();
        }
        let mut lines = Vec::new();
        for row in 0..rows {
            let line = entries.iter().skip(row).step_by(rows).take(shown);
            let line: Vec<String> = line.map(|a| self.plain(*a)).collect();
            lines.push(line.join(", "));
        }
        let more = if entries.len() > shown { ", …" } else { "" };
        let raised = match shape {
            Some(shape) if shape.is_column() => "ᵀ",
            _ => "",
        };
        Text::new(
            format!("[{}{more}]{raised}", lines.join("; ")),
            Level::Power,
        )
    }

    fn is_vector(&self, id: Id) -> bool {
        self.graph.shape(id).is_none_or(|s| s.is_vector())
    }

    fn function(&mut self, function: Scalar, id: Id, args: &[Id]) -> Text {
        let text = |text: String, level| Text::new(text, level);
        match function {
            Scalar::Add | Scalar::Sub => self.sum(id, false),
            Scalar::Neg | Scalar::Mul | Scalar::Div | Scalar::Recip | Scalar::RecipOrZero => {
                self.product(id)
            }
            Scalar::MulAdd => {
                let [a, b] = [args[0], args[1]].map(|a| self.at(a, Level::Power));
                let c = self.at(args[2], Level::Product);
                text(format!("{a} {b} + {c}"), Level::Sum)
            }
            Scalar::Abs => Text::atom(format!("|{}|", self.plain(args[0]))),
            Scalar::Sqrt => text(format!("√{}", self.at(args[0], Level::Atom)), Level::Power),
            Scalar::Cbrt => text(format!("∛{}", self.at(args[0], Level::Atom)), Level::Power),
            Scalar::Powf => {
                let base = self.at(args[0], Level::Atom);
                let exponent = self.text(args[1]);
                match superscript(&exponent.text) {
                    Some(raised) => text(base + &raised, Level::Power),
                    None => text(format!("{base}^{}", exponent.at(Level::Atom)), Level::Power),
                }
            }
            Scalar::Exp2 => text(format!("2^{}", self.at(args[0], Level::Atom)), Level::Power),
            Scalar::ExpM1 => text(format!("exp({}) − 1", self.plain(args[0])), Level::Sum),
            Scalar::Ln1p => Text::atom(format!("ln(1 + {})", self.at(args[0], Level::Product))),
            Scalar::Log2 => self.call("log₂", args),
            Scalar::Log10 => self.call("log₁₀", args),
            Scalar::Hypot => {
                let [a, b] = [args[0], args[1]].map(|a| self.at(a, Level::Atom));
                Text::atom(format!("√({a}² + {b}²)"))
            }
            // The constant first, as in max(0, z).
            Scalar::Max | Scalar::Min if self.graph.uniform_const(args[1]).is_some() => {
                self.call(function.surface(), &[args[1], args[0]])
            }
            Scalar::Asin => self.call("arcsin", args),
            Scalar::Acos => self.call("arccos", args),
            Scalar::Atan => self.call("arctan", args),
            Scalar::Asinh => self.call("arsinh", args),
            Scalar::Acosh => self.call("arcosh", args),
            Scalar::Atanh => self.call("artanh", args),
            _ => self.call(function.surface(), args),
        }
    }

    fn part(&mut self, part: &Part, args: &[Id]) -> Text {
        let whole = self.at(args[0], Level::Atom);
        let at: Vec<String> = args[1..].iter().map(|a| self.plain(*a)).collect();
        Text::atom(match part {
            Part::Entry | Part::EntryAt => format!("{whole}[{}]", at.join(", ")),
            Part::Selected(extreme) => format!("{whole}[{}]", selected(*extreme, &at.join(", "))),
            Part::Row => format!("{whole}[{}, ..]", at.join(", ")),
            Part::Column => format!("{whole}[.., {}]", at.join(", ")),
            Part::Element(_, shape) => {
                format!(
                    "{whole}[{}]",
                    self.index_of_element(args[1], shape.entries())
                )
            }
            Part::FixedRows(Dim::Static(n)) if self.is_list(args[0]) => {
                format!("{whole}[{}]", self.index_of_element(args[1], Some(*n)))
            }
            Part::FixedRows(_) | Part::Rows if self.is_list(args[0]) => {
                format!("{whole}[{}]", self.index_of_element(args[1], None))
            }
            _ => format!("{whole}.{}({})", part.surface(), at.join(", ")),
        })
    }

    fn is_list(&self, id: Id) -> bool {
        let lists = self.graph.lists.borrow();
        lists.get(&id).is_some_and(|list| list.element.is_some())
    }

    /// The index of the element of a list whose entries start there.
    fn index_of_element(&mut self, start: Id, each: Option<usize>) -> String {
        let index = self.graph.elements.borrow().get(&start).copied();
        match (index, self.graph.integer_value(start), each) {
            (None, Some(start), Some(each)) => (start / each.max(1)).to_string(),
            (index, ..) => self.plain(index.unwrap_or(start)),
        }
    }

    /// The index that entries are taken from, and the indices of the place that they are put in.
    fn gathered(
        &mut self,
        shape: &Shape,
        places: &[Position<usize>],
        given: &[Id],
    ) -> (String, &'static str) {
        let given: Vec<String> = given.iter().map(|a| self.at(*a, Level::Atom)).collect();
        let at: Vec<String> = places
            .iter()
            .map(|p| written_place(p, &given).text)
            .collect();
        let indices = if shape.is_column() { "i" } else { "i, j" };
        (at.join(", "), indices)
    }

    /// A part that is all that is not zero.
    fn scatter(&mut self, part: &Part, args: &[Id]) -> Text {
        let value = self.text(args[0]);
        let place = self.part(part, args).text;
        let place = place.strip_prefix(&value.at(Level::Atom)).unwrap_or("");
        Text::atom(format!("{{{} at {place}, else 0}}", value.text))
    }

    /// Ones in the shape of a value.
    fn ones(&self, id: Id) -> Option<String> {
        let ones = match self.graph.shape(id)? {
            shape if shape.is_single() => "",
            shape if shape.is_column() => "1⃗",
            shape if shape.is_vector() => "1⃗ᵀ",
            _ => "1⃗ 1⃗ᵀ",
        };
        Some(ones.to_string())
    }

    /// What a number is multiplied with: a vector of ones, or a unit vector.
    fn unit(&mut self, id: Id) -> Option<String> {
        let args = self.graph.args(id);
        match self.graph.op(id) {
            Op::Fill => self.ones(id),
            Op::Scatter(Part::Entry | Part::EntryAt) => {
                let at: Vec<String> = args[1..].iter().map(|a| self.plain(*a)).collect();
                let raised = self
                    .graph
                    .shape(id)
                    .is_some_and(|s| s.rows == Dim::Static(1) && !s.is_single());
                let raised = if raised { "ᵀ" } else { "" };
                Some(format!("{}[{}]{raised}", self.unit_name, at.join(", ")))
            }
            Op::Scatter(Part::Selected(extreme)) => {
                let at = selected(extreme, &self.plain(args[1]));
                Some(format!("{}[{at}]", self.unit_name))
            }
            _ => None,
        }
    }

    // ---- calls ----

    /// `f(x, 2)`
    fn called(&mut self, call: Id) -> String {
        let (name, args) = self.callee(call);
        format!("{name}({args})")
    }

    /// The derivative of a call by one of its arguments, as a matrix: `f′(x)`, or `f′₂(x, y)` by the second of several.
    pub fn slope(&mut self, call: Id, at: usize) -> String {
        let (name, args) = self.callee(call);
        let real = |arg: &&Id| self.graph.kind(**arg) != Kind::OPAQUE;
        let place = match self.graph.args(call).iter().filter(real).count() {
            1 => String::new(),
            _ => subscript(at + 1),
        };
        format!("{name}′{place}({args})")
    }

    /// The same transposed, which makes no difference from a number to a number.
    pub fn adjoint_slope(&mut self, call: Id, at: usize, cotangent: Id) -> String {
        let arg = self.graph.args(call).get(at).copied();
        let scalar =
            !self.graph.is_matrix(cotangent) && arg.is_some_and(|a| !self.graph.is_matrix(a));
        self.slope(call, at) + if scalar { "" } else { "ᵀ" }
    }

    fn callee(&mut self, call: Id) -> (String, String) {
        let values = self.graph.args(call);
        let Op::Call(number) = self.graph.op(call) else {
            return ("…".to_string(), String::new());
        };
        self.callee_of(number, &values)
    }

    fn callee_of(&mut self, number: usize, values: &[Id]) -> (String, String) {
        let called = self.graph.calls.borrow()[number].clone();
        let args = called.arguments.iter();
        let mut args: Vec<String> = args
            .map(|argument| self.argument(argument, values))
            .collect();
        let name = match called.callee {
            Callee::Function { name, .. } => name.to_string(),
            Callee::Method { name, .. } => {
                let receiver: String = args.remove(0).split_whitespace().collect();
                format!("{receiver}.{name}")
            }
        };
        (name.replace("r#", ""), args.join(", "))
    }

    fn argument(&mut self, argument: &Argument, values: &[Id]) -> String {
        match argument {
            Argument::Value { at, .. }
            | Argument::Whole { at, .. }
            | Argument::Iterated { at, .. } => self.plain(values[*at]),
            Argument::Tuple { parts, .. } => {
                let parts = parts.iter().map(|part| self.argument(part, values));
                let parts: Vec<String> = parts.collect();
                format!("({})", parts.join(", "))
            }
            Argument::Inert(tokens, _) => tokens.to_string(),
        }
    }

    /// A part of what a call returns, of its tangent, or of its pulled-back cotangent.
    fn item(&mut self, of: Id, part: &[usize]) -> Text {
        let args = self.graph.args(of);
        let mut terms = Vec::new();
        match self.graph.op(of) {
            // Whether there is a value.
            Op::Call(number) if self.graph.calls.borrow()[number].is_attempt() => {
                return Text::new(self.called(of) + " exists", Level::Compare);
            }
            Op::Call(_) => {
                let part: String = part.iter().map(|p| format!(".{p}")).collect();
                return Text::atom(self.called(of) + &part);
            }
            Op::CallTangent if part.is_empty() => {
                for (k, tangent) in args[1..].iter().enumerate() {
                    if self.graph.op(*tangent) != Op::Absent {
                        let slope = self.slope(args[0], k);
                        terms.push(slope + " " + &self.at(*tangent, Level::Power));
                    }
                }
            }
            Op::CallAdjoint(parts) if parts.iter().all(Vec::is_empty) && !part.is_empty() => {
                let count = self.graph.args(args[0]).len();
                let at = (0..count).find(|k| position(self.graph, args[0], *k) == part);
                let at = at.unwrap_or(0);
                for cotangent in &args[1..] {
                    let slope = self.adjoint_slope(args[0], at, *cotangent);
                    terms.push(match self.at(*cotangent, Level::Power).as_str() {
                        "1" => slope,
                        cotangent => format!("{slope} {cotangent}"),
                    });
                }
            }
            // Second derivatives have no short name.
            _ => return unreadable(),
        }
        let level = if terms.len() > 1 {
            Level::Sum
        } else {
            Level::Product
        };
        Text::new(terms.join(" + "), level)
    }

    // ---- sums ----

    fn sum(&mut self, id: Id, negated: bool) -> Text {
        let mut terms = Vec::new();
        self.terms(id, negated, &mut terms);
        if self.graph.is_matrix(id) && !terms.iter().any(|t| self.graph.is_matrix(t.1)) {
            // Numbers only, expanded.
            let sum = self.sum_of(terms);
            let ones = self.ones(id).unwrap_or_default();
            let text = format!("{} {ones}", sum.at(Level::Power));
            return Text::new(text.trim(), Level::Product);
        }
        self.sum_of(terms)
    }

    fn sum_of(&mut self, terms: Vec<(bool, Id)>) -> Text {
        let mut written: Vec<(bool, String)> = terms
            .into_iter()
            .map(|(negative, term)| {
                let text = match self.unsigned(term) {
                    Some(text) => (!negative, text),
                    None => (negative, self.text(term)),
                };
                (text.0, text.1.at(Level::Product))
            })
            .collect();
        if written.first().is_some_and(|t| t.0) {
            // In their order, but those with a minus behind.
            written.sort_by_key(|t| t.0);
        }
        let mut out = String::new();
        for (i, (negative, text)) in written.iter().enumerate() {
            out += match (i, negative) {
                (0, false) => "",
                (0, true) => "−",
                (_, false) => " + ",
                (_, true) => " − ",
            };
            out += text;
            if out.len() > LONGEST {
                return unreadable();
            }
        }
        Text::new(out, Level::Sum)
    }

    fn terms(&self, id: Id, negated: bool, into: &mut Vec<(bool, Id)>) {
        if into.len() > MOST {
            return;
        }
        let args = self.graph.args(id);
        let op = if self.has_name(id) {
            None
        } else {
            Some(self.graph.op(id))
        };
        match op {
            Some(Op::Scalar(Scalar::Add)) => {
                self.terms(args[0], negated, into);
                self.terms(args[1], negated, into);
            }
            Some(Op::Scalar(Scalar::Sub)) => {
                self.terms(args[0], negated, into);
                self.terms(args[1], !negated, into);
            }
            Some(Op::Scalar(Scalar::Neg)) => self.terms(args[0], !negated, into),
            Some(Op::Fill) if !self.is_number(args[0], 0.0) => self.terms(args[0], negated, into),
            _ => into.push((negated, id)),
        }
    }

    fn is_number(&self, id: Id, value: f64) -> bool {
        self.graph.uniform_const(id) == Some(value)
    }

    /// A term without its minus sign, if it has one.
    fn unsigned(&mut self, id: Id) -> Option<Text> {
        let text = self.text(id);
        let rest = text.text.strip_prefix('−')?;
        (text.level == Level::Sum && !self.is_sum(id)).then(|| Text::new(rest, Level::Product))
    }

    fn is_sum(&self, id: Id) -> bool {
        !self.has_name(id)
            && matches!(
                self.graph.op(id),
                Op::Scalar(Scalar::Add | Scalar::Sub | Scalar::MulAdd | Scalar::ExpM1) | Op::Fold
            )
    }

    // ---- products ----

    fn product(&mut self, id: Id) -> Text {
        let mut fraction = Fraction {
            number: 1.0,
            divisor: 1.0,
            ..Fraction::default()
        };
        self.read(id, false, false, &mut fraction);
        let f = &fraction;
        let entries = [&f.entries_above, &f.entries_below];
        if entries.iter().all(|e| e.is_empty()) && f.chain.is_empty() && f.unit.is_none() {
            // Numbers only, expanded.
            fraction.unit = self.ones(id);
        }
        self.fraction(fraction)
    }

    /// Reads a product into a fraction: its denominator where inverted, entry by entry where it stands among entries.
    fn read(&mut self, id: Id, inverted: bool, entries: bool, into: &mut Fraction) {
        self.read_power(id, if inverted { -1 } else { 1 }, entries, into);
    }

    fn read_power(&mut self, id: Id, exponent: i32, entries: bool, into: &mut Fraction) {
        let args = self.graph.args(id);
        let is_matrix = self.graph.is_matrix(id);
        let op = if self.has_name(id) {
            None
        } else {
            Some(self.graph.op(id))
        };
        match op {
            Some(Op::Const(bits)) if exponent.abs() == 1 => {
                let value = f64::from_bits(bits);
                let place = if exponent < 0 {
                    &mut into.divisor
                } else {
                    &mut into.number
                };
                *place *= value.abs();
                into.negative ^= value < 0.0;
            }
            Some(Op::Fill) if entries => self.read_power(args[0], exponent, false, into),
            Some(Op::Fill | Op::Scatter(_))
                if exponent == 1 && !entries && into.unit.is_none() && into.chain.is_empty() =>
            {
                match self.unit(id) {
                    Some(unit) => {
                        into.unit = Some(unit);
                        self.read_power(args[0], 1, false, into);
                    }
                    None => self.push(id, exponent, into),
                }
            }
            Some(Op::Scalar(Scalar::Neg)) => {
                into.negative ^= exponent % 2 != 0;
                self.read_power(args[0], exponent, entries, into);
            }
            Some(Op::Scalar(Scalar::Mul)) => {
                let matrices = args.iter().filter(|a| self.graph.is_matrix(**a)).count();
                for arg in args.iter() {
                    self.read_power(*arg, exponent, entries || matrices > 1, into);
                }
            }
            Some(Op::Scalar(Scalar::Div)) => {
                let entries = entries || self.graph.is_matrix(args[1]);
                self.read_power(args[0], exponent, entries, into);
                self.read_power(args[1], -exponent, entries, into);
            }
            Some(Op::Scalar(Scalar::Recip | Scalar::RecipOrZero)) => {
                self.read_power(args[0], -exponent, entries || is_matrix, into);
            }
            Some(Op::PowI(n)) if n != 0 && n.saturating_mul(exponent).unsigned_abs() < 100 => {
                // (2x)² stays as it is.
                self.push(args[0], n * exponent, into);
            }
            Some(
                Op::MatMul
                | Op::TrMul
                | Op::ProductTn
                | Op::ProductNt
                | Op::FromDiagonal
                | Op::ScaleRows
                | Op::ScaleColumns
                | Op::Transpose
                | Op::Inverse(_)
                | Op::InverseTranspose
                | Op::LuInverse(_)
                | Op::CholeskyInverse
                | Op::LuSolve(_)
                | Op::LuTrSolve
                | Op::CholeskySolve,
            ) if exponent == 1 && !entries && into.chain.is_empty() => {
                self.chain(id, Mark::NONE, into);
            }
            _ => self.push(id, exponent, into),
        }
    }

    fn push(&self, id: Id, exponent: i32, into: &mut Fraction) {
        let place = match (self.graph.is_matrix(id), exponent > 0) {
            (false, true) => &mut into.above,
            (false, false) => &mut into.below,
            (true, true) => &mut into.entries_above,
            (true, false) => &mut into.entries_below,
        };
        match place.iter_mut().find(|f| f.0 == id) {
            Some(known) => known.1 += exponent.abs(),
            None => place.push((id, exponent.abs())),
        }
    }

    /// Reads a product of matrices into its factors, with numbers to the front.
    fn chain(&mut self, id: Id, mark: Mark, into: &mut Fraction) {
        let args = self.graph.args(id);
        let op = if self.has_name(id) || into.chain.len() > 40 {
            None
        } else {
            Some(self.graph.op(id))
        };
        // diag(2 v) is 2 diag(v).
        let op = op.filter(|op| !mark.diagonal || matches!(op, Op::Scalar(_)));
        let turned = mark.turned();
        let mut both = |a: (Id, Mark), b: (Id, Mark)| {
            // (A B)ᵀ = Bᵀ Aᵀ
            let [a, b] = if mark.transposed { [b, a] } else { [a, b] };
            self.chain(a.0, a.1, into);
            self.chain(b.0, b.1, into);
        };
        let with = |base: Mark, inverse: bool, transposed: bool| Mark {
            inverse,
            transposed: base.transposed ^ transposed,
            diagonal: false,
        };
        match op {
            Some(Op::MatMul) if !mark.inverse => both((args[0], mark), (args[1], mark)),
            Some(Op::TrMul | Op::ProductTn) if !mark.inverse => {
                both((args[0], turned), (args[1], mark))
            }
            Some(Op::ProductNt) if !mark.inverse => both((args[0], mark), (args[1], turned)),
            Some(Op::LuSolve(_) | Op::CholeskySolve) if !mark.inverse => {
                both((args[0], with(mark, true, false)), (args[1], mark));
            }
            Some(Op::FromDiagonal) if !mark.inverse => self.chain(args[0], Mark::DIAGONAL, into),
            Some(Op::ScaleRows) if !mark.inverse => {
                both((args[0], Mark::DIAGONAL), (args[1], mark));
            }
            Some(Op::ScaleColumns) if !mark.inverse => {
                both((args[0], mark), (args[1], Mark::DIAGONAL));
            }
            Some(Op::LuTrSolve) if !mark.inverse => {
                both((args[0], with(mark, true, true)), (args[1], mark));
            }
            Some(Op::Transpose) => self.chain(args[0], turned, into),
            Some(Op::Lu | Op::Cholesky(_)) => self.chain(args[0], mark, into),
            Some(Op::Inverse(_) | Op::LuInverse(_) | Op::CholeskyInverse) if !mark.inverse => {
                self.chain(args[0], with(mark, true, false), into);
            }
            Some(Op::InverseTranspose) if !mark.inverse => {
                self.chain(args[0], with(mark, true, true), into);
            }
            Some(Op::Scalar(Scalar::Neg)) if !mark.inverse => {
                into.negative = !into.negative;
                self.chain(args[0], mark, into);
            }
            Some(Op::Scalar(Scalar::Mul | Scalar::Div))
                if !mark.inverse && args.iter().any(|a| !self.graph.is_matrix(*a)) =>
            {
                let inverted = matches!(op, Some(Op::Scalar(Scalar::Div)));
                if inverted && self.graph.is_matrix(args[1]) {
                    into.chain.push((id, mark));
                    return;
                }
                for (k, arg) in args.iter().enumerate() {
                    if self.graph.is_matrix(*arg) {
                        self.chain(*arg, mark, into);
                    } else {
                        self.read(*arg, inverted && k == 1, false, into);
                    }
                }
            }
            Some(Op::Identity) => {}
            _ => into.chain.push((id, mark)),
        }
    }

    fn fraction(&mut self, mut f: Fraction) -> Text {
        // 0.333… x is x / 3.
        let written = format!("{}", f.number).len() <= 8;
        let whole = |q: &f64| (f.number * q).round() / q == f.number && f.number * q >= 0.5;
        if let Some(q) = [3.0, 6.0, 7.0, 9.0, 11.0, 12.0].into_iter().find(whole)
            && !written
        {
            (f.number, f.divisor) = ((f.number * q).round(), f.divisor * q);
        }
        // 4 x / 2 is 2 x.
        if f.divisor != 1.0 && f.number % f.divisor == 0.0 {
            (f.number, f.divisor) = (f.number / f.divisor, 1.0);
        }
        if f.number == 0.0 {
            return Text::atom("0");
        }
        // x² cos(x), not cos(x) x².
        let is_call = |f: &(Id, i32)| !self.has_name(f.0) && self.graph.leaf_of(f.0).is_none();
        f.above.sort_by_key(is_call);
        let mut above = Vec::new();
        for (id, exponent) in f.above.iter().chain(&f.entries_above) {
            let is_entries = self.graph.is_matrix(*id);
            // −2 (y − z) is 2 (z − y).
            let text = if f.negative && *exponent == 1 && self.is_difference(*id) {
                f.negative = false;
                self.sum(*id, true)
            } else {
                self.power(*id, *exponent)
            };
            above.push((text, is_entries));
        }
        for (id, mark) in &f.chain {
            let text = match mark.raised() {
                _ if mark.diagonal => Text::atom(format!("diag({})", self.plain(*id))),
                "" => self.text(*id),
                raised => self.raised(*id, raised),
            };
            above.push((text, false));
        }
        if let Some(unit) = f.unit.take().filter(|unit| !unit.is_empty()) {
            let level = match (unit.contains("⃗ "), unit.ends_with('ᵀ')) {
                (true, _) => Level::Product,
                (false, true) => Level::Power,
                (false, false) => Level::Atom,
            };
            above.push((Text::new(unit, level), false));
        }
        let mut below: Vec<Text> = Vec::new();
        for (id, exponent) in f.below.iter() {
            below.push(self.power(*id, *exponent));
        }
        let mut entries_below: Vec<Text> = Vec::new();
        for (id, exponent) in f.entries_below.iter() {
            entries_below.push(self.power(*id, *exponent));
        }
        let has_entries = !f.entries_above.is_empty() || !f.chain.is_empty();
        let identity = above.is_empty();
        let pieces = above.len() + below.len() + entries_below.len();
        let alone = pieces == 1 && above.len() == 1 && f.number == 1.0 && f.divisor == 1.0;
        if alone && !f.negative {
            return above.remove(0).0;
        }
        let mut out = String::new();
        if f.number != 1.0 || identity {
            out += &number(f.number).text;
        }
        let mut before: Option<bool> = None;
        for (text, entries) in &above {
            let written = text.at(
                if above.len() + usize::from(f.number != 1.0) > 1 || pieces > 1 || f.divisor != 1.0
                {
                    Level::Power
                } else {
                    Level::Product
                },
            );
            out += match before {
                Some(true) if *entries => " ⊗ ",
                Some(_) => " ",
                None if out.is_empty() || joins(&written) => "",
                None => " ",
            };
            out += &written;
            before = Some(*entries);
        }
        let vectors = f.entries_below.iter().all(|(id, _)| self.is_vector(*id));
        if !has_entries && vectors {
            match &entries_below[..] {
                [] | [_] => below.append(&mut entries_below),
                _ => {
                    let product = bracketed(&entries_below, " ⊗ ");
                    entries_below.clear();
                    below.push(Text::atom(product));
                }
            }
        }
        if !entries_below.is_empty() {
            out += " ⊘ ";
            out += &bracketed(&entries_below, " ⊗ ");
        }
        if f.divisor != 1.0 {
            below.insert(0, number(f.divisor));
        }
        if !below.is_empty() {
            out += "/";
            out += &bracketed(&below, " ");
        }
        if f.negative {
            return Text::new(format!("−{out}"), Level::Sum);
        }
        Text::new(out, Level::Product)
    }

    fn power(&mut self, id: Id, exponent: i32) -> Text {
        if exponent == 1 {
            return self.text(id);
        }
        if !self.is_vector(id) {
            // Entry by entry: the power of a matrix is something else.
            let factor = self.at(id, Level::Power);
            let factors = vec![factor; exponent.unsigned_abs() as usize];
            return Text::new(factors.join(" ⊗ "), Level::Product);
        }
        match superscript(&exponent.to_string()) {
            Some(raised) => self.raised(id, &raised),
            None => self.text(id),
        }
    }

    /// A sum that is not longer with all signs changed.
    fn is_difference(&self, id: Id) -> bool {
        let mut terms = Vec::new();
        self.terms(id, false, &mut terms);
        terms.len() > 1 && terms.iter().any(|t| t.0)
    }
}

/// An index of the row i and the column j.
fn written_place(place: &Position<usize>, given: &[String]) -> Text {
    match place {
        Position::Row => Text::atom("i"),
        Position::Column => Text::atom("j"),
        Position::Given(at) => Text::atom(given.get(*at).cloned().unwrap_or_default()),
        Position::Of(operator, parts) => {
            let (sign, level) = match operator {
                Arithmetic::Add => (" + ", Level::Sum),
                Arithmetic::Sub => (" − ", Level::Sum),
                Arithmetic::Mul => (" · ", Level::Product),
                Arithmetic::Div => ("/", Level::Product),
                Arithmetic::Rem => (" % ", Level::Product),
            };
            let left = written_place(&parts[0], given).at(level);
            let right = written_place(&parts[1], given);
            let tighter = if level == Level::Sum {
                Level::Product
            } else {
                Level::Power
            };
            Text::new(left + sign + &right.at(tighter), level)
        }
    }
}

/// The place of the entry that a reduction selects.
fn selected(extreme: Extreme, of: &str) -> String {
    match extreme {
        Extreme::Max => format!("argmax {of}"),
        Extreme::Min => format!("argmin {of}"),
        Extreme::AbsMax => format!("argmax |{of}|"),
        Extreme::AbsMin => format!("argmin |{of}|"),
    }
}

/// `2x`, `2(a + b)`, but `2 cos(x)`.
fn joins(text: &str) -> bool {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some('('), _) => true,
        (Some(first), next) => {
            first.is_alphabetic()
                && next.is_none_or(|c| !(c.is_ascii_alphanumeric() || c == '_' || c == '('))
        }
        (None, _) => false,
    }
}

fn bracketed(factors: &[Text], between: &str) -> String {
    match factors {
        [one] => one.at(Level::Power),
        many => {
            let many: Vec<String> = many.iter().map(|t| t.at(Level::Power)).collect();
            format!("({})", many.join(between))
        }
    }
}

/// A leaf by its name in the source.
pub fn leaf_name(graph: &Graph, id: Id) -> Option<String> {
    let list = graph.lists.borrow().get(&id).map(|list| list.name.clone());
    let name = list.or_else(|| graph.leaf_of(id).map(|leaf| leaf.name))?;
    let name: String = name.to_string().split_whitespace().collect();
    Some(name.trim_start_matches("r#").to_string())
}

fn number(value: f64) -> Text {
    if value == std::f64::consts::PI {
        return Text::atom("π");
    }
    if value == std::f64::consts::LN_2 {
        return Text::atom("ln 2");
    }
    let size = value.abs();
    let plain = format!("{size}");
    let text = if plain.len() <= 8 {
        plain
    } else if (1e-3..1e6).contains(&size) {
        format!("{size:.6}…")
    } else {
        format!("{size:e}")
    };
    match value < 0.0 {
        true => Text::new(format!("−{text}"), Level::Sum),
        false => Text::atom(text),
    }
}

fn snake_case(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The text above the line, where all of it can be written there.
pub fn superscript(text: &str) -> Option<String> {
    const PLAIN: &str = "0123456789−-+abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW";
    const RAISED: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁺ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ";
    text.chars()
        .map(|c| {
            PLAIN
                .chars()
                .position(|p| p == c)
                .and_then(|at| RAISED.chars().nth(at))
        })
        .collect()
}

/// The text below the line.
pub fn subscript(number: usize) -> String {
    let digit = |c: char| c.to_digit(10).and_then(|d| char::from_u32(0x2080 + d));
    number.to_string().chars().filter_map(digit).collect()
}

/// What a text takes on the screen.
pub fn width(text: &str) -> usize {
    text.chars().filter(|c| *c != '\u{20d7}').count()
}
