//! A graph under test, with a random value for each leaf.

use crate::interpreter::{Interpreter, Leaves, Value, evaluate};
use nalgebra::DMatrix;
use nalgrad_tests::differentiate::{forward, reverse};
use nalgrad_tests::graph::{Dim, Elem, Extent, Form, Graph, Id, Kind, Leaf, Shape};
use nalgrad_tests::rules::{self, Op, Panic, Part};
use quote::{format_ident, quote};

/// A linear congruential generator (Knuth's MMIX): the same inputs everywhere.
pub struct Lcg(pub u64);

impl Lcg {
    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }
}

/// Draws an argument from where the operation is smooth.
pub type Domain = fn(&mut Lcg) -> f64;

pub fn any(random: &mut Lcg) -> f64 {
    random.between(-1.0, 1.0)
}

/// Positive or negative, and not near zero.
pub fn nonzero(random: &mut Lcg) -> f64 {
    random.between(0.5, 1.3) * random.one_of(&[1.0, -1.0])
}

pub fn positive(random: &mut Lcg) -> f64 {
    random.between(0.5, 2.0)
}

/// One extent of a matrix: known to the macro, or at run time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Size {
    Fixed(usize),
    Run(usize),
}

impl Size {
    pub fn count(self) -> usize {
        match self {
            Size::Fixed(n) | Size::Run(n) => n,
        }
    }
}

pub struct World {
    pub graph: Graph,
    pub leaves: Leaves,
    pub random: Lcg,
    /// The leaves to differentiate by.
    pub wrt: Vec<Id>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let (graph, leaves) = (Graph::default(), Leaves::new());
        World {
            graph,
            leaves,
            random: Lcg(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            wrt: Vec::new(),
        }
    }

    // ---- leaves ----

    fn leaf(&mut self, kind: Kind, value: Value, varies: bool) -> Id {
        let name = format_ident!("x{}", self.graph.leaves.borrow().len());
        let id = self.graph.leaf(Leaf {
            name: quote!(#name),
            kind,
            form: Form::Owned,
            varies,
        });
        self.leaves.insert(id, value);
        id
    }

    fn parameter(&mut self, kind: Kind, value: Value) -> Id {
        let id = self.leaf(kind, value, true);
        self.wrt.push(id);
        id
    }

    /// A parameter with the kind of another value.
    pub fn parameter_like(&mut self, id: Id) -> Id {
        let leaf = self.random_like(id);
        self.wrt.push(leaf);
        leaf
    }

    /// A matrix of entries that stay in order where they move a little, also without their signs.
    pub fn apart(&mut self, rows: Size, columns: Size) -> Id {
        let (r, c) = (rows.count(), columns.count());
        let mut left: Vec<usize> = (0..r * c).collect();
        let entries = DMatrix::from_fn(r, c, |_, _| {
            let rank = left.swap_remove(self.random.below(left.len()));
            (0.5 + 0.4 * rank as f64) * self.random.one_of(&[1.0, -1.0])
        });
        self.given_matrix(rows, columns, entries)
    }

    /// A leaf with the kind of another value and given entries.
    pub fn like(&mut self, id: Id, value: Value) -> Id {
        let kind = Kind {
            elem: Elem::Real,
            ..self.graph.kind(id)
        };
        self.leaf(kind, value, true)
    }

    /// A leaf with the kind of another value and random entries.
    pub fn random_like(&mut self, id: Id) -> Id {
        let value = self.value(id).map(|_| any(&mut self.random));
        self.like(id, value)
    }

    /// The shape of a leaf that is about to be made.
    fn shape(&self, rows: Size, columns: Size) -> Shape {
        let leaf = Id(self.graph.count());
        let dim = |size: Size, extent: Extent| match size {
            Size::Fixed(n) => Dim::Static(n),
            Size::Run(_) => self.graph.dynamic(extent),
        };
        Shape::new(
            dim(rows, Extent::Rows(leaf)),
            dim(columns, Extent::Cols(leaf)),
        )
    }

    pub fn number(&mut self, domain: Domain) -> Id {
        let value = Value::Number(domain(&mut self.random));
        self.parameter(Kind::SCALAR, value)
    }

    pub fn given(&mut self, value: f64) -> Id {
        self.parameter(Kind::SCALAR, Value::Number(value))
    }

    pub fn matrix(&mut self, rows: Size, columns: Size, domain: Domain) -> Id {
        let (r, c) = (rows.count(), columns.count());
        let entries = DMatrix::from_fn(r, c, |_, _| domain(&mut self.random));
        self.given_matrix(rows, columns, entries)
    }

    pub fn given_matrix(&mut self, rows: Size, columns: Size, entries: DMatrix<f64>) -> Id {
        let kind = Kind::matrix(self.shape(rows, columns));
        self.parameter(kind, Value::Matrix(entries))
    }

    /// A well-conditioned matrix, whose lower triangle is that of a positive definite one.
    pub fn square(&mut self, size: Size) -> Id {
        let n = size.count();
        let random = DMatrix::from_fn(n, n, |_, _| any(&mut self.random));
        let entries = random + DMatrix::identity(n, n) * (1.0 + n as f64);
        self.given_matrix(size, size, entries)
    }

    pub fn lu(&mut self, size: Size) -> Id {
        let matrix = self.square(size);
        self.apply(Op::Lu, &[matrix])
    }

    pub fn cholesky(&mut self, size: Size) -> Id {
        let matrix = self.square(size);
        self.apply(Op::Cholesky(Panic::Unwrap), &[matrix])
    }

    pub fn integer(&mut self, value: i32) -> Id {
        self.leaf(Kind::INT, Value::Number(f64::from(value)), true)
    }

    /// A literal where the shape is static, else something known at run time.
    pub fn position(&mut self, value: usize, literal: bool) -> Id {
        if literal {
            self.graph.integer(value).id
        } else {
            self.integer(value as i32)
        }
    }

    pub fn condition(&mut self, holds: bool) -> Id {
        self.leaf(Kind::BOOL, Value::Number(f64::from(u8::from(holds))), true)
    }

    pub fn conditions(&mut self, rows: Size, columns: Size) -> Id {
        let kind = Kind {
            elem: Elem::Bool,
            shape: Some(self.shape(rows, columns)),
        };
        let (r, c) = (rows.count(), columns.count());
        let entries = DMatrix::from_fn(r, c, |_, _| self.random.one_of(&[0.0, 1.0]));
        self.leaf(kind, Value::Matrix(entries), true)
    }

    // ---- operations, exactly as a user's would be inserted ----

    pub fn apply(&mut self, op: Op, args: &[Id]) -> Id {
        let kinds: Vec<Kind> = args.iter().map(|a| self.graph.kind(*a)).collect();
        let kind =
            rules::kind(&op, &kinds).expect("an operation whose kind follows from its arguments");
        self.graph.insert(op, args.to_vec(), kind)
    }

    pub fn shaped(&mut self, op: Op, args: &[Id], shape: Shape) -> Id {
        self.graph.insert(op, args.to_vec(), Kind::matrix(shape))
    }

    /// The number of entries of a value.
    pub fn entries(&self, id: Id) -> Dim {
        let shape = self.graph.shape(id).expect("a matrix");
        self.product(&shape.rows, &shape.cols)
    }

    pub fn product(&self, a: &Dim, b: &Dim) -> Dim {
        match (a, b) {
            (Dim::Static(a), Dim::Static(b)) => Dim::Static(a * b),
            (a, b) => self.graph.dynamic(Extent::Product(a.clone(), b.clone())),
        }
    }

    pub fn part(&mut self, part: Part, whole: Id, at: &[Id]) -> Id {
        let kind = self.part_kind(&part, whole, at);
        self.graph
            .insert(Op::Part(part), [&[whole], at].concat(), kind)
    }

    pub fn part_kind(&self, part: &Part, whole: Id, at: &[Id]) -> Kind {
        let shape = self.graph.shape(whole).expect("a matrix");
        rules::part_shape(&self.graph, part, &shape, at).map_or(Kind::SCALAR, Kind::matrix)
    }

    // ---- values and derivatives ----

    pub fn value(&self, id: Id) -> Value {
        evaluate(&self.graph, &self.leaves, id)
    }

    /// The value where a leaf has another value.
    pub fn value_at(&self, id: Id, leaf: Id, there: Value) -> Value {
        let mut leaves = self.leaves.clone();
        leaves.insert(leaf, there);
        Interpreter::new(&self.graph, &leaves).value(id)
    }

    /// The cotangent of a leaf; zero where the value does not depend on it.
    pub fn reverse(&self, root: Id, seed: Id, leaf: Id) -> Id {
        let found = reverse(&self.graph, &[(root, seed)], &[leaf]);
        found[0].unwrap_or_else(|| self.graph.expr(leaf).zero().id)
    }

    /// The tangent of a value for those of some leaves; zero where it does not depend on them.
    pub fn forward(&self, root: Id, tangents: &[(Id, Id)]) -> Id {
        let found = forward(&self.graph, &[root], tangents);
        found[0].unwrap_or_else(|| self.graph.expr(root).zero().id)
    }

    /// A tangent of a leaf that moves one entry.
    pub fn unit(&mut self, leaf: Id, entry: usize) -> Id {
        let mut number = 0..;
        let value = self.value(leaf);
        let value = value.map(|_| f64::from(u8::from(number.next() == Some(entry))));
        self.like(leaf, value)
    }

    pub fn random_direction(&mut self, leaf: Id) -> Value {
        self.leaves[&leaf].map(|_| any(&mut self.random))
    }

    /// The derivative along a direction, from values alone: central differences, extrapolated.
    pub fn difference(&self, id: Id, leaf: Id, direction: &Value) -> Value {
        let at = &self.leaves[&leaf];
        let central = |step: f64| {
            let ahead = self.value_at(id, leaf, at.plus(step, direction));
            let behind = self.value_at(id, leaf, at.plus(-step, direction));
            ahead.plus(-1.0, &behind).map(|d| d / (2.0 * step))
        };
        let mut column: Vec<Value> = (4..9).map(|k| central(0.5_f64.powi(k))).collect();
        let mut power = 4.0;
        while column.len() > 1 {
            let better =
                |pair: &[Value]| pair[1].plus(1.0 / (power - 1.0), &pair[1].plus(-1.0, &pair[0]));
            column = column.windows(2).map(better).collect();
            power *= 4.0;
        }
        column.remove(0)
    }
}
