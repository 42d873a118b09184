//! The algebra of what the macro builds: random trees, once as written and once rewritten, mean the same.

use crate::interpreter::{Interpreter, Value};
use crate::world::{Domain, Lcg, Size, World};
use Size::{Fixed, Run};
use nalgrad_tests::graph::{Graph, Id, Shape};
use nalgrad_tests::rules::{Comparison, Op, Part, Scalar};
use nalgrad_tests::simplify::Expr;

/// A value as written, and as the algebra has it.
#[derive(Clone, Copy)]
struct Pair {
    exact: Id,
    built: Id,
}

/// Grows a pool of values: everything is made of what is there already, so that much is repeated.
struct Trees {
    world: World,
    pool: Vec<Pair>,
    conditions: Vec<Id>,
}

const CONSTANTS: [f64; 6] = [0.0, 1.0, -1.0, 2.0, 0.5, -3.0];
const POINTS: [f64; 6] = [0.0, 1.0, -1.0, 0.5, 2.0, -2.0];

/// Often where something special happens.
fn anywhere(random: &mut Lcg) -> f64 {
    if random.below(3) == 0 {
        random.one_of(&POINTS)
    } else {
        random.between(-2.0, 2.0)
    }
}

impl Trees {
    fn new(seed: u64, point: Domain) -> Self {
        let mut world = World::new(seed);
        let mut leaves = Vec::new();
        // The shapes of a pool are few, so that many values fit each other.
        let (m, n) = (1 + world.random.below(3), 1 + world.random.below(3));
        let mut size = |n: usize| {
            if world.random.below(2) == 0 {
                Fixed(n)
            } else {
                Run(n)
            }
        };
        let sizes = [
            [size(m), size(n)],
            [size(n), size(n)],
            [size(m), size(m)],
            [size(n), Fixed(1)],
        ];
        let more = [
            [size(n), Fixed(1)],
            [Fixed(1), size(n)],
            [Fixed(1), Fixed(1)],
            [size(n), size(m)],
        ];
        for [rows, columns] in sizes.into_iter().chain(more) {
            leaves.push(world.matrix(rows, columns, point));
        }
        (0..3).for_each(|_| leaves.push(world.number(point)));
        for c in CONSTANTS {
            leaves.push(world.graph.constant(c));
        }
        let conditions = vec![world.condition(true), world.condition(false)];
        let pool = leaves
            .iter()
            .map(|id| Pair {
                exact: *id,
                built: *id,
            })
            .collect();
        Trees {
            world,
            pool,
            conditions,
        }
    }

    fn graph(&self) -> &Graph {
        &self.world.graph
    }

    fn shape_of(&self, id: Id) -> Option<(usize, usize)> {
        self.world.value(id).shape()
    }

    fn any(&mut self) -> Pair {
        // What is new is used more often, for depth.
        let recent = self.pool.len() - self.world.random.below(self.pool.len().min(12)) - 1;
        let all = self.world.random.below(self.pool.len());
        let mut pair = self.pool[self.world.random.one_of(&[recent, all])];
        // The algebra reads through values as written, too.
        if self.world.random.below(4) == 0 {
            pair.built = pair.exact;
        }
        pair
    }

    fn that(&mut self, fits: impl Fn(Option<(usize, usize)>) -> bool) -> Option<Pair> {
        (0..30).find_map(|_| Some(self.any()).filter(|pair| fits(self.shape_of(pair.exact))))
    }

    fn matrix(&mut self) -> Option<Pair> {
        self.that(|shape| shape.is_some())
    }

    fn number(&mut self) -> Option<Pair> {
        self.that(|shape| shape.is_none())
    }

    /// The same operation both ways.
    fn both(
        &mut self,
        op: Op,
        args: &[Pair],
        built: impl Fn(&Graph, Vec<Expr>) -> Id,
    ) -> Option<Pair> {
        let exact: Vec<Id> = args.iter().map(|p| p.exact).collect();
        let exact = self.world.apply(op, &exact);
        Some(Pair {
            exact,
            built: self.built(args, built),
        })
    }

    fn built(&self, args: &[Pair], built: impl Fn(&Graph, Vec<Expr>) -> Id) -> Id {
        let graph = self.graph();
        built(graph, args.iter().map(|p| graph.expr(p.built)).collect())
    }

    fn scalar(
        &mut self,
        function: Scalar,
        args: &[Pair],
        built: impl Fn(&[Expr]) -> Id,
    ) -> Option<Pair> {
        self.both(Op::Scalar(function), args, |_, args| built(&args))
    }

    /// A second operand entry by entry: of the same shape, or a number.
    fn partner(&mut self, first: Pair) -> Option<Pair> {
        let shape = self.shape_of(first.exact);
        self.that(|other| shape.is_none() || other.is_none() || other == shape)
    }

    fn grow(&mut self) -> Option<Pair> {
        match self.world.random.below(36) {
            0..3 => {
                let a = self.any();
                let b = self.partner(a)?;
                self.scalar(Scalar::Add, &[a, b], |x| (x[0] + x[1]).id)
            }
            3..5 => {
                let a = self.any();
                let b = self.partner(a)?;
                self.scalar(Scalar::Sub, &[a, b], |x| (x[0] - x[1]).id)
            }
            5..9 => {
                let a = self.any();
                let b = self.partner(a)?;
                self.scalar(Scalar::Mul, &[a, b], |x| (x[0] * x[1]).id)
            }
            9..11 => {
                let a = self.any();
                let b = self.partner(a)?;
                self.scalar(Scalar::Div, &[a, b], |x| (x[0] / x[1]).id)
            }
            11 => {
                let a = self.any();
                self.scalar(Scalar::Neg, &[a], |x| (-x[0]).id)
            }
            12 => {
                let n = self.world.random.one_of(&[-2, -1, 0, 1, 2, 3, 4]);
                let a = self.any();
                self.both(Op::PowI(n), &[a], |_, x| x[0].powi(n).id)
            }
            13 => {
                let a = self.any();
                self.scalar(Scalar::Sqrt, &[a], |x| x[0].sqrt().id)
            }
            14 => {
                let a = self.any();
                self.scalar(Scalar::Exp, &[a], |x| x[0].exp().id)
            }
            // What the algebra has no name for, it meets all the same.
            15 => {
                let a = self.any();
                let opaque = self
                    .world
                    .random
                    .one_of(&[Scalar::Tanh, Scalar::Recip, Scalar::Abs]);
                let exact = self.world.apply(Op::Scalar(opaque), &[a.exact]);
                Some(Pair {
                    exact,
                    built: exact,
                })
            }
            16 => self.compare(),
            17..19 => self.choose(),
            19 => {
                let a = self.matrix()?;
                self.both(Op::Sum, &[a], |_, x| x[0].sum().id)
            }
            20 => {
                let a = self.matrix()?;
                let shape = self.shape_of(a.exact);
                let b = self.that(|other| other == shape)?;
                self.both(Op::Dot, &[a, b], |_, x| x[0].dot(x[1]).id)
            }
            21..24 => {
                let a = self.matrix()?;
                let inner = self.shape_of(a.exact)?.1;
                let b = self.that(|other| other.is_some_and(|other| other.0 == inner))?;
                self.both(Op::MatMul, &[a, b], |_, x| x[0].times(x[1]).id)
            }
            24 => {
                let a = self.matrix()?;
                self.both(Op::Transpose, &[a], |_, x| x[0].t().id)
            }
            25 => self.part(),
            26 => self.scatter(),
            27 => self.fill(),
            28 => self.sums(),
            29 => self.spread(),
            30 => self.logistic(),
            31 => self.many(),
            32 => self.square(),
            33 => self.power(),
            _ => self.product(),
        }
    }

    /// `eᵗ / (1 + eᵗ)`, or what is nearly that.
    fn logistic(&mut self) -> Option<Pair> {
        let t = self.any();
        let e = self.scalar(Scalar::Exp, &[t], |x| x[0].exp().id)?;
        let one = self.world.graph.constant(1.0);
        let one = Pair {
            exact: one,
            built: one,
        };
        let below = self.scalar(Scalar::Add, &[one, e], |x| (x[0] + x[1]).id)?;
        let above = self.partner(e)?;
        let above = self.world.random.one_of(&[e, e, above]);
        let quotient = self.scalar(Scalar::Div, &[above, below], |x| (x[0] / x[1]).id)?;
        self.scalar(Scalar::Mul, &[e, quotient], |x| (x[0] * x[1]).id)
    }

    /// The sum of many terms at once, as a cotangent is made.
    fn many(&mut self) -> Option<Pair> {
        let mut sum = self.any();
        let mut terms = vec![sum];
        for _ in 0..self.world.random.below(12) {
            let term = self.partner(sum)?;
            sum.exact = self
                .world
                .apply(Op::Scalar(Scalar::Add), &[sum.exact, term.exact]);
            terms.push(term);
        }
        let built: Vec<Id> = terms.iter().map(|t| t.built).collect();
        Some(Pair {
            exact: sum.exact,
            built: self.graph().sum_of(&built),
        })
    }

    /// Cofactors over determinants, and diagonals.
    fn square(&mut self) -> Option<Pair> {
        let a = self.that(|shape| shape.is_some_and(|(r, c)| r == c))?;
        match self.world.random.below(3) {
            0 => {
                let cofactors = self.both(Op::Cofactors, &[a], |_, x| x[0].cofactors().id)?;
                let determinant = self.world.apply(Op::Determinant, &[a.built]);
                let determinant = Pair {
                    exact: determinant,
                    built: determinant,
                };
                self.scalar(Scalar::Div, &[cofactors, determinant], |x| (x[0] / x[1]).id)
            }
            1 => {
                let diagonal = self.both(Op::Diagonal, &[a], |_, x| x[0].diagonal().id)?;
                let shape = self.graph().shape(a.exact);
                self.both(Op::FromDiagonal, &[diagonal], |_, x| {
                    x[0].to_diagonal(shape.clone()).id
                })
            }
            _ => {
                let identity = self.graph().expr(a.exact).identity().id;
                let identity = Pair {
                    exact: identity,
                    built: identity,
                };
                self.both(Op::Dot, &[identity, a], |_, x| x[0].dot(x[1]).id)
            }
        }
    }

    fn power(&mut self) -> Option<Pair> {
        let a = self.any();
        let p = self.number()?;
        match self.world.random.below(3) {
            0 => self.scalar(Scalar::Powf, &[a, p], |x| x[0].powf(x[1]).id),
            1 => self.scalar(Scalar::Hypot, &[a, p], |x| x[0].hypot(x[1]).id),
            _ => {
                let n = self.world.random.one_of(&[-7, -5, 5, 6]);
                self.both(Op::PowI(n), &[a], |_, x| x[0].powi(n).id)
            }
        }
    }

    /// Products as a user writes them, which the algebra reads through.
    fn product(&mut self) -> Option<Pair> {
        let a = self.matrix()?;
        let (rows, columns) = self.shape_of(a.exact)?;
        let op = self.world.random.one_of(&[0, 1, 2]);
        let fits = |(r, c): (usize, usize)| match op {
            0 => r == rows,
            1 => c == columns,
            _ => (r, c) == (columns, rows),
        };
        let b = self.that(|shape| shape.is_some_and(fits))?;
        let op = match op {
            0 => {
                if self.world.random.below(2) == 0 {
                    Op::TrMul
                } else {
                    Op::ProductTn
                }
            }
            1 => Op::ProductNt,
            _ => Op::TrDot,
        };
        let exact = self.world.apply(op, &[a.exact, b.exact]);
        Some(Pair {
            exact,
            built: exact,
        })
    }

    fn compare(&mut self) -> Option<Pair> {
        let a = self.any().exact;
        let b = self.partner(Pair { exact: a, built: a })?.exact;
        let comparison =
            self.world
                .random
                .one_of(&[Comparison::Gt, Comparison::Lt, Comparison::Ge]);
        let condition = self.world.apply(Op::Compare(comparison), &[a, b]);
        self.conditions.push(condition);
        let larger = self.world.apply(Op::Scalar(Scalar::Max), &[a, b]);
        Some(Pair {
            exact: larger,
            built: larger,
        })
    }

    fn choose(&mut self) -> Option<Pair> {
        let condition = self.conditions[self.world.random.below(self.conditions.len())];
        let shape = self.shape_of(condition);
        let a = self.that(|a| shape.is_none() || a.is_none() || a == shape)?;
        let fits = self.shape_of(a.exact);
        // Both sides of a branch are of one kind; entry by entry, a number is expanded.
        let b = self.that(|b| match shape {
            None => b == fits,
            Some(_) => b.is_none() || b == shape,
        })?;
        let (kind_a, kind_b) = (self.graph().kind(a.exact), self.graph().kind(b.exact));
        if shape.is_none() && kind_a.shape.is_some() != kind_b.shape.is_some() {
            return None;
        }
        let condition = Pair {
            exact: condition,
            built: condition,
        };
        self.both(Op::Select, &[condition, a, b], |_, x| {
            x[0].choose(x[1], x[2]).id
        })
    }

    fn position(&mut self, count: usize) -> Id {
        let value = self.world.random.below(count);
        let literal = self.world.random.below(2) == 0;
        self.world.position(value, literal)
    }

    /// A part, and where it is.
    fn some_part(&mut self, (rows, columns): (usize, usize)) -> (Part, Vec<Id>) {
        match self.world.random.below(5) {
            0 => (Part::Entry, vec![self.position(rows * columns)]),
            1 => (
                Part::EntryAt,
                vec![self.position(rows), self.position(columns)],
            ),
            2 => (Part::Row, vec![self.position(rows)]),
            3 => (Part::Column, vec![self.position(columns)]),
            _ => {
                let count = self.world.position(rows, false);
                (Part::Rows, vec![self.world.position(0, true), count])
            }
        }
    }

    /// A part of a value that is zero but for such a part, there or elsewhere.
    fn part_again(&mut self, scattered: Id) -> Option<(Part, Vec<Id>)> {
        let node = self.graph().node(scattered);
        let Op::Scatter(known) = node.op else {
            return None;
        };
        if self.world.random.below(2) == 0 {
            return Some((known, node.args[1..].to_vec()));
        }
        let shape = self.shape_of(scattered)?;
        (0..30)
            .map(|_| self.some_part(shape))
            .find(|(part, _)| *part == known)
    }

    fn part(&mut self) -> Option<Pair> {
        let a = self.matrix()?;
        let shape = self.shape_of(a.exact)?;
        let again = self.part_again(a.built);
        let (part, at) = again.unwrap_or_else(|| self.some_part(shape));
        let exact = self.world.part(part.clone(), a.exact, &at);
        let built = self.built(&[a], |graph, x| {
            x[0].part(
                &part,
                &at.iter().map(|i| graph.expr(*i)).collect::<Vec<_>>(),
            )
            .id
        });
        Some(Pair { exact, built })
    }

    fn scatter(&mut self) -> Option<Pair> {
        let like = self.matrix()?.exact;
        let (part, at) = self.some_part(self.shape_of(like)?);
        let first = self.place(part, at, like)?;
        self.pool.push(first);
        if self.world.random.below(2) == 0 {
            return self.part();
        }
        let (part, at) = self.part_again(first.exact)?;
        let second = self.place(part, at, like)?;
        self.scalar(Scalar::Add, &[first, second], |x| (x[0] + x[1]).id)
    }

    /// Something at a part of a matrix of that shape.
    fn place(&mut self, part: Part, at: Vec<Id>, like: Id) -> Option<Pair> {
        let taken = self.world.part(part.clone(), like, &at);
        let wanted = self.shape_of(taken);
        let a = self.that(|shape| shape == wanted)?;
        let shape = self.graph().shape(like)?;
        let args = [&[a.exact], &at[..]].concat();
        let exact = self
            .world
            .shaped(Op::Scatter(part.clone()), &args, shape.clone());
        let built = self.built(&[a], |graph, x| {
            let at: Vec<Expr> = at.iter().map(|i| graph.expr(*i)).collect();
            x[0].scatter(&part, Some(shape.clone()), &at).id
        });
        Some(Pair { exact, built })
    }

    fn fill(&mut self) -> Option<Pair> {
        let like = self.matrix()?.exact;
        let shape = self.graph().shape(like)?;
        if self.world.random.below(4) == 0 && shape.rows == shape.cols {
            let exact = self.world.shaped(Op::Identity, &[], shape);
            return Some(Pair {
                exact,
                built: exact,
            });
        }
        let a = self.number()?;
        let exact = self.world.shaped(Op::Fill, &[a.exact], shape.clone());
        let built = self.built(&[a], |_, x| x[0].fill(Some(shape.clone())).id);
        Some(Pair { exact, built })
    }

    fn sums(&mut self) -> Option<Pair> {
        let a = self.matrix()?;
        match self.world.random.below(3) {
            0 => self.both(Op::RowSum, &[a], |_, x| x[0].row_sum().id),
            1 => self.both(Op::ColumnSum, &[a], |_, x| x[0].column_sum().id),
            _ => self.both(Op::Mean, &[a], |_, x| x[0].mean().id),
        }
    }

    fn spread(&mut self) -> Option<Pair> {
        let like = self.matrix()?.exact;
        let (rows, columns) = self.shape_of(like)?;
        let shape = self.graph().shape(like)?;
        let by_rows = self.world.random.below(2) == 0;
        let wanted = if by_rows { (1, columns) } else { (rows, 1) };
        let a = self.that(|shape| shape == Some(wanted))?;
        let op = if by_rows {
            Op::SpreadRows
        } else {
            Op::SpreadColumns
        };
        let exact = self.world.shaped(op, &[a.exact], shape.clone());
        let built = self.built(&[a], |_, x| {
            let shape = Some(shape.clone());
            if by_rows {
                x[0].spread_rows(shape).id
            } else {
                x[0].spread_columns(shape).id
            }
        });
        Some(Pair { exact, built })
    }
}

/// Too large or too small for what comes next, or not defined.
fn is_tame(value: &Value) -> bool {
    value
        .entries()
        .iter()
        .all(|x| *x == 0.0 || (1e-60..1e60).contains(&x.abs()))
}

fn largest(value: &Value) -> f64 {
    value.entries().iter().fold(0.0, |m, x| m.max(x.abs()))
}

/// What a node is made of, down to the leaves.
fn written(graph: &Graph, id: Id) -> String {
    let node = graph.node(id);
    match node.op {
        Op::Leaf(_) => format!(
            "{}{}",
            graph.leaf_of(id).expect("a leaf").name,
            shape_written(&node.kind.shape)
        ),
        Op::Const(bits) => f64::from_bits(bits).to_string(),
        op => {
            let args: Vec<String> = node.args.iter().map(|a| written(graph, *a)).collect();
            let name = match op {
                Op::Scalar(function) => function.surface().to_string(),
                op => format!("{op:?}"),
            };
            format!(
                "{name}{}({})",
                shape_written(&node.kind.shape),
                args.join(", ")
            )
        }
    }
}

fn shape_written(shape: &Option<Shape>) -> String {
    match shape {
        Some(shape) => format!("[{:?} {:?}]", shape.rows, shape.cols),
        None => String::new(),
    }
}

/// Grows a pool, comparing as it grows: what fails first is small.
fn compare(seed: u64, size: usize) -> Result<usize, String> {
    let mut trees = Trees::new(seed, anywhere);
    trees.world.graph.keeps_value.set(seed.is_multiple_of(2));
    trees
        .world
        .graph
        .user_nodes
        .set(if seed % 4 < 2 { 0 } else { u32::MAX });
    let mut compared = 0;
    for _ in 0..size {
        let Some(pair) = trees.grow() else { continue };
        let world = &trees.world;
        let value = |id: Id, seed: u64| {
            let mut random = Lcg(seed);
            let by = move |x: f64| {
                if seed == 0 {
                    x
                } else {
                    x * (1.0 + random.between(-1e-12, 1e-12))
                }
            };
            let mut interpreter = Interpreter::disturbed(&world.graph, &world.leaves, by);
            let value = interpreter.value(id);
            let largest = interpreter.seen().map(largest).fold(0.0, f64::max);
            let tame = interpreter.seen().all(is_tame);
            (value, tame, largest)
        };
        let (expected, tame, scale) = value(pair.exact, 0);
        // Outside of the domain anything may come out, and later operations need not see it.
        if !tame {
            continue;
        }
        let graph = &world.graph;
        if graph.kind(pair.exact).shape.is_some() != graph.kind(pair.built).shape.is_some() {
            return Err(format!(
                "{} became {}",
                written(graph, pair.exact),
                written(graph, pair.built)
            ));
        }
        let found = value(pair.built, 0).0;
        // What rounding errors do to the value as written is no mistake of the algebra.
        let noise = |draw| largest(&value(pair.exact, draw).0.plus(-1.0, &expected));
        let noise = 100.0 * (1..4).map(noise).fold(0.0, f64::max) + 1e-13 * scale;
        if noise > largest(&expected).max(1.0) {
            continue;
        }
        let same_shape = expected.shape() == found.shape();
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-10 * a.abs() + noise;
        if !same_shape || !expected.entries().iter().zip(found.entries()).all(close) {
            return Err(format!(
                "seed {seed}:\n  {}\nis {:?}, but\n  {}\nis {:?}\nwhere {:?}",
                written(graph, pair.exact),
                expected.entries(),
                written(graph, pair.built),
                found.entries(),
                world
                    .leaves
                    .iter()
                    .map(|(id, v)| (written(graph, *id), v.entries()))
                    .collect::<Vec<_>>(),
            ));
        }
        compared += 1;
        trees.pool.push(pair);
    }
    Ok(compared)
}

/// The gradient of a tree as written, and the gradient of that, against differences.
fn differentiate(seed: u64, size: usize) -> Result<usize, String> {
    let mut trees = Trees::new(seed, |r| r.between(-2.0, 2.0));
    let leaves = trees.world.wrt.clone();
    for _ in 0..size {
        let Some(pair) = trees.grow() else { continue };
        if largest(&trees.world.value(pair.exact)) < 1e3 {
            trees.pool.push(Pair {
                exact: pair.exact,
                built: pair.exact,
            });
        }
    }
    let mut compared = 0;
    for _ in 0..4 {
        let root = trees.any().exact;
        let world = &mut trees.world;
        world.graph.keeps_value.set(seed.is_multiple_of(2));
        world.graph.user_nodes.set(world.graph.count());
        let seed_of = world.random_like(root);
        let (one, two) = (world.random.one_of(&leaves), world.random.one_of(&leaves));
        compared += check(world, root, seed_of, one)?;
        let direction = world.random_like(one);
        let gradient = world.reverse(root, seed_of, one);
        compared += check(world, gradient, direction, two)?;
        let tangent = world.forward(root, &[(one, direction)]);
        compared += check(world, tangent, seed_of, two)?;
    }
    Ok(compared)
}

/// One if there was something to compare: where differences of differing steps do not agree, there is not.
fn check(world: &mut World, root: Id, seed: Id, leaf: Id) -> Result<usize, String> {
    let x_bar = world.reverse(root, seed, leaf);
    let direction = world.leaves[&leaf].map(|_| world.random.between(-1.0, 1.0));
    let along = |factor: f64| {
        let change = world
            .difference(root, leaf, &direction.map(|x| factor * x))
            .map(|x| x / factor);
        let scale = largest(&change);
        (world.value(seed).terms(&change).sum::<f64>(), scale)
    };
    let ((expected, scale), (again, _)) = (along(0.25), along(0.2));
    let error = (expected - again).abs();
    if error.is_nan() || error > 1e-7 * (1.0 + scale) || largest(&world.value(root)) > 1e3 {
        return Ok(0);
    }
    let x_dot = world.like(leaf, direction.clone());
    let y_dot = world.forward(root, &[(leaf, x_dot)]);
    let backward: f64 = world.value(x_bar).terms(&direction).sum();
    let forward: f64 = world.value(seed).terms(&world.value(y_dot)).sum();
    for (found, sweep) in [(backward, x_bar), (forward, y_dot)] {
        if (found - expected).abs() > 10.0 * error + 1e-6 * (1.0 + scale) {
            return Err(format!(
                "{}\nby {} is {expected}, but\n  {}\ngives {found}",
                written(&world.graph, root),
                written(&world.graph, leaf),
                written(&world.graph, sweep)
            ));
        }
    }
    // The two sweeps are transposes of each other.
    let close = (backward - forward).abs() <= 1e-7 * (1.0 + scale);
    if close {
        Ok(1)
    } else {
        Err(format!("{backward} and {forward}"))
    }
}

/// Runs through the seeds, and shows the shortest failures.
fn for_all_seeds(run: impl Fn(u64) -> Result<usize, String>) -> usize {
    let results: Vec<Result<usize, String>> = (0..400).map(run).collect();
    let mut failures: Vec<&String> = results.iter().filter_map(|r| r.as_ref().err()).collect();
    failures.sort_by_key(|failure| failure.len());
    failures.truncate(5);
    assert!(
        failures.is_empty(),
        "{}",
        failures
            .iter()
            .map(|f| format!("{f}\n\n"))
            .collect::<String>()
    );
    results.iter().flatten().sum()
}

#[test]
fn rewritten_values_are_equal() {
    let compared = for_all_seeds(|seed| compare(seed, 60));
    assert!(compared > 10_000, "only {compared}");
}

#[test]
fn gradients_of_random_trees_agree_with_differences() {
    let compared = for_all_seeds(|seed| differentiate(seed, 12));
    assert!(compared > 2_000, "only {compared}");
}
