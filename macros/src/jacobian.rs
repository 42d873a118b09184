//! Jacobians and Hessians, as nodes of the same graph.
//!
//! The tangent of a value is a linear map of a tangent leaf, and so is the cotangent of a leaf of that of a value.
//! Here such a linear graph becomes its matrix: every node on the way has one, kept as a sum of products of factors
//! with a structure (a diagonal, a solve, a choice of rows, …), and only the last is evaluated, in the cheap order.
//! Matrices count as their entries, column by column.

use crate::differentiate::{reverse, tangents_for};
use crate::graph::{Dim, Elem, Extent, Graph, Guard, Id, Ids, Kind, Shape};
use crate::rules::{Applied, Law, Op, Part, Scalar, laws};
use crate::simplify::Expr;
use std::collections::{HashMap, HashSet};

/// In which direction derivatives accumulate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Whichever takes fewer operations; at a tie forward.
    Automatic,
    Forward,
    Reverse,
}

/// A node with a number of entries that stable Rust cannot write: a product of const generics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unwritable(pub Id);

/// What the size of a dynamic dimension, or of a const generic, is taken for when operations are counted.
const GUESSED_SIZE: f64 = 50.0;
/// Between the names of const generics: a size that stable Rust cannot write.
const PRODUCT: &str = " * ";
/// How many tangents cost what the way back of one entry does. Those of a call compute its value as well.
const WAY_BACK: f64 = 1.5;
/// Sums of more products than this are evaluated on the way.
const MOST_TERMS: usize = 12;
/// Matrices up to this many rows and columns are written entry by entry if their entries are known one by one.
const WRITTEN_BY_ENTRIES: usize = 6;

/// The shape of the Jacobian of `root` by `leaf`, `None` for a scalar by a scalar. Where any extent is dynamic both
/// are, since the Jacobian is then a `DMatrix`.
pub fn shape(graph: &Graph, root: Id, leaf: Id) -> Result<Option<Shape>, Unwritable> {
    if graph.shape(root).is_none() && graph.shape(leaf).is_none() {
        return Ok(None);
    }
    let (rows, cols) = (entries(graph, root), entries(graph, leaf));
    for (dim, id) in [(&rows, root), (&cols, leaf)] {
        if matches!(dim, Dim::Generic(name) if name.contains(PRODUCT)) {
            return Err(Unwritable(id));
        }
    }
    let shape = Shape::new(rows, cols);
    if !shape.is_dynamic() {
        return Ok(Some(shape));
    }
    let dynamic = |dim: Dim| match dim {
        Dim::Dynamic(_) => dim,
        known => graph.dynamic(Extent::Fixed(known)),
    };
    Ok(Some(Shape::new(dynamic(shape.rows), dynamic(shape.cols))))
}

/// The Jacobian of `root` by each leaf, in numerator layout: a scalar for a scalar by a scalar, else a matrix of the
/// [`shape`]; `None` where the root does not depend on the leaf.
pub fn jacobian(
    graph: &Graph,
    root: Id,
    wrt: &[Id],
    mode: Mode,
) -> Result<Vec<Option<Id>>, Unwritable> {
    wrt.iter()
        .map(|leaf| {
            let found = match mode {
                Mode::Forward => forward_jacobian(graph, root, *leaf, Way::Local)?,
                Mode::Reverse => cheaper(
                    graph,
                    reverse_jacobian(graph, root, *leaf),
                    jacobian_of_gradients(graph, root, *leaf),
                )?,
                // The derivative of a number is its gradient, and that by a number a tangent.
                Mode::Automatic if graph.shape(leaf.to_owned()).is_none() => {
                    forward_jacobian(graph, root, *leaf, Way::Local)?
                }
                Mode::Automatic if graph.shape(root).is_none() => {
                    reverse_jacobian(graph, root, *leaf)?
                }
                Mode::Automatic => {
                    let forward = forward_jacobian(graph, root, *leaf, Way::Cheaper);
                    let reverse = cheaper(
                        graph,
                        reverse_jacobian(graph, root, *leaf),
                        jacobian_of_gradients(graph, root, *leaf),
                    );
                    cheaper(graph, forward, reverse)?
                }
            };
            let Some(found) = found else { return Ok(None) };
            let found = graph.expr(by_entries(graph, found));
            let wanted = shape(graph, root, *leaf)?;
            let found = of_type(found, wanted).id;
            let found = scattered_rows(graph, found).unwrap_or(found);
            Ok(Some(name(graph, found, "jacobian")))
        })
        .collect()
}

/// The blocks of the Hessian, of the gradients by the same leaves: `blocks[a][b]` has the entries of leaf `a` as
/// rows. A block on the diagonal is symmetric and one below is the transpose of the one above, bit for bit.
#[allow(clippy::needless_range_loop, reason = "blocks go by two indices")]
pub fn hessian(
    graph: &Graph,
    gradients: &[Option<Id>],
    wrt: &[Id],
) -> Result<Vec<Vec<Option<Id>>>, Unwritable> {
    let mut blocks = vec![vec![None; wrt.len()]; wrt.len()];
    for a in 0..wrt.len() {
        let Some(gradient) = gradients[a] else {
            continue;
        };
        for b in a..wrt.len() {
            let Some(found) = forward_jacobian(graph, gradient, wrt[b], Way::Whole)? else {
                continue;
            };
            let block = graph.expr(by_entries(graph, found));
            // A gradient may be static where its leaf is dynamic: the block has the sizes of the leaves.
            let wanted = shape(graph, wrt[a], wrt[b])?;
            if a == b {
                let square = block.shape().is_none_or(|s| s.same_type(&s.transposed()));
                let block = if square {
                    symmetric(graph, block)
                } else {
                    block
                };
                let block = symmetric(graph, of_type(block, wanted));
                blocks[a][a] = Some(name(graph, block.id, "hessian"));
                continue;
            }
            let transposed = shape(graph, wrt[b], wrt[a])?;
            blocks[a][b] = Some(name(graph, of_type(block, wanted).id, "hessian"));
            blocks[b][a] = Some(of_type(block.t(), transposed).id);
        }
    }
    Ok(blocks)
}

/// A matrix as one of the type of this shape, of as many rows and columns.
fn of_type(m: Expr<'_>, shape: Option<Shape>) -> Expr<'_> {
    match (m.shape(), &shape) {
        (Some(have), Some(want)) if have.same_type(want) => m,
        (_, Some(want)) if m.graph.op(m.id) == Op::StackRows => {
            let kind = Kind::matrix(want.clone());
            let graph = m.graph;
            let row = Shape::new(Dim::Static(1), want.cols.clone());
            let rows = graph.args(m.id);
            let rows = rows
                .iter()
                .map(|id| of_type(graph.expr(*id), Some(row.clone())).id)
                .collect();
            graph.expr(graph.insert(Op::StackRows, rows, kind))
        }
        (_, Some(want)) if m.graph.op(m.id) == Op::Build => {
            let graph = m.graph;
            let entries: Vec<_> = graph.args(m.id).iter().map(|e| graph.expr(*e)).collect();
            graph.built(&entries, Some(want.clone()))
        }
        // Computed in one pass in the type that it has: only the result changes it.
        (Some(have), Some(want))
            if matches!(m.graph.op(m.id), Op::Scalar(_)) && !have.transposed().same_type(want) =>
        {
            let kind = Kind::matrix(want.clone());
            m.graph.expr(m.graph.insert(Op::Reshape, vec![m.id], kind))
        }
        _ => m.reshape(shape),
    }
}

fn name(graph: &Graph, id: Id, name: &str) -> Id {
    let mut hints = graph.hints.borrow_mut();
    hints.entry(id).or_insert_with(|| name.to_string());
    id
}

/// How the matrix of a value is found that comes out of a call or a loop.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With all that is before it, as one map: what is derived once more needs its tangents as they are.
    Whole,
    /// That by its argument, if only one moves, times that of the argument.
    Local,
    /// Likewise, or by the way back, where that takes fewer operations.
    Cheaper,
}

/// The Jacobian as the matrix of the tangent.
fn forward_jacobian(graph: &Graph, root: Id, leaf: Id, way: Way) -> Result<Option<Id>, Unwritable> {
    let tangent = match graph.shape(leaf) {
        // The tangent for one is the derivative.
        None => graph.constant(1.0),
        Some(_) => graph.symbol(real(graph, leaf)),
    };
    let tangents = tangents_for(graph, &[root], &[(leaf, tangent)]);
    match (tangents[root.0 as usize], graph.shape(leaf)) {
        (None, _) => Ok(None),
        (Some(image), None) => Ok(Some(column(graph, image).id)),
        (Some(image), Some(_)) => {
            let mut linear = Linear::new(graph, tangent, way);
            linear.origin = Some((leaf, tangents));
            let found = linear.matrix(image).map(|found| writable(graph, found));
            found.transpose()
        }
    }
}

/// The Jacobian as the transpose of the matrix of the cotangent.
fn reverse_jacobian(graph: &Graph, root: Id, leaf: Id) -> Result<Option<Id>, Unwritable> {
    let cotangent = match graph.shape(root) {
        None => graph.constant(1.0),
        Some(_) => graph.symbol(real(graph, root)),
    };
    let image = reverse(graph, &[(root, cotangent)], &[leaf])[0];
    match (image, graph.shape(root)) {
        (None, _) => Ok(None),
        // The gradient: at the end its entries become a row.
        (Some(image), None) => Ok(Some(column(graph, image).id)),
        (Some(image), Some(_)) => {
            let linear = Linear::new(graph, cotangent, Way::Local);
            let found = linear.transposed_matrix(image);
            found.map(|found| writable(graph, found)).transpose()
        }
    }
}

/// The Jacobian of a few numbers that are put together at the end, as their gradients one below the other.
fn jacobian_of_gradients(graph: &Graph, root: Id, leaf: Id) -> Result<Option<Id>, Unwritable> {
    let numbers = match graph.shape(root) {
        Some(Shape {
            rows: Dim::Static(rows),
            cols: Dim::Static(cols),
        }) if rows * cols <= WRITTEN_BY_ENTRIES && is_put_together(graph, root) => (0..rows * cols)
            .map(|k| entry(graph, root, k % rows, k / rows))
            .collect::<Option<Vec<Expr>>>(),
        _ => None,
    };
    let Some(numbers) = numbers else {
        return Err(Unwritable(root));
    };
    let one = graph.constant(1.0);
    let is_column = graph.shape(leaf).is_some_and(|s| s.is_column());
    // What the gradients have at the same place, which is a part of them or all, belongs together.
    let mut places: Vec<Place> = Vec::new();
    for (i, number) in numbers.iter().enumerate() {
        let gradient = reverse(graph, &[(number.id, one)], &[leaf])[0];
        for term in gradient.map_or(Vec::new(), |g| summands(graph, g)) {
            let args = graph.args(term);
            let (place, value) = match graph.op(term) {
                Op::Scatter(part @ (Part::Entry | Part::Rows | Part::FixedRows(_)))
                    if is_column =>
                {
                    (Some((part, args[1..].to_vec())), graph.expr(args[0]))
                }
                Op::Scatter(Part::Element(rows, _)) => (
                    Some((*rows, args[1..].to_vec())),
                    graph.expr(column(graph, args[0]).id),
                ),
                // A number that is added to all entries.
                _ if graph.shape(term).is_none() => {
                    let whole = graph.expr(term).fill(graph.shape(leaf));
                    (None, column(graph, whole.id))
                }
                _ => (None, column(graph, term)),
            };
            let known = places.iter().position(|(known, _)| *known == place);
            let at = known.unwrap_or_else(|| {
                places.push((place, vec![None; numbers.len()]));
                places.len() - 1
            });
            let row = &mut places[at].1[i];
            *row = Some(row.map_or(value, |known| known + value));
        }
    }
    let shape = Shape::new(entries(graph, root), entries(graph, leaf));
    if let Some(entries) = entries_of_places(graph, &places, &shape) {
        return Ok(Some(graph.built(&entries, Some(shape)).id));
    }
    let mut pieces: Vec<Expr> = Vec::new();
    for (place, values) in places {
        let (part, at) = place.unwrap_or((Part::Columns, Vec::new()));
        let at: Vec<Expr> = at.iter().map(|a| graph.expr(*a)).collect();
        match part.transposed() {
            Some(_) if at.is_empty() => pieces.push(stacked(graph, &values)),
            Some(part) => {
                pieces.push(stacked(graph, &values).scatter(&part, Some(shape.clone()), &at))
            }
            None => {
                for (i, value) in values.iter().enumerate() {
                    let at = [graph.integer(i), at[0]];
                    if let Some(value) = value {
                        pieces.push(value.scatter(&Part::EntryAt, Some(shape.clone()), &at));
                    }
                }
            }
        }
    }
    let jacobian = pieces.into_iter().reduce(|a, b| a + b);
    jacobian.map(|j| writable(graph, j.id)).transpose()
}

/// Whether a value is a matrix that is written entry by entry, or an arithmetic of such.
fn is_put_together(graph: &Graph, id: Id) -> bool {
    match graph.op(id) {
        Op::Build => true,
        Op::Scalar(_) => graph.args(id).iter().any(|a| is_put_together(graph, *a)),
        _ => false,
    }
}

/// A part of a column, `None` for all of it, and for each of some columns what it has there.
type Place<'g> = (Option<(Part, Vec<Id>)>, Vec<Option<Expr<'g>>>);

/// The entries of a small matrix, column by column, whose rows are put together from parts at known places.
fn entries_of_places<'g>(
    graph: &'g Graph,
    places: &[Place<'g>],
    shape: &Shape,
) -> Option<Vec<Expr<'g>>> {
    let (Dim::Static(rows), Dim::Static(cols)) = (&shape.rows, &shape.cols) else {
        return None;
    };
    if *rows > WRITTEN_BY_ENTRIES || *cols > WRITTEN_BY_ENTRIES || places.len() < 2 {
        return None;
    }
    let mut entries = vec![graph.real(0.0); rows * cols];
    for (place, values) in places {
        let (at, length) = match place {
            None => (0, *cols),
            Some((Part::Entry, at)) => (graph.integer_value(at[0])?, 1),
            Some((Part::FixedRows(Dim::Static(n)), at)) => (graph.integer_value(at[0])?, *n),
            Some(_) => return None,
        };
        for (i, value) in values.iter().enumerate() {
            let Some(value) = value else { continue };
            for k in 0..length {
                let known = entry(graph, value.id, k, 0);
                let known = known.unwrap_or_else(|| value.entry(graph.integer(k)));
                let sum = entries.get_mut((at + k) * rows + i)?;
                *sum = *sum + known;
            }
        }
    }
    Some(entries)
}

/// The terms of a sum.
fn summands(graph: &Graph, id: Id) -> Vec<Id> {
    match graph.op(id) {
        Op::Scalar(Scalar::Add) => {
            let args = graph.args(id);
            args.iter().flat_map(|a| summands(graph, *a)).collect()
        }
        _ => vec![id],
    }
}

/// Columns of one length, as rows one below the other.
fn stacked<'g>(graph: &'g Graph, columns: &[Option<Expr<'g>>]) -> Expr<'g> {
    let length = columns.iter().flatten().find_map(|c| c.shape());
    let length = length.map_or(Dim::Static(1), |s| s.rows);
    let row = Shape::new(Dim::Static(1), length.clone());
    let rows = columns.iter().map(|column| match column {
        Some(column) => column.t().id,
        None => graph.real(0.0).fill(Some(row.clone())).id,
    });
    let kind = Kind::matrix(Shape::new(Dim::Static(columns.len()), length));
    let stacked = graph.insert(Op::StackRows, rows.collect(), kind);
    graph.expr(by_entries(graph, stacked))
}

/// The kind of the tangents of a value.
fn real(graph: &Graph, id: Id) -> Kind {
    graph.shape(id).map_or(Kind::SCALAR, Kind::matrix)
}

fn cheaper(
    graph: &Graph,
    forward: Result<Option<Id>, Unwritable>,
    reverse: Result<Option<Id>, Unwritable>,
) -> Result<Option<Id>, Unwritable> {
    match (forward, reverse) {
        (Ok(Some(forward)), Ok(Some(reverse))) => {
            let better = work(graph, reverse) < work(graph, forward);
            Ok(Some(if better { reverse } else { forward }))
        }
        // A derivative that is zero for one of them is zero.
        (Ok(None), _) | (_, Ok(None)) => Ok(None),
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (Err(obstacle), Err(_)) => Err(obstacle),
    }
}

// ---- sizes and costs ----

/// The number of entries of a value.
fn entries(graph: &Graph, id: Id) -> Dim {
    let Some(shape) = graph.shape(id) else {
        return Dim::Static(1);
    };
    times(graph, &shape.rows, &shape.cols)
}

fn times(graph: &Graph, a: &Dim, b: &Dim) -> Dim {
    match (a, b) {
        (Dim::Static(1), other) | (other, Dim::Static(1)) => other.clone(),
        (Dim::Static(a), Dim::Static(b)) => Dim::Static(a * b),
        (Dim::Dynamic(_), _) | (_, Dim::Dynamic(_)) => {
            graph.dynamic(Extent::Product(a.clone(), b.clone()))
        }
        (a, b) => {
            let name = |d: &Dim| match d {
                Dim::Static(n) => n.to_string(),
                Dim::Generic(name) => name.clone(),
                Dim::Dynamic(_) => String::new(),
            };
            Dim::Generic(format!("{}{PRODUCT}{}", name(a), name(b)))
        }
    }
}

/// Refuses what has a product of const generics as an extent; on the way to the result there may be some.
fn writable(graph: &Graph, root: Id) -> Result<Id, Unwritable> {
    let mut pending = vec![root];
    let mut seen = HashSet::new();
    while let Some(id) = pending.pop() {
        if id.0 < graph.user_nodes.get() || !seen.insert(id) {
            continue;
        }
        let product = |dim: &Dim| matches!(dim, Dim::Generic(name) if name.contains(PRODUCT));
        if graph
            .shape(id)
            .is_some_and(|s| product(&s.rows) || product(&s.cols))
        {
            return Err(Unwritable(id));
        }
        pending.extend(graph.args(id).iter());
    }
    Ok(root)
}

fn column(graph: &Graph, id: Id) -> Expr<'_> {
    let entries = entries(graph, id);
    graph.expr(id).column(entries)
}

fn guess(graph: &Graph, dim: &Dim) -> f64 {
    match dim {
        Dim::Static(n) => *n as f64,
        Dim::Generic(_) => GUESSED_SIZE,
        Dim::Dynamic(number) => {
            let extent = graph.extents.borrow()[*number as usize].clone();
            match extent {
                Extent::Fixed(dim) => guess(graph, &dim),
                Extent::Product(a, b) => guess(graph, &a) * guess(graph, &b),
                _ => GUESSED_SIZE,
            }
        }
    }
}

/// About how many operations it takes to compute a value beyond what the user's function computes.
fn work(graph: &Graph, root: Id) -> f64 {
    let mut pending = vec![root];
    let mut seen = HashSet::new();
    let mut total = 0.0;
    while let Some(id) = pending.pop() {
        if id.0 < graph.user_nodes.get() || !seen.insert(id) {
            continue;
        }
        let node = graph.node(id);
        let extents = |id: Id| {
            let shape = graph.shape(id).unwrap_or(Shape::fixed(1, 1));
            (guess(graph, &shape.rows), guess(graph, &shape.cols))
        };
        let (rows, cols) = extents(id);
        total += match node.op {
            Op::Leaf(_) | Op::Const(_) | Op::Size(_) | Op::Part(_) | Op::Reshape => 0.0,
            Op::MatMul | Op::ProductNt => 2.0 * rows * cols * extents(node.args[0]).1,
            Op::TrMul | Op::ProductTn => 2.0 * rows * cols * extents(node.args[0]).0,
            Op::LuSolve(_) | Op::LuTrSolve | Op::CholeskySolve => 2.0 * rows * rows * cols,
            Op::Each => cols * work(graph, node.args[2]),
            Op::Sum | Op::Total | Op::Dot | Op::RowSum | Op::ColumnSum => {
                let (rows, cols) = extents(node.args[0]);
                2.0 * rows * cols
            }
            Op::CallTangent | Op::CallAdjoint(_) => {
                let of_call = graph.args(node.args[0]);
                let sizes = of_call.iter().map(|a| guess(graph, &entries(graph, *a)));
                let back = matches!(node.op, Op::CallAdjoint(_));
                2.0 * sizes.sum::<f64>() * if back { WAY_BACK } else { 1.0 }
            }
            Op::Loop(_) => {
                let read = node
                    .args
                    .iter()
                    .filter(|a| graph.kind(**a).elem == Elem::Real);
                2.0 * read.map(|a| guess(graph, &entries(graph, *a))).sum::<f64>()
            }
            _ => rows * cols,
        };
        if node.op == Op::Each {
            pending.push(node.args[0]);
        } else {
            pending.extend(node.args.iter());
        }
    }
    total
}

// ---- factors ----

/// A matrix, with what is known of its structure.
#[derive(Clone, PartialEq, Debug)]
struct Factor {
    form: Form,
    rows: Dim,
    cols: Dim,
}

#[derive(Clone, PartialEq, Debug)]
enum Form {
    Dense(Id),
    /// A diagonal matrix of the entries of a value.
    Diagonal(Id),
    /// The inverse of a factorised matrix, by the operation that solves with it.
    Solve(Op, Id),
    /// Some rows of the identity, and the transpose of that.
    Take(Part, Vec<Id>),
    Place(Part, Vec<Id>),
    /// `X ↦ A X B` on matrices X of this shape, the matrix Bᵀ ⊗ A, or `X ↦ A Xᵀ B`; no matrix is the identity.
    Sides {
        before: Option<Id>,
        after: Option<Id>,
        transposes: bool,
        operand: Shape,
    },
    /// Any other linear map, by a symbol and its image.
    Map {
        symbol: Id,
        image: Id,
    },
}

/// A number times the product of some factors; of none it is the identity.
#[derive(Clone, PartialEq, Debug)]
struct Product {
    scale: Id,
    factors: Vec<Factor>,
}

/// A sum of products, none of them zero.
#[derive(Clone, Debug)]
struct Sum {
    terms: Vec<Product>,
    rows: Dim,
}

/// The linear graph of a symbol, and the matrices of its nodes.
struct Linear<'g> {
    graph: &'g Graph,
    symbol: Id,
    /// The number of entries of the symbol.
    cols: Dim,
    /// Which nodes depend on the symbol.
    depends: Ids,
    known: HashMap<Id, Sum>,
    way: Way,
    /// If the symbol is a tangent: of which leaf, and the tangents of all values by their numbers.
    origin: Option<(Id, Vec<Option<Id>>)>,
}

impl<'g> Linear<'g> {
    fn new(graph: &'g Graph, symbol: Id, way: Way) -> Self {
        Linear {
            graph,
            symbol,
            cols: entries(graph, symbol),
            depends: graph.depends_on(&[symbol]),
            known: HashMap::new(),
            way,
            origin: None,
        }
    }

    /// The matrix by which `image` depends on the symbol.
    fn matrix(mut self, image: Id) -> Option<Id> {
        self.walk(image);
        match self.known.remove(&image) {
            Some(sum) => self.evaluate(&sum),
            None => None,
        }
    }

    fn transposed_matrix(mut self, image: Id) -> Option<Id> {
        self.walk(image);
        let sum = self.known.remove(&image)?;
        let mut transposed = Sum {
            terms: Vec::new(),
            rows: self.cols.clone(),
        };
        for term in &sum.terms {
            let mut factors = Vec::new();
            for factor in term.factors.iter().rev() {
                // The derivative of a call may not have another.
                factors.push(match self.calls(factor) {
                    true => self.dense(self.materialised(factor).t().id),
                    false => self.transposed(factor),
                });
            }
            transposed.terms.push(Product {
                scale: term.scale,
                factors,
            });
        }
        self.cols = sum.rows;
        self.evaluate(&transposed)
    }

    fn walk(&mut self, image: Id) {
        let graph = self.graph;
        let needed = graph.needed_by(&[image]);
        for number in self.symbol.0..=image.0 {
            let id = Id(number);
            if !self.depends.contains(&id) || !needed[number as usize] {
                continue;
            }
            let outside = graph.guards.replace(graph.node(id).guards);
            let found = self.node(id);
            graph.guards.replace(outside);
            if let Some(sum) = found {
                // A value that is reached on many ways is a matrix of its own: there may be exponentially many.
                let many = sum.terms.len() > MOST_TERMS;
                let whole = many.then(|| self.evaluate(&sum)).flatten();
                let whole = whole.and_then(|matrix| self.of_factor(self.dense(matrix)));
                self.known.insert(id, whole.unwrap_or(sum));
            }
        }
    }

    // ---- one node ----

    /// The matrix of a node, of those of its arguments; `None` where it is zero.
    fn node(&self, id: Id) -> Option<Sum> {
        let graph = self.graph;
        if id == self.symbol {
            return Some(self.identity(self.cols.clone()));
        }
        let node = graph.node(id);
        let args = &node.args;
        let moving: Vec<usize> = (0..args.len())
            .filter(|k| self.known.contains_key(&args[*k]))
            .collect();
        if node.kind.elem != Elem::Real {
            return None;
        }
        // What calls and factorisations hand on has no matrix: what is computed from it is a map of the symbol itself.
        let handed_on = |a: &Id| self.depends.contains(a) && graph.kind(*a).elem != Elem::Real;
        if args.iter().any(handed_on) {
            let found = self.backwards(id).or_else(|| self.by_argument(id));
            let sum = found.or_else(|| self.map_of_symbol(id));
            return self.settled(id, sum);
        }
        if moving.is_empty() {
            return None;
        }
        let on = Applied {
            graph,
            args: args.iter().map(|a| graph.expr(*a)).collect(),
            value: graph.expr(id),
        };
        let laws = laws(&node.op, &on);
        match &node.op {
            Op::Select => return self.choose(id, args),
            Op::Build => return self.stack(id, args),
            op if op.is_elementwise() => {
                let mut sum: Option<Sum> = None;
                for (k, law) in laws.iter().enumerate() {
                    let (Some(of), Law::Partial(partial)) = (self.known.get(&args[k]), law) else {
                        continue;
                    };
                    let of = if graph.is_matrix(id) && !graph.is_matrix(args[k]) {
                        self.times(&self.ones_column(id), of)
                    } else {
                        of.clone()
                    };
                    let term = self.scaled(*partial, Some(of));
                    sum = self.plus(sum, term);
                }
                return sum;
            }
            _ => {}
        }
        if moving.iter().any(|k| !matches!(laws[*k], Law::Linear(_))) {
            let sum = self.map_of_symbol(id);
            return self.settled(id, sum);
        }
        let mut sum = None;
        for k in moving {
            let Some(of) = self.known.get(&args[k]) else {
                continue;
            };
            let term = self.linear(id, k, of);
            sum = self.plus(sum, term);
        }
        self.settled(id, sum)
    }

    /// All of the linear graph up to a node, as one map.
    fn map_of_symbol(&self, id: Id) -> Option<Sum> {
        let image = if self.graph.is_matrix(id) {
            id
        } else {
            self.graph.expr(id).fill(Some(Shape::fixed(1, 1))).id
        };
        self.of_factor(Factor {
            form: Form::Map {
                symbol: self.symbol,
                image,
            },
            rows: entries(self.graph, id),
            cols: self.cols.clone(),
        })
    }

    /// The matrix of what a call or a loop gives, by the way back through it, where that has fewer entries than there
    /// are directions.
    fn backwards(&self, id: Id) -> Option<Sum> {
        let graph = self.graph;
        let directions = match self.moving_argument(id) {
            Some(argument) => entries(graph, argument),
            None => self.cols.clone(),
        };
        let directions = guess(graph, &directions).min(guess(graph, &self.cols));
        if self.way != Way::Cheaper || guess(graph, &entries(graph, id)) * WAY_BACK > directions {
            return None;
        }
        let (leaf, tangents) = self.origin.as_ref()?;
        let primal = tangents.iter().position(|t| *t == Some(id))?;
        let found = reverse_jacobian(graph, Id(primal as u32), *leaf).ok()??;
        // The gradient of a number is a column.
        let row = match graph.is_matrix(id) {
            true => graph.expr(found),
            false => graph.expr(found).row(self.cols.clone()),
        };
        self.of_factor(self.dense(row.id))
    }

    /// The matrix of what a call or a loop gives by its argument, times that of the argument, if only one moves.
    fn by_argument(&self, id: Id) -> Option<Sum> {
        let graph = self.graph;
        let argument = self
            .moving_argument(id)
            .filter(|_| self.way != Way::Whole)?;
        let along = |tangent: Id| {
            let called = graph.node(graph.args(id)[0]);
            let moved = |a: &Id| if *a == argument { tangent } else { *a };
            let args = called.args.iter().map(moved).collect();
            let called = graph.insert(called.op, args, called.kind);
            graph.expr(graph.insert(graph.op(id), vec![called], graph.kind(id)))
        };
        let of = self.known.get(&argument)?;
        if !graph.is_matrix(argument) {
            let derivative = along(graph.constant(1.0));
            return match graph.is_matrix(id) {
                true => Some(self.times(&self.dense(column(graph, derivative.id).id), of)),
                false => self.scaled(derivative, Some(of.clone())),
            };
        }
        let symbol = graph.symbol(real(graph, argument));
        let image = match along(symbol) {
            image if graph.is_matrix(id) => image,
            image => image.fill(Some(Shape::fixed(1, 1))),
        };
        let factor = Factor {
            form: Form::Map {
                symbol,
                image: image.id,
            },
            rows: entries(graph, id),
            cols: entries(graph, argument),
        };
        Some(self.times(&factor, of))
    }

    /// Of a part of the tangent of what a call or a loop gives, the tangent of its argument, if only one moves; likewise
    /// of its adjoint.
    fn moving_argument(&self, id: Id) -> Option<Id> {
        let graph = self.graph;
        let called = graph.args(id).first().copied()?;
        if !matches!(graph.op(id), Op::Item(_))
            || !matches!(
                graph.op(called),
                Op::CallTangent | Op::CallAdjoint(_) | Op::Loop(_)
            )
        {
            return None;
        }
        let args = graph.args(called);
        let mut moving = args.iter().filter(|a| self.depends.contains(a));
        let argument = *moving.next()?;
        moving.all(|other| *other == argument).then_some(argument)
    }

    /// The matrix of a number is a row, which is evaluated at once: what is on its left then costs least.
    fn settled(&self, id: Id, sum: Option<Sum>) -> Option<Sum> {
        let sum = sum?;
        if self.graph.is_matrix(id) {
            return Some(sum);
        }
        match self.evaluate(&sum) {
            Some(row) => self.of_factor(self.dense(row)),
            None => None,
        }
    }

    /// What one argument contributes to a value that is linear in it.
    fn linear(&self, id: Id, k: usize, of: &Sum) -> Option<Sum> {
        let graph = self.graph;
        let node = graph.node(id);
        let arg = node.args[k];
        let other = |k: usize| graph.expr(node.args[k]);
        let operand = graph.shape(arg).unwrap_or(Shape::fixed(1, 1));
        let dense = |m: Expr<'g>| Some(self.times(&self.dense(m.id), of));
        // A number by the entries of a matrix of its argument's shape.
        let row = |m: Expr<'g>| -> Option<Sum> {
            let entries = entries(graph, arg);
            dense(m.row(entries))
        };
        let all = || graph.expr(arg).real(1.0).fill(Some(operand.clone()));
        let sides = |before: Option<Expr<'g>>, after: Option<Expr<'g>>| {
            let factor = self.sides(id, arg, before, after, false);
            Some(self.times(&factor, of))
        };
        let turned = |before: Option<Expr<'g>>, after: Option<Expr<'g>>| {
            let factor = self.sides(id, arg, before, after, true);
            Some(self.times(&factor, of))
        };
        let (one_row, one_column) = (operand.rows == Dim::Static(1), operand.is_column());
        let ones = |rows: Dim, cols: Dim| {
            let shape = Shape::new(rows, cols);
            graph.real(1.0).fill(Some(shape))
        };
        let one = || Dim::Static(1);
        let argument = || graph.expr(arg);
        match &node.op {
            Op::Fill => Some(self.times(&self.ones_column(id), of)),
            Op::Reshape => Some(of.clone()),
            Op::Transpose if operand.is_vector() => Some(of.clone()),
            Op::Transpose => turned(None, None),
            Op::Sum | Op::Total => row(all()),
            Op::Fold if k == 0 => row(all()),
            Op::Fold => Some(of.clone()),
            Op::Mean => {
                let of = row(all());
                self.scaled(1.0 / argument().len(), of)
            }
            Op::Trace => row(argument().identity()),
            Op::Dot => row(other(1 - k)),
            Op::TrDot => row(other(1 - k).t()),

            Op::RowSum | Op::RowMean => {
                let of = if one_row {
                    Some(of.clone())
                } else {
                    sides(Some(ones(one(), operand.rows.clone())), None)
                };
                match node.op {
                    Op::RowMean => self.scaled(1.0 / argument().rows(), of),
                    _ => of,
                }
            }
            Op::ColumnSum | Op::ColumnMean => {
                let of = if one_column {
                    Some(of.clone())
                } else {
                    sides(None, Some(ones(operand.cols.clone(), one())))
                };
                match node.op {
                    Op::ColumnMean => self.scaled(1.0 / argument().cols(), of),
                    _ => of,
                }
            }
            Op::SpreadRows | Op::SpreadColumns => {
                let shape = graph.shape(id).unwrap_or(Shape::fixed(1, 1));
                if node.op == Op::SpreadRows {
                    sides(Some(ones(shape.rows, one())), None)
                } else {
                    sides(None, Some(ones(one(), shape.cols)))
                }
            }

            Op::MatMul if k == 0 => sides(None, Some(other(1))),
            Op::MatMul => sides(Some(other(0)), None),
            Op::TrMul | Op::ProductTn if k == 1 => sides(Some(other(0).t()), None),
            Op::TrMul | Op::ProductTn => turned(None, Some(other(1))),
            Op::ProductNt if k == 0 => sides(None, Some(other(1).t())),
            Op::ProductNt => turned(Some(other(0)), None),
            Op::Cross => {
                let skew = other(1 - k).cross_matrix();
                dense(if k == 0 { -skew } else { skew })
            }
            // q v q* = (I + 2 w [u] + 2 [u]²) v
            Op::QuaternionRotate => {
                let (u, w) = other(0).imaginary_and_real();
                let skew = u.cross_matrix();
                dense(skew.identity() + 2.0 * (w * skew + skew.times(skew)))
            }
            Op::QuaternionProduct => {
                let entry = |i: usize| other(1 - k).entry(graph.integer(i));
                let [x, y, z, w] = [0, 1, 2, 3].map(entry);
                // Of the factor on the left the imaginary part turns the other way.
                let (a, b, c) = if k == 0 { (-x, -y, -z) } else { (x, y, z) };
                let columns = [w, c, -b, -x, -c, w, a, -y, b, -a, w, -z, x, y, z, w];
                dense(graph.built(&columns, Some(Shape::fixed(4, 4))))
            }
            op @ (Op::LuSolve(_) | Op::LuTrSolve | Op::CholeskySolve) if k == 1 && one_column => {
                let n = operand.rows.clone();
                let factor = Factor {
                    form: Form::Solve(op.clone(), node.args[0]),
                    rows: n.clone(),
                    cols: n,
                };
                Some(self.times(&factor, of))
            }

            // A solve of many right hand sides that are one unknown is a product with the inverse.
            op @ (Op::LuSolve(_) | Op::LuTrSolve | Op::CholeskySolve) if k == 1 => {
                let (of, n) = (other(0), operand.rows.clone());
                let identity = all()
                    .real(0.0)
                    .fill(Some(Shape::new(n.clone(), n)))
                    .identity();
                sides(
                    Some(match op {
                        Op::LuSolve(_) => of.lu_solve(identity),
                        Op::LuTrSolve => of.lu_tr_solve(identity),
                        _ => of.cholesky_solve(identity),
                    }),
                    None,
                )
            }

            Op::Part(part) if part.is_entry() => {
                let at: Vec<Expr> = node.args[1..].iter().map(|a| graph.expr(*a)).collect();
                row(graph.real(1.0).scatter(part, Some(operand.clone()), &at))
            }
            // What takes the place of a part.
            Op::Update(part) if k == 1 => {
                let args = std::iter::once(arg).chain(node.args[2..].iter().copied());
                let scatter = Op::Scatter(part.clone());
                let scattered = graph.insert(scatter, args.collect(), node.kind.clone());
                self.linear(scattered, 0, of)
            }
            Op::Scatter(part) if part.is_entry() => {
                let unit = graph.real(1.0);
                let at: Vec<Expr> = node.args[1..].iter().map(|a| graph.expr(*a)).collect();
                let unit = unit.scatter(part, graph.shape(id), &at);
                dense(column(graph, unit.id))
            }
            // A row is e_iᵀ X, and a column X e_j.
            Op::Part(Part::Row) | Op::Scatter(Part::Column) => {
                let at = other(1);
                let part_of = match node.op {
                    Op::Part(_) => operand.rows.clone(),
                    _ => graph.shape(id).map_or(one(), |s| s.cols),
                };
                let shape = Shape::new(one(), part_of);
                let unit = graph.real(1.0).scatter(&Part::Entry, Some(shape), &[at]);
                match node.op {
                    Op::Part(_) => sides(Some(unit), None),
                    _ => sides(None, Some(unit)),
                }
            }
            Op::Part(Part::Column) | Op::Scatter(Part::Row) => {
                let at = other(1);
                let part_of = match node.op {
                    Op::Part(_) => operand.cols.clone(),
                    _ => graph.shape(id).map_or(one(), |s| s.rows),
                };
                let shape = Shape::new(part_of, one());
                let unit = graph.real(1.0).scatter(&Part::Entry, Some(shape), &[at]);
                match node.op {
                    Op::Part(_) => sides(None, Some(unit)),
                    _ => sides(Some(unit), None),
                }
            }
            Op::Part(part @ (Part::Rows | Part::FixedRows(_))) if one_column => {
                let rows = entries(graph, id);
                let form = Form::Take(part.clone(), node.args[1..].to_vec());
                let cols = operand.rows.clone();
                Some(self.times(&Factor { form, rows, cols }, of))
            }
            // The shape of an element does not matter to its entries.
            Op::Part(Part::Element(part, _)) => {
                let form = Form::Take((**part).clone(), node.args[1..].to_vec());
                let (rows, cols) = (entries(graph, id), operand.rows.clone());
                Some(self.times(&Factor { form, rows, cols }, of))
            }
            Op::Scatter(Part::Element(part, _)) => {
                let form = Form::Place((**part).clone(), node.args[1..].to_vec());
                let (rows, cols) = (entries(graph, id), entries(graph, arg));
                Some(self.times(&Factor { form, rows, cols }, of))
            }
            Op::Scatter(part @ (Part::Rows | Part::FixedRows(_))) if self.is_column(id) => {
                let rows = entries(graph, id);
                let form = Form::Place(part.clone(), node.args[1..].to_vec());
                let cols = operand.rows.clone();
                Some(self.times(&Factor { form, rows, cols }, of))
            }

            _ => {
                // Any other linear map: its image of a symbol in place of the argument.
                let symbol = graph.symbol(Kind::matrix(operand));
                let moved = match graph.is_matrix(arg) {
                    true => graph.expr(symbol),
                    false => graph.expr(symbol).entry(graph.integer(0)),
                };
                let args = (0..node.args.len()).map(|i| match i == k {
                    true => moved,
                    false => graph.expr(node.args[i]),
                });
                let args: Vec<Expr> = args.collect();
                let image = if node.op.is_jointly_linear() {
                    // Positions stay what they are.
                    let zero = |a: &Id| match graph.kind(*a).elem {
                        Elem::Real => graph.expr(*a).zero(),
                        _ => graph.expr(*a),
                    };
                    let mut args: Vec<Expr> = node.args.iter().map(zero).collect();
                    args[k] = moved;
                    graph.applied(&node.op, &args, &node.kind)
                } else {
                    graph.applied(&node.op, &args, &node.kind)
                };
                let factor = Factor {
                    form: Form::Map {
                        symbol,
                        image: image.id,
                    },
                    rows: entries(graph, id),
                    cols: entries(graph, arg),
                };
                Some(self.times(&factor, of))
            }
        }
    }

    fn is_column(&self, id: Id) -> bool {
        self.graph.shape(id).is_some_and(|s| s.is_column())
    }

    /// A choice: of entries by its condition for each, or of whole matrices, of which only one is computed.
    fn choose(&self, id: Id, args: &[Id]) -> Option<Sum> {
        let graph = self.graph;
        let cond = graph.expr(args[0]);
        let side = |k: usize| -> Option<Sum> {
            match self.known.get(&args[k]) {
                Some(of) if graph.is_matrix(id) && !graph.is_matrix(args[k]) => {
                    Some(self.times(&self.ones_column(id), of))
                }
                other => other.cloned(),
            }
        };
        let rows = entries(graph, id);
        let (a, b) = (side(1), side(2));
        // Diagonals with the same factors on their right are chosen entry by entry.
        let mut tails: Vec<Vec<Factor>> = Vec::new();
        for term in [&a, &b].into_iter().flatten().flat_map(|s| &s.terms) {
            let tail = self.split_diagonal(term).1;
            if !tails.contains(&tail) {
                tails.push(tail);
            }
        }
        let of_entries = graph.kind(args[0]).shape.is_some();
        let unguarded = tails.iter().all(Vec::is_empty) && tails.len() == 1;
        if of_entries || unguarded {
            let mut sum = None;
            for tail in tails {
                let lead = |sum: &Option<Sum>| -> Expr<'g> {
                    let mut lead = graph.real(0.0);
                    for term in sum.iter().flat_map(|s| &s.terms) {
                        let (diagonal, rest) = self.split_diagonal(term);
                        if rest == tail {
                            lead = lead + self.as_entries(id, diagonal);
                        }
                    }
                    lead
                };
                let chosen = cond.choose(lead(&a), lead(&b));
                let product = Product {
                    scale: graph.constant(1.0),
                    factors: tail,
                };
                let term = self.scaled(
                    chosen,
                    Some(Sum {
                        terms: vec![product],
                        rows: rows.clone(),
                    }),
                );
                sum = self.plus(sum, term);
            }
            return sum;
        }
        let shape = Shape::new(rows, self.cols.clone());
        let evaluated = |sum: &Option<Sum>, side: bool| -> Expr<'g> {
            let zero = graph.real(0.0).fill(Some(shape.clone()));
            let Some(sum) = sum else { return zero };
            let inside = Guard {
                cond: args[0],
                side,
            };
            let mut guards = graph.guards.borrow().clone();
            if !guards.contains(&inside) {
                guards.push(inside);
            }
            let outside = graph.guards.replace(guards);
            let found = self.evaluate(sum);
            graph.guards.replace(outside);
            found.map_or(zero, |id| graph.expr(id))
        };
        let chosen = cond.choose(evaluated(&a, true), evaluated(&b, false));
        if chosen.is_zero() {
            return None;
        }
        let chosen = graph.choice_of_size(chosen.id, Some(&shape));
        self.of_factor(self.dense(chosen))
    }

    /// A diagonal as a matrix of the shape of the value that it multiplies.
    fn as_entries(&self, id: Id, diagonal: Expr<'g>) -> Expr<'g> {
        match (diagonal.shape(), self.graph.shape(id)) {
            (Some(have), Some(want)) if !have.same_type(&want) => diagonal.reshape(Some(want)),
            _ => diagonal,
        }
    }

    /// The rows of numbers, one below the other.
    fn stack(&self, id: Id, args: &[Id]) -> Option<Sum> {
        let graph = self.graph;
        let row = Shape::new(Dim::Static(1), self.cols.clone());
        let mut rows = Vec::new();
        for arg in args {
            rows.push(match self.known.get(arg) {
                Some(of) => self.evaluate(of),
                None => None,
            });
        }
        let rows: Vec<Id> = rows
            .into_iter()
            .map(|found| match found {
                Some(id) if graph.is_matrix(id) => id,
                Some(id) => graph.expr(id).fill(Some(row.clone())).id,
                None => graph.real(0.0).fill(Some(row.clone())).id,
            })
            .collect();
        if rows.iter().all(|r| graph.expr(*r).is_zero()) {
            return None;
        }
        let kind = Kind::matrix(Shape::new(entries(graph, id), self.cols.clone()));
        let stacked = graph.insert(Op::StackRows, rows, kind);
        self.of_factor(self.dense(by_entries(graph, stacked)))
    }

    // ---- factors ----

    fn dense(&self, id: Id) -> Factor {
        let shape = self.graph.shape(id).unwrap_or(Shape::fixed(1, 1));
        Factor {
            form: Form::Dense(id),
            rows: shape.rows,
            cols: shape.cols,
        }
    }

    /// A row or column with one entry.
    fn is_unit(&self, factor: &Factor) -> bool {
        match factor.form {
            Form::Dense(id) => self.graph.op(id) == Op::Scatter(Part::Entry),
            _ => false,
        }
    }

    fn ones_column(&self, id: Id) -> Factor {
        let shape = Shape::new(entries(self.graph, id), Dim::Static(1));
        self.dense(self.graph.real(1.0).fill(Some(shape)).id)
    }

    /// `X ↦ A X B` or `X ↦ A Xᵀ B`, where X is the argument.
    fn sides(
        &self,
        id: Id,
        arg: Id,
        before: Option<Expr<'g>>,
        after: Option<Expr<'g>>,
        transposes: bool,
    ) -> Factor {
        let graph = self.graph;
        let operand = graph.shape(arg).unwrap_or(Shape::fixed(1, 1));
        // Of vectors a transpose changes no entry.
        let seen = if transposes {
            operand.transposed()
        } else {
            operand.clone()
        };
        match (before, after) {
            (Some(before), None) if seen.is_column() => return self.dense(before.id),
            (None, Some(after)) if seen.rows == Dim::Static(1) => {
                return self.dense(after.t().id);
            }
            _ => {}
        }
        Factor {
            form: Form::Sides {
                before: before.map(|m| m.id),
                after: after.map(|m| m.id),
                transposes,
                operand,
            },
            rows: entries(graph, id),
            cols: entries(graph, arg),
        }
    }

    /// The shape of `A X B` or `A Xᵀ B`.
    fn image_shape(
        &self,
        before: Option<Id>,
        after: Option<Id>,
        transposes: bool,
        operand: &Shape,
    ) -> Shape {
        let mut shape = operand.clone();
        if transposes {
            shape = shape.transposed();
        }
        let of = |m: Option<Id>| m.and_then(|m| self.graph.shape(m));
        if let Some(before) = of(before) {
            shape.rows = before.rows;
        }
        if let Some(after) = of(after) {
            shape.cols = after.cols;
        }
        shape
    }

    fn transposed(&self, factor: &Factor) -> Factor {
        let graph = self.graph;
        let t = |id: &Id| graph.expr(*id).t().id;
        let form = match &factor.form {
            Form::Dense(id) => Form::Dense(t(id)),
            Form::Diagonal(id) => Form::Diagonal(*id),
            Form::Solve(op, of) => Form::Solve(transposed_solve(op), *of),
            Form::Take(part, at) => Form::Place(part.clone(), at.clone()),
            Form::Place(part, at) => Form::Take(part.clone(), at.clone()),
            Form::Sides {
                before,
                after,
                transposes,
                operand,
            } => {
                let shape = self.image_shape(*before, *after, *transposes, operand);
                // The adjoint of A X B is Aᵀ Y Bᵀ, and that of A Xᵀ B is B Yᵀ A.
                let (before, after) = if *transposes {
                    (*after, *before)
                } else {
                    (before.as_ref().map(t), after.as_ref().map(t))
                };
                Form::Sides {
                    before,
                    after,
                    transposes: *transposes,
                    operand: shape,
                }
            }
            Form::Map { symbol, image } => {
                let (symbol, image) = graph.transposed_map(*symbol, *image);
                Form::Map { symbol, image }
            }
        };
        Factor {
            form,
            rows: factor.cols.clone(),
            cols: factor.rows.clone(),
        }
    }

    // ---- products and sums ----

    fn identity(&self, rows: Dim) -> Sum {
        let product = Product {
            scale: self.graph.constant(1.0),
            factors: Vec::new(),
        };
        Sum {
            terms: vec![product],
            rows,
        }
    }

    fn of_factor(&self, factor: Factor) -> Option<Sum> {
        let identity = self.identity(factor.cols.clone());
        Some(self.times(&factor, &identity))
    }

    /// A number, or a diagonal matrix of its entries, times a matrix.
    fn scaled(&self, by: Expr<'g>, of: Option<Sum>) -> Option<Sum> {
        let graph = self.graph;
        let of = of?;
        if by.is_zero() {
            return None;
        }
        let by = match graph.op(by.id) {
            Op::Fill => graph.expr(graph.args(by.id)[0]),
            _ => by,
        };
        if graph.kind(by.id).shape.is_none() {
            let mut of = of;
            for term in &mut of.terms {
                term.scale = (by * graph.expr(term.scale)).id;
            }
            return Some(of);
        }
        let n = entries(graph, by.id);
        let diagonal = Factor {
            form: Form::Diagonal(by.id),
            rows: n.clone(),
            cols: n,
        };
        // Into every term: a diagonal is there to be merged, or costs little.
        let mut sum: Option<Sum> = None;
        for term in of.terms {
            let one = Sum {
                terms: vec![term],
                rows: of.rows.clone(),
            };
            let scaled = self.times(&diagonal, &one);
            sum = self.plus(sum, Some(scaled));
        }
        sum
    }

    /// A factor times a sum. A sum of several products is evaluated first, unless that costs more than each on its own.
    fn times(&self, factor: &Factor, of: &Sum) -> Sum {
        let graph = self.graph;
        let rows = factor.rows.clone();
        if let Form::Dense(id) = factor.form {
            let m = graph.expr(id);
            let (scale, m) = match graph.op(id) {
                Op::Transpose => {
                    let (scale, m) = graph.expr(graph.args(id)[0]).scalar_and_rest();
                    (scale, m.t())
                }
                _ => m.scalar_and_rest(),
            };
            let m_shape = Shape::new(rows.clone(), factor.cols.clone());
            if let Some(scale) = scale {
                let inner = self.times(&self.dense(m.id), of);
                return self.scaled(scale, Some(inner)).unwrap_or(Sum {
                    terms: Vec::new(),
                    rows,
                });
            }
            match graph.op(m.id) {
                Op::Identity => return of.clone(),
                Op::FromDiagonal => {
                    let inner = self.scaled(graph.expr(graph.args(m.id)[0]), Some(of.clone()));
                    return inner.unwrap_or(Sum {
                        terms: Vec::new(),
                        rows,
                    });
                }
                Op::Fill if m.is_zero() => {
                    return Sum {
                        terms: Vec::new(),
                        rows: m_shape.rows,
                    };
                }
                _ => {}
            }
        }
        if of.terms.len() > 1 && guess(graph, &rows) > 1.0 {
            // Entries are placed one by one.
            let unit = |f: &Factor| self.is_unit(f);
            let sparse = unit(factor) && of.terms.iter().all(|t| t.factors.iter().all(unit));
            // Products on both sides merge with those that are there.
            let on_sides =
                |f: Option<&Factor>| f.is_none_or(|f| matches!(f.form, Form::Sides { .. }));
            let merge =
                on_sides(Some(factor)) && of.terms.iter().all(|t| on_sides(t.factors.first()));
            let each = sparse || merge || matches!(factor.form, Form::Diagonal(_));
            if !each && let Some(id) = self.evaluate(of) {
                let one = self.identity(self.cols.clone());
                let inner = self.pushed(self.dense(id), &one.terms[0]);
                return Sum {
                    terms: vec![self.pushed(factor.clone(), &inner)],
                    rows,
                };
            }
        }
        let terms = of
            .terms
            .iter()
            .map(|term| self.pushed(factor.clone(), term))
            .collect();
        Sum { terms, rows }
    }

    /// A factor times a product, merged with the first of its factors where that keeps the structure.
    fn pushed(&self, factor: Factor, product: &Product) -> Product {
        let graph = self.graph;
        let mut product = product.clone();
        let merged = match (&factor.form, product.factors.first().map(|f| &f.form)) {
            (Form::Diagonal(a), Some(Form::Diagonal(b))) => {
                let (a, b) = self.alike(graph.expr(*a), graph.expr(*b));
                Some(Form::Diagonal((a * b).id))
            }
            // P diag(d) = diag(P d) P
            (Form::Take(part, at), Some(Form::Diagonal(d))) => {
                let at: Vec<Expr> = at.iter().map(|a| graph.expr(*a)).collect();
                let taken = column(graph, *d).part(part, &at);
                product.factors.remove(0);
                let rest = self.pushed(factor.clone(), &product);
                let diagonal = Factor {
                    form: Form::Diagonal(taken.id),
                    rows: factor.rows.clone(),
                    cols: factor.rows,
                };
                return self.pushed(diagonal, &rest);
            }
            // diag(d) Pᵀ = Pᵀ diag(P d)
            (Form::Diagonal(d), Some(Form::Place(part, at))) => {
                let at: Vec<Expr> = at.iter().map(|a| graph.expr(*a)).collect();
                let taken = column(graph, *d).part(part, &at);
                let place = product.factors.remove(0);
                let diagonal = Factor {
                    form: Form::Diagonal(taken.id),
                    rows: place.cols.clone(),
                    cols: place.cols.clone(),
                };
                let mut rest = self.pushed(diagonal, &product);
                rest.factors.insert(0, place);
                return rest;
            }
            (Form::Take(part, at), Some(Form::Place(placed, there)))
                if part == placed && at == there =>
            {
                product.factors.remove(0);
                return product;
            }
            (
                Form::Sides {
                    before: b,
                    after: a,
                    transposes: t,
                    operand: seen,
                },
                Some(Form::Sides {
                    before,
                    after,
                    transposes,
                    operand,
                }),
            ) => {
                let times = |a: Option<Id>, b: Option<Id>| match (a, b) {
                    (Some(a), Some(b)) => Some(graph.expr(a).times(graph.expr(b)).id),
                    (a, b) => a.or(b),
                };
                let turned = |m: &Option<Id>| m.map(|m| graph.expr(m).t().id);
                // A row may stand for the column that it is the transpose of.
                let image = self.image_shape(*before, *after, *transposes, operand);
                let t = t ^ (image.is_vector() && image.is_column() != seen.is_column());
                // (A X B)ᵀ is Bᵀ Xᵀ Aᵀ.
                let (before, after) = if t {
                    (turned(after), turned(before))
                } else {
                    (*before, *after)
                };
                Some(Form::Sides {
                    before: times(*b, before),
                    after: times(after, *a),
                    transposes: t != *transposes,
                    operand: operand.clone(),
                })
            }
            (
                Form::Map { symbol, image },
                Some(Form::Map {
                    symbol: inner,
                    image: of,
                }),
            ) => {
                let of = graph.expr(*of);
                let of = of_type(of, graph.shape(*symbol));
                Some(Form::Map {
                    symbol: *inner,
                    image: graph.substituted(*image, *symbol, of).id,
                })
            }
            _ => None,
        };
        match merged {
            Some(form) => {
                let first = &mut product.factors[0];
                first.form = form;
                first.rows = factor.rows;
            }
            None => product.factors.insert(0, factor),
        }
        self.settle_sides(&mut product);
        product
    }

    /// A product on both sides of a vector is an ordinary one; a matrix of one entry is a number.
    fn settle_sides(&self, product: &mut Product) {
        let graph = self.graph;
        let Some(first) = product.factors.first_mut() else {
            return;
        };
        let Form::Sides {
            before,
            after,
            transposes,
            operand,
        } = &mut first.form
        else {
            return;
        };
        for side in [&mut *before, &mut *after] {
            let single = side.filter(|m| graph.shape(*m).is_some_and(|s| s.is_single()));
            if let Some(m) = single {
                let entry = graph.expr(m).entry(graph.integer(0));
                product.scale = (entry * graph.expr(product.scale)).id;
                *side = None;
            }
        }
        let seen = if *transposes {
            operand.transposed()
        } else {
            operand.clone()
        };
        let (before, after) = (*before, *after);
        match (before, after) {
            (None, None) if seen.is_vector() => {
                product.factors.remove(0);
            }
            (Some(before), None) if seen.is_column() => first.form = Form::Dense(before),
            (None, Some(after)) if seen.rows == Dim::Static(1) => {
                first.form = Form::Dense(graph.expr(after).t().id);
            }
            // b xᵀ a is b (aᵀ x), and (bᵀ x) aᵀ has the entries of a (bᵀ x).
            (Some(before), Some(after)) => {
                let (b, a) = (graph.expr(before), graph.expr(after).t());
                let is = |m: Id, column: bool| {
                    let shape = graph.shape(m).unwrap_or(Shape::fixed(1, 1));
                    if column {
                        shape.is_column()
                    } else {
                        shape.rows == Dim::Static(1)
                    }
                };
                let (column, row) = if seen.rows == Dim::Static(1) && is(after, true) {
                    (b, a)
                } else if seen.is_column() && is(before, false) {
                    (a, b)
                } else {
                    return;
                };
                product.factors[0] = self.dense(row.id);
                product.factors.insert(0, self.dense(column.id));
            }
            _ => {}
        }
    }

    /// Two values entry by entry: a row beside a column becomes a column.
    fn alike(&self, a: Expr<'g>, b: Expr<'g>) -> (Expr<'g>, Expr<'g>) {
        match (a.shape(), b.shape()) {
            (Some(p), Some(q)) if p.is_column() != q.is_column() => {
                (column(self.graph, a.id), column(self.graph, b.id))
            }
            _ => (a, b),
        }
    }

    /// The number or diagonal matrix in front of a product, as a number or entries, and the factors after it.
    fn split_diagonal(&self, product: &Product) -> (Expr<'g>, Vec<Factor>) {
        let scale = self.graph.expr(product.scale);
        match product.factors.split_first() {
            Some((
                Factor {
                    form: Form::Diagonal(d),
                    ..
                },
                rest,
            )) => (scale * self.graph.expr(*d), rest.to_vec()),
            _ => (scale, product.factors.clone()),
        }
    }

    /// The sum of two matrices; products that differ in a diagonal in front only are one product.
    fn plus(&self, a: Option<Sum>, b: Option<Sum>) -> Option<Sum> {
        let (Some(mut a), Some(b)) = (a.clone(), b.clone()) else {
            return a.or(b);
        };
        for term in b.terms {
            let (lead, tail) = self.split_diagonal(&term);
            let like = a
                .terms
                .iter()
                .position(|known| self.split_diagonal(known).1 == tail);
            let Some(like) = like else {
                a.terms.push(term);
                continue;
            };
            let known = self.split_diagonal(&a.terms[like]).0;
            let (known, lead) = self.alike(known, lead);
            let product = Product {
                scale: self.graph.constant(1.0),
                factors: tail,
            };
            let one = Sum {
                terms: vec![product],
                rows: a.rows.clone(),
            };
            match self.scaled(known + lead, Some(one)) {
                Some(sum) => a.terms[like] = sum.terms[0].clone(),
                None => {
                    a.terms.remove(like);
                }
            }
        }
        (!a.terms.is_empty()).then_some(a)
    }

    // ---- evaluation ----

    /// The matrix itself; `None` where it is zero.
    fn evaluate(&self, sum: &Sum) -> Option<Id> {
        let graph = self.graph;
        let mut terms = sum.terms.clone();
        // Sums of what has one number in front are scaled once.
        let mut values: Vec<(Id, Expr<'g>)> = Vec::new();
        while let Some(first) = terms.first().cloned() {
            terms.remove(0);
            // (A + B) C and C (A + B) are one product with C.
            let shared = |term: &Product| {
                let costs = |f: &&Factor| !matches!(f.form, Form::Diagonal(_)) && !self.is_unit(f);
                let suffix = |p: &Product| p.factors.last().filter(costs).cloned();
                let prefix = |p: &Product| p.factors.first().filter(costs).cloned();
                let common = suffix(term).filter(|f| {
                    suffix(&first).as_ref() == Some(f)
                        && guess(graph, &f.cols) >= guess(graph, &f.rows)
                });
                let front = prefix(term).filter(|f| {
                    prefix(&first).as_ref() == Some(f)
                        && guess(graph, &f.rows) >= guess(graph, &f.cols)
                });
                (common.is_some(), front.is_some())
            };
            let partner = terms.iter().position(|t| shared(t) != (false, false));
            let Some(partner) = partner else {
                let (mut scale, mut value) = self.product(&first, &sum.rows);
                if let Op::Scatter(_) = graph.op(value.id) {
                    (scale, value) = (graph.real(1.0), scale * value);
                }
                match values.iter_mut().find(|v| v.0 == scale.id) {
                    Some((_, known)) => *known = self.added(*known, value),
                    None => values.push((scale.id, value)),
                }
                continue;
            };
            let other = terms.remove(partner);
            let (at_end, _) = shared(&other);
            let inner = |p: &Product| {
                let mut p = p.clone();
                if at_end {
                    p.factors.pop();
                } else {
                    p.factors.remove(0);
                }
                p
            };
            let (a, b) = (inner(&first), inner(&other));
            let common = if at_end {
                first.factors[first.factors.len() - 1].clone()
            } else {
                first.factors[0].clone()
            };
            let (rows, cols) = if at_end {
                (sum.rows.clone(), common.rows.clone())
            } else {
                (common.cols.clone(), self.cols.clone())
            };
            let within = Linear {
                cols,
                depends: Ids::default(),
                ..Linear::new(graph, self.symbol, self.way)
            };
            let of = |p: Product| {
                Some(Sum {
                    terms: vec![p],
                    rows: rows.clone(),
                })
            };
            let Some(joint) = within.plus(of(a), of(b)) else {
                continue;
            };
            let joint = match &joint.terms[..] {
                [one] => one.clone(),
                _ => match within.evaluate(&joint) {
                    Some(id) => Product {
                        scale: graph.constant(1.0),
                        factors: vec![self.dense(id)],
                    },
                    None => continue,
                },
            };
            let mut joined = joint;
            if at_end {
                joined.factors.push(common);
            } else {
                joined = self.pushed(common, &joined);
            }
            terms.insert(0, joined);
        }
        let total = values
            .into_iter()
            .map(|(scale, value)| graph.expr(scale) * value)
            .reduce(|a, b| self.added(a, b));
        let shape = Shape::new(sum.rows.clone(), self.cols.clone());
        total.filter(|t| !t.is_zero()).map(|t| {
            if graph.is_matrix(t.id) {
                t.id
            } else {
                t.fill(Some(shape)).id
            }
        })
    }

    /// Rows are added as the columns that gradients are.
    fn added(&self, a: Expr<'g>, b: Expr<'g>) -> Expr<'g> {
        let one_row = |m: Expr<'g>| m.shape().is_some_and(|s| s.rows == Dim::Static(1));
        if one_row(a) && one_row(b) {
            (a.t() + b.t()).t()
        } else {
            a + b
        }
    }

    /// A product, in the order that takes the fewest operations: the number in front, and the rest.
    fn product(&self, product: &Product, rows: &Dim) -> (Expr<'g>, Expr<'g>) {
        let graph = self.graph;
        let mut scale = graph.expr(product.scale);
        let mut factors = product.factors.clone();
        // A number goes into a diagonal, where it costs least.
        if let Some(factor) = factors
            .iter_mut()
            .find(|f| matches!(f.form, Form::Diagonal(_)))
            && let Form::Diagonal(d) = factor.form
        {
            factor.form = Form::Diagonal((scale * graph.expr(d)).id);
            scale = graph.real(1.0);
        }
        let n = factors.len();
        if n == 0 {
            let shape = Shape::new(rows.clone(), self.cols.clone());
            let entries = Shape::new(rows.clone(), Dim::Static(1));
            let identity = graph.real(0.0).fill(Some(shape.clone())).identity();
            return match graph.uniform_const(scale.id) {
                Some(1.0) => (scale, identity),
                _ => (
                    graph.real(1.0),
                    scale.fill(Some(entries)).to_diagonal(Some(shape)),
                ),
            };
        }
        // best[i][j]: the least cost of the factors from i to j, and where to split them.
        let mut best = vec![vec![(0.0, 0); n]; n];
        for length in 2..=n {
            for i in 0..=n - length {
                let j = i + length - 1;
                best[i][j] = (i..j)
                    .map(|split| {
                        let ends = (split == i).then_some(&factors[i]);
                        let other = (split + 1 == j).then_some(&factors[j]);
                        let sizes = [&factors[i].rows, &factors[split].cols, &factors[j].cols];
                        let cost = self.cost(ends, other, sizes.map(|d| guess(graph, d)));
                        (best[i][split].0 + best[split + 1][j].0 + cost, split)
                    })
                    .fold((f64::INFINITY, i), |a, b| if b.0 < a.0 { b } else { a });
            }
        }
        let value = match self.range(&factors, &best, 0, n - 1) {
            Piece::Value(value) => value,
            Piece::Factor(factor) => self.materialised(&factor),
        };
        (scale, value)
    }

    /// The operations of one product in a chain, of a factor on its own or something computed on either side.
    fn cost(&self, a: Option<&Factor>, b: Option<&Factor>, [m, k, n]: [f64; 3]) -> f64 {
        let one = |factor: Option<&Factor>, own: f64, other: f64| match factor.map(|f| &f.form) {
            Some(Form::Diagonal(_)) => Some(own * other),
            Some(Form::Take(..) | Form::Place(..)) => Some(0.0),
            // A little more than a product.
            Some(Form::Solve(..)) => Some(2.1 * own * own * other),
            Some(Form::Sides { before, after, .. }) => {
                let inner = |id: &Option<Id>| {
                    id.and_then(|id| self.graph.shape(id)).map_or(0.0, |s| {
                        2.0 * guess(self.graph, &s.rows).min(guess(self.graph, &s.cols))
                    })
                };
                Some((inner(before) + inner(after)) * own * other)
            }
            Some(Form::Map { .. }) => Some(4.0 * own * other),
            _ => None,
        };
        one(a, m.max(k), n)
            .or(one(b, k.max(n), m))
            .unwrap_or(2.0 * m * k * n)
    }

    fn range(
        &self,
        factors: &[Factor],
        best: &[Vec<(f64, usize)>],
        i: usize,
        j: usize,
    ) -> Piece<'g> {
        if i == j {
            return match &factors[i] {
                Factor {
                    form: Form::Dense(id),
                    ..
                } => Piece::Value(self.graph.expr(*id)),
                factor => Piece::Factor(factor.clone()),
            };
        }
        let split = best[i][j].1;
        let a = self.range(factors, best, i, split);
        let b = self.range(factors, best, split + 1, j);
        Piece::Value(match (a, b) {
            (Piece::Value(a), Piece::Value(b)) => a.times(b),
            (Piece::Factor(a), Piece::Value(b)) => self.applied(&a, b),
            (Piece::Value(a), Piece::Factor(b))
                if self.calls(&b) && !self.is_shorter_back(a, &b) =>
            {
                a.times(self.materialised(&b))
            }
            (Piece::Value(a), Piece::Factor(b)) => self.applied(&self.transposed(&b), a.t()).t(),
            // A diagonal scales, whatever the other is.
            (Piece::Factor(a), Piece::Factor(b)) if matches!(b.form, Form::Diagonal(_)) => {
                let a = self.materialised(&a);
                self.applied(&b, a.t()).t()
            }
            (Piece::Factor(a), Piece::Factor(b)) => {
                let b = self.materialised(&b);
                self.applied(&a, b)
            }
        })
    }

    /// Whether the way back through a call takes fewer operations for these rows than its tangents do.
    fn is_shorter_back(&self, rows: Expr<'g>, factor: &Factor) -> bool {
        let back = rows.shape().map_or(1.0, |s| guess(self.graph, &s.rows)) * WAY_BACK;
        self.way == Way::Cheaper && back <= guess(self.graph, &factor.cols)
    }

    /// Whether a factor is known by the companions of another function only.
    fn calls(&self, factor: &Factor) -> bool {
        let Form::Map { symbol, image } = factor.form else {
            return false;
        };
        let graph = self.graph;
        let depends = graph.depends_on(&[symbol]);
        let needed = graph.needed_by(&[image]);
        let calls = |op: Op| match op {
            Op::Loop(number) => graph.loops.get(number).body.graph.has_calls(),
            op => op.is_call(),
        };
        (symbol.0..=image.0)
            .any(|n| depends.contains(&Id(n)) && needed[n as usize] && calls(graph.op(Id(n))))
    }

    /// A factor on its own, as a matrix.
    fn materialised(&self, factor: &Factor) -> Expr<'g> {
        let graph = self.graph;
        let shape = Shape::new(factor.rows.clone(), factor.cols.clone());
        match &factor.form {
            Form::Dense(id) => graph.expr(*id),
            Form::Diagonal(d) => column(graph, *d).to_diagonal(Some(shape)),
            Form::Sides {
                before,
                after,
                transposes: false,
                operand,
            } => {
                let identity = |n: &Dim| {
                    let square = Shape::new(n.clone(), n.clone());
                    graph.real(0.0).fill(Some(square)).identity()
                };
                let after = after.map_or(identity(&operand.cols), |m| graph.expr(m).t());
                let before = before.map_or(identity(&operand.rows), |m| graph.expr(m));
                graph.kronecker(after, before, shape)
            }
            _ => {
                let n = factor.cols.clone();
                let square = Shape::new(n.clone(), n);
                let identity = graph.real(0.0).fill(Some(square)).identity();
                self.applied(factor, identity)
            }
        }
    }

    /// A factor that is no plain matrix times a matrix.
    fn applied(&self, factor: &Factor, m: Expr<'g>) -> Expr<'g> {
        let graph = self.graph;
        let cols = m.shape().map_or(Dim::Static(1), |s| s.cols);
        let shape = Shape::new(factor.rows.clone(), cols.clone());
        let single = cols == Dim::Static(1);
        match &factor.form {
            Form::Dense(id) => graph.expr(*id).times(m),
            Form::Diagonal(d) => m.scale_rows(graph.expr(*d)),
            Form::Solve(op, of) => {
                let of = graph.expr(*of);
                match op {
                    Op::LuSolve(_) => of.lu_solve(m),
                    Op::LuTrSolve => of.lu_tr_solve(m),
                    _ => of.cholesky_solve(m),
                }
            }
            Form::Take(part, at) => {
                let at: Vec<Expr> = at.iter().map(|a| graph.expr(*a)).collect();
                m.part(part, &at)
            }
            Form::Place(part, at) => {
                let at: Vec<Expr> = at.iter().map(|a| graph.expr(*a)).collect();
                m.scatter(part, Some(shape), &at)
            }
            Form::Sides {
                before,
                after,
                transposes,
                operand,
            } => {
                let image = |x: Expr<'g>| {
                    let x = if *transposes { x.t() } else { x };
                    let x = before.map_or(x, |m| graph.expr(m).times(x));
                    after.map_or(x, |m| x.times(graph.expr(m)))
                };
                if single {
                    let image = image(m.reshape(Some(operand.clone())));
                    return column(graph, image.id);
                }
                let symbol = graph.symbol(Kind::matrix(operand.clone()));
                let image = image(graph.expr(symbol));
                m.each(symbol, image.id, Some(shape))
            }
            // Along one direction.
            Form::Map { symbol, image } if single && *symbol != self.symbol => {
                let (number, m) = m.scalar_and_rest();
                let of = m.reshape(graph.shape(*symbol));
                let image = column(graph, graph.substituted(*image, *symbol, of).id);
                number.map_or(image, |number| number * image)
            }
            Form::Map { symbol, image } => m.each(*symbol, *image, Some(shape)),
        }
    }
}

/// A part of a chain of factors: one that keeps its structure, or a matrix.
enum Piece<'g> {
    Factor(Factor),
    Value(Expr<'g>),
}

fn transposed_solve(op: &Op) -> Op {
    match op {
        Op::LuSolve(_) => Op::LuTrSolve,
        Op::LuTrSolve => Op::LuSolve(crate::rules::Panic::Unwrap),
        other => other.clone(),
    }
}

// ---- small matrices, and symmetric ones ----

/// A small matrix whose entries are known one by one, written as such.
fn by_entries(graph: &Graph, id: Id) -> Id {
    let sizes = match graph.shape(id) {
        Some(Shape {
            rows: Dim::Static(r),
            cols: Dim::Static(c),
        }) => (r, c),
        _ => return id,
    };
    let small =
        (1..=WRITTEN_BY_ENTRIES).contains(&sizes.0) && (1..=WRITTEN_BY_ENTRIES).contains(&sizes.1);
    if !small || !is_sparse(graph, id) {
        return id;
    }
    let mut entries = Vec::new();
    for j in 0..sizes.1 {
        for i in 0..sizes.0 {
            match entry(graph, id, i, j) {
                Some(entry) => entries.push(entry),
                None => return id,
            }
        }
    }
    graph.built(&entries, graph.shape(id)).id
}

/// Rows of a dynamic size of which single entries are known, as these entries of the whole.
fn scattered_rows(graph: &Graph, id: Id) -> Option<Id> {
    let shape = graph.shape(id).filter(Shape::is_dynamic)?;
    if graph.op(id) != Op::StackRows {
        return None;
    }
    let mut whole: Option<Expr<'_>> = None;
    for (i, row) in graph.args(id).iter().enumerate() {
        for (entry, j) in scattered_entries(graph, *row)? {
            let at = [graph.integer(i), graph.expr(j)];
            let entry = graph.expr(entry);
            let entry = entry.scatter(&Part::EntryAt, Some(shape.clone()), &at);
            whole = Some(whole.map_or(entry, |sum| sum + entry));
        }
    }
    whole.map(|sum| sum.id)
}

/// The entries of a row that are not zero, and where they are.
fn scattered_entries(graph: &Graph, row: Id) -> Option<Vec<(Id, Id)>> {
    let args = graph.args(row);
    match graph.op(row) {
        _ if graph.expr(row).is_zero() => Some(Vec::new()),
        Op::Scatter(Part::Entry) => Some(vec![(args[0], args[1])]),
        Op::Transpose | Op::Reshape => scattered_entries(graph, args[0]),
        Op::Scalar(Scalar::Add) => {
            let mut entries = scattered_entries(graph, args[0])?;
            entries.extend(scattered_entries(graph, args[1])?);
            Some(entries)
        }
        _ => None,
    }
}

/// Whether a matrix is put together from parts.
fn is_sparse(graph: &Graph, id: Id) -> bool {
    match graph.op(id) {
        Op::Scatter(_) | Op::StackRows => true,
        Op::Scalar(_) | Op::Transpose | Op::Reshape => {
            graph.args(id).iter().any(|a| is_sparse(graph, *a))
        }
        _ => false,
    }
}

/// An entry of a matrix, where it can be told without computing others.
fn entry(graph: &Graph, id: Id, i: usize, j: usize) -> Option<Expr<'_>> {
    let args = graph.args(id);
    let literal = |k: usize| graph.integer_value(args[k]);
    let expr = |k: usize| graph.expr(args[k]);
    let shape = graph.shape(id);
    let Some(Shape {
        rows: Dim::Static(rows),
        ..
    }) = shape
    else {
        return shape.is_none().then(|| graph.expr(id));
    };
    let zero = || graph.real(0.0);
    Some(match graph.op(id) {
        Op::Fill => expr(0),
        Op::Identity => graph.real(if i == j { 1.0 } else { 0.0 }),
        Op::Build => expr(j * rows + i),
        Op::StackRows => entry(graph, args[i], 0, j)?,
        Op::Transpose => entry(graph, args[0], j, i)?,
        Op::FromDiagonal if i != j => zero(),
        Op::FromDiagonal => entry(graph, args[0], i, 0)?,
        Op::Scatter(Part::Entry) if literal(1)? == j * rows + i => expr(0),
        Op::Scatter(Part::EntryAt) if (literal(1)?, literal(2)?) == (i, j) => expr(0),
        Op::Scatter(Part::Row) if literal(1)? == i => entry(graph, args[0], 0, j)?,
        Op::Scatter(Part::Column) if literal(1)? == j => entry(graph, args[0], i, 0)?,
        Op::Scatter(Part::Entry | Part::EntryAt | Part::Row | Part::Column) => zero(),
        Op::Scalar(function @ (Scalar::Add | Scalar::Sub | Scalar::Mul | Scalar::Div)) => {
            let a = entry(graph, args[0], i, j)?;
            let b = entry(graph, args[1], i, j)?;
            match function {
                Scalar::Add => a + b,
                Scalar::Sub => a - b,
                Scalar::Mul => a * b,
                _ => a / b,
            }
        }
        Op::Scalar(Scalar::Neg) => -entry(graph, args[0], i, j)?,
        // What is there already is read.
        Op::Leaf(_) => graph.expr(id).entry(graph.integer(j * rows + i)),
        _ => return None,
    })
}

/// A symmetric matrix, bit for bit: as it is where it is so by construction, else with one triangle copied.
fn symmetric<'g>(graph: &'g Graph, m: Expr<'g>) -> Expr<'g> {
    if is_symmetric(graph, m.id) {
        return m;
    }
    if let (
        Op::Build,
        Some(Shape {
            rows: Dim::Static(n),
            ..
        }),
    ) = (graph.op(m.id), m.shape())
    {
        let entries = graph.args(m.id);
        let lower = |k: usize| {
            let (i, j) = (k % n, k / n);
            graph.expr(entries[i.min(j) * n + i.max(j)])
        };
        let entries: Vec<Expr> = (0..n * n).map(lower).collect();
        return graph.built(&entries, m.shape());
    }
    name(graph, m.id, "hessian");
    m.symmetric_from_lower()
}

/// Whether a matrix is symmetric bit for bit, whatever its arguments are.
fn is_symmetric(graph: &Graph, id: Id) -> bool {
    let args = graph.args(id);
    let of = |k: usize| is_symmetric(graph, args[k]);
    match graph.op(id) {
        _ if !graph.is_matrix(id) => true,
        _ if graph.shape(id).is_some_and(|s| s.is_single()) => true,
        Op::Fill | Op::Identity | Op::FromDiagonal | Op::SymmetricFromLower => true,
        Op::Transpose | Op::Reshape => of(0),
        Op::Scalar(Scalar::Add) => {
            let transposed = |a: Id, b: Id| graph.expr(a).t().id == b;
            transposed(args[0], args[1]) || of(0) && of(1)
        }
        Op::Scalar(_) | Op::PowI(_) => (0..args.len()).all(of),
        Op::Select => of(1) && of(2) && graph.kind(args[0]).shape.is_none(),
        // An outer product of a vector with itself.
        Op::MatMul => {
            graph.shape(args[0]).is_some_and(|s| s.is_column())
                && graph.op(args[1]) == Op::Transpose
                && graph.args(args[1])[0] == args[0]
        }
        Op::Kronecker => of(0) && of(1),
        Op::Scatter(Part::EntryAt) => args[1] == args[2],
        _ => false,
    }
}
