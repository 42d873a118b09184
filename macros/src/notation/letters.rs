//! Sizes by letters, and the spaces that they make.

use super::superscript;
use crate::graph::{Dim, Extent, Graph, Id, Shape};
use crate::rules::Op;
use std::collections::{HashMap, HashSet};

/// Letters for sizes: sizes that the operations of a function make equal have one.
pub struct Letters {
    /// For each dynamic size a number, const generic or another dynamic size that it equals.
    equal: HashMap<Dim, Dim>,
    given: HashMap<Dim, String>,
    products: HashMap<Dim, (Dim, Dim)>,
    free: Vec<&'static str>,
}

impl Letters {
    /// Letters that are not among the names in use.
    pub fn new(taken: &HashSet<String>) -> Self {
        let letters = ["n", "m", "k", "l", "p", "r", "s", "t", "h", "d"];
        let mut free: Vec<&str> = letters
            .into_iter()
            .filter(|l| !taken.contains(*l))
            .collect();
        free.reverse();
        Letters {
            equal: HashMap::new(),
            given: HashMap::new(),
            products: HashMap::new(),
            free,
        }
    }

    fn representative(&self, dim: &Dim) -> Dim {
        let mut dim = dim;
        while let Some(next) = self.equal.get(dim) {
            dim = next;
        }
        dim.clone()
    }

    fn join(&mut self, a: &Dim, b: &Dim) {
        let (a, b) = (self.representative(a), self.representative(b));
        if a == b {
            return;
        }
        match (&a, &b) {
            (Dim::Dynamic(i), Dim::Dynamic(j)) if i < j => self.equal.insert(b, a),
            (Dim::Dynamic(_), _) => self.equal.insert(a, b),
            (_, Dim::Dynamic(_)) => self.equal.insert(b, a),
            _ => None,
        };
    }

    /// Sizes that are others in a type of their own, and products of sizes.
    pub fn learn_extents(&mut self, graph: &Graph) {
        for (number, extent) in graph.extents.borrow().iter().enumerate() {
            let dim = Dim::Dynamic(number as u32);
            match extent {
                Extent::Fixed(other) => self.join(&dim, other),
                Extent::Product(a, b) => {
                    self.products.insert(dim, (a.clone(), b.clone()));
                }
                _ => {}
            }
        }
    }

    /// What an operation that does not panic says about its sizes.
    pub fn learn(&mut self, graph: &Graph, id: Id) {
        let node = graph.node(id);
        let shapes: Vec<Shape> = node.args.iter().filter_map(|a| graph.shape(*a)).collect();
        let square = |letters: &mut Self, s: &Shape| letters.join(&s.rows, &s.cols);
        match (&node.op, &shapes[..]) {
            (Op::MatMul, [a, b]) => self.join(&a.cols, &b.rows),
            (Op::TrMul | Op::ProductTn, [a, b]) => self.join(&a.rows, &b.rows),
            (Op::ProductNt, [a, b]) => self.join(&a.cols, &b.cols),
            (Op::TrDot, [a, b]) => {
                self.join(&a.rows, &b.cols);
                self.join(&a.cols, &b.rows);
            }
            (Op::LuSolve(_) | Op::LuTrSolve | Op::CholeskySolve, [f, b]) => {
                self.join(&f.rows, &b.rows)
            }
            (Op::Inverse(_) | Op::Determinant | Op::Lu | Op::Cholesky(_) | Op::Trace, [a]) => {
                square(self, a)
            }
            (op, [first, rest @ ..])
                if op.is_elementwise() || matches!(op, Op::Dot | Op::Cross) =>
            {
                for other in rest {
                    self.join(&first.rows, &other.rows);
                    self.join(&first.cols, &other.cols);
                }
            }
            _ => {}
        }
    }

    /// Calls a size what the user calls it.
    pub fn call(&mut self, dim: &Dim, name: &str) {
        let dim = self.representative(dim);
        if matches!(dim, Dim::Dynamic(_)) {
            self.given.entry(dim).or_insert_with(|| name.to_string());
        }
    }

    /// Gives the dynamic sizes of a shape their letters.
    pub fn assign(&mut self, shape: &Shape) {
        // A matrix is m by n.
        for dim in [&shape.cols, &shape.rows] {
            let dim = self.representative(dim);
            if matches!(dim, Dim::Dynamic(_))
                && !self.products.contains_key(&dim)
                && !self.given.contains_key(&dim)
                && let Some(letter) = self.free.pop()
            {
                self.given.insert(dim, letter.to_string());
            }
        }
    }

    pub fn letter(&self, dim: &Dim) -> String {
        match self.representative(dim) {
            Dim::Static(n) => n.to_string(),
            Dim::Generic(name) => name,
            dim => match (self.given.get(&dim), self.products.get(&dim)) {
                (Some(letter), _) => letter.clone(),
                (None, Some((a, b))) => self.letter(a) + &self.letter(b),
                (None, None) => "·".to_string(),
            },
        }
    }

    /// The number of entries.
    fn entries(&self, shape: Option<&Shape>) -> String {
        let Some(shape) = shape else {
            return "1".to_string();
        };
        let (rows, cols) = (self.letter(&shape.rows), self.letter(&shape.cols));
        match (rows.parse::<usize>(), cols.parse::<usize>()) {
            (Ok(r), Ok(c)) => (r * c).to_string(),
            (_, Ok(1)) => rows,
            (Ok(1), _) => cols,
            _ => rows + &cols,
        }
    }

    pub fn jacobian_space(&self, root: Option<&Shape>, wrt: Option<&Shape>) -> String {
        if root.is_none() && wrt.is_none() {
            return "ℝ".to_string();
        }
        let size = format!("{}x{}", self.entries(root), self.entries(wrt));
        match superscript(&size) {
            Some(raised) => format!("ℝ{raised}"),
            None => format!("ℝ^({})", size.replace('x', "×")),
        }
    }

    pub fn space(&self, shape: Option<&Shape>) -> String {
        let Some(shape) = shape else {
            return "ℝ".to_string();
        };
        let (rows, cols) = (self.letter(&shape.rows), self.letter(&shape.cols));
        let size = if shape.is_column() {
            rows
        } else {
            format!("{rows}x{cols}")
        };
        match superscript(&size) {
            Some(raised) => format!("ℝ{raised}"),
            None => format!("ℝ^({})", size.replace('x', "×")),
        }
    }
}

/// The size that an expression of the user's reads off a value: `y.len() as f64`, `x.nrows() as f64`.
pub fn size_read(graph: &Graph, text: &str) -> Option<Dim> {
    let text: String = text.split_whitespace().collect();
    let text = text.trim_start_matches('&').trim_matches(['(', ')']);
    let (value, rest) = text.split_once('.')?;
    let method = rest.split("()").next()?;
    let after = rest.strip_prefix(method)?.strip_prefix("()")?;
    if !(after.is_empty() || after == "asf64" || after == "asf32") {
        return None;
    }
    let leaves = graph.leaves.borrow();
    let lists = graph.lists.borrow();
    let list = lists
        .iter()
        .find(|(_, list)| list.name.to_string() == value);
    let leaf = leaves.iter().find(|l| l.name.to_string() == value);
    let shape = match (leaf, list) {
        (Some(leaf), _) => leaf.kind.shape.clone()?,
        (None, Some((id, _))) => graph.shape(*id)?,
        (None, None) => return None,
    };
    match method {
        "nrows" => Some(shape.rows),
        "ncols" => Some(shape.cols),
        "len" if shape.is_column() => Some(shape.rows),
        "len" if shape.is_vector() => Some(shape.cols),
        _ => None,
    }
}
