//! Jacobians and Hessians: their columns are the tangents of unit vectors, their rows the cotangents, and their
//! structure is what one would write by hand.

use crate::book::{describe, for_every_case, is_real};
use crate::interpreter::Value;
use crate::world::{Size, World, any};
use nalgebra::DMatrix;
use nalgrad_tests::differentiate::{forward, reverse};
use nalgrad_tests::graph::{Elem, Id, Kind, Shape};
use nalgrad_tests::jacobian::{Mode, Unwritable, hessian, jacobian};
use nalgrad_tests::rules::{Op, Panic, Part, Scalar};

/// The matrix whose columns are the tangents of the unit vectors, by definition.
fn by_columns(world: &mut World, root: Id, leaf: Id) -> Option<DMatrix<f64>> {
    let (m, n) = (
        world.value(root).entries().len(),
        world.leaves[&leaf].entries().len(),
    );
    let zero = world.leaves[&leaf].map(|_| 0.0);
    let tangent = world.like(leaf, zero.clone());
    let image = forward(&world.graph, &[root], &[(leaf, tangent)])[0];
    let mut columns = DMatrix::zeros(m, n);
    for j in 0..n {
        let Some(image) = image else { continue };
        let mut k = 0;
        let unit = zero.map(|_| {
            k += 1;
            f64::from(u8::from(k == j + 1))
        });
        let column = world.value_at(image, tangent, unit);
        columns.column_mut(j).copy_from_slice(column.entries());
    }
    Some(columns)
}

fn matrix_of(value: &Value) -> DMatrix<f64> {
    match value {
        Value::Number(x) => DMatrix::from_element(1, 1, *x),
        Value::Matrix(m) => m.clone(),
    }
}

#[track_caller]
fn assert_close(
    world: &World,
    root: Id,
    what: &str,
    found: &DMatrix<f64>,
    expected: &DMatrix<f64>,
) {
    assert_eq!(
        found.shape(),
        expected.shape(),
        "{what} of {}",
        describe(world, root)
    );
    for (a, b) in found.iter().zip(expected.iter()) {
        assert!(
            (a - b).abs() <= 1e-11 * (1.0 + b.abs()),
            "{what} of {}: {found}{expected}",
            describe(world, root)
        );
    }
}

fn check_jacobian(world: &mut World, root: Id, leaf: Id) {
    let Some(expected) = by_columns(world, root, leaf) else {
        return;
    };
    for mode in [Mode::Forward, Mode::Reverse, Mode::Automatic] {
        let found = jacobian(&world.graph, root, &[leaf], mode)
            .unwrap_or_else(|e| panic!("{e:?} of {}", describe(world, root)))[0];
        let scalar = world.graph.shape(root).is_none() && world.graph.shape(leaf).is_none();
        let found = match found {
            Some(id) => {
                assert_eq!(world.graph.shape(id).is_none(), scalar);
                matrix_of(&world.value(id))
            }
            None => DMatrix::zeros(expected.nrows(), expected.ncols()),
        };
        assert_close(world, root, &format!("{mode:?}"), &found, &expected);
    }
}

#[test]
fn jacobians_have_the_tangents_of_unit_vectors_as_columns() {
    let mut count = 0;
    for_every_case(|world, root| {
        if !is_real(world, root) || world.graph.kind(root).elem == Elem::Factor {
            return;
        }
        for leaf in world.wrt.clone() {
            check_jacobian(world, root, leaf);
            count += 1;
        }
    });
    assert!(count > 1000, "only {count}");
}

/// A number that depends on every entry of a value.
fn reduced(world: &mut World, root: Id) -> Id {
    let weights = world.value(root).map(|_| any(&mut world.random));
    let weights = world.like(root, weights);
    match world.graph.shape(root) {
        None => world.graph.insert(
            Op::Scalar(Scalar::Mul),
            vec![root, weights],
            world.graph.kind(root),
        ),
        Some(_) => world.apply(Op::Dot, &[root, weights]),
    }
}

/// How many blocks there were to check.
fn check_hessian(world: &mut World, root: Id, gradients: &[Option<Id>], wrt: &[Id]) -> usize {
    let mut count = 0;
    let Ok(blocks) = hessian(&world.graph, gradients, wrt) else {
        return count;
    };
    let values: Vec<Vec<Option<DMatrix<f64>>>> = blocks
        .iter()
        .map(|row| {
            row.iter()
                .map(|id| id.map(|id| matrix_of(&world.value(id))))
                .collect()
        })
        .collect();
    for (a, gradient) in gradients.iter().enumerate() {
        for (b, leaf) in wrt.iter().enumerate() {
            let found = &values[a][b];
            let transposed = values[b][a].as_ref().map(|m| m.transpose());
            let bits = |m: &DMatrix<f64>| m.map(f64::to_bits);
            assert_eq!(
                found.as_ref().map(bits),
                transposed.as_ref().map(bits),
                "the symmetry of {}",
                describe(world, root)
            );
            let (Some(gradient), Some(found)) = (gradient, found) else {
                continue;
            };
            let expected = by_columns(world, *gradient, *leaf).expect("a tangent");
            assert_close(world, root, "Hessian", found, &expected);
            count += 1;
        }
    }
    count
}

#[test]
fn hessians_are_the_jacobians_of_gradients_and_symmetric() {
    let mut count = 0;
    for_every_case(|world, root| {
        if !is_real(world, root) || world.graph.kind(root).elem == Elem::Factor {
            return;
        }
        // The interpreter takes its time for many columns.
        let entries = |leaf: &Id| world.leaves[leaf].entries().len();
        if world.wrt.iter().map(entries).sum::<usize>() > 40 {
            return;
        }
        let root = reduced(world, root);
        world.graph.user_nodes.set(world.graph.count());
        let wrt = world.wrt.clone();
        let one = world.graph.constant(1.0);
        let gradients = reverse(&world.graph, &[(root, one)], &wrt);
        count += check_hessian(world, root, &gradients, &wrt);
    });
    assert!(count > 300, "only {count}");
}

// ---- structure ----

/// The operations that a value is computed by, beyond those of the user's.
fn operations(world: &World, root: Id) -> Vec<Id> {
    let mut found = Vec::new();
    let mut pending = vec![root];
    while let Some(id) = pending.pop() {
        if id.0 >= world.graph.user_nodes.get() && !found.contains(&id) {
            found.push(id);
            pending.extend(world.graph.args(id).iter());
        }
    }
    found
}

fn ops(world: &World, root: Id) -> Vec<Op> {
    let mut found = operations(world, root);
    found.sort();
    found.into_iter().map(|id| world.graph.op(id)).collect()
}

fn count(ops: &[Op], wanted: fn(&Op) -> bool) -> usize {
    ops.iter().filter(|op| wanted(op)).count()
}

const DIAGONALS: fn(&Op) -> bool = |op| matches!(op, Op::FromDiagonal | Op::Identity);
const PRODUCTS: fn(&Op) -> bool =
    |op| matches!(op, Op::MatMul | Op::TrMul | Op::ProductTn | Op::ProductNt);
const SCALINGS: fn(&Op) -> bool = |op| matches!(op, Op::ScaleRows | Op::ScaleColumns);

fn scalar(world: &mut World, function: Scalar, args: &[Id]) -> Id {
    world.apply(Op::Scalar(function), args)
}

fn finished(world: &mut World) {
    world.graph.user_nodes.set(world.graph.count());
}

fn jacobian_of(world: &mut World, root: Id, leaf: Id) -> Id {
    finished(world);
    check_jacobian(world, root, leaf);
    jacobian(&world.graph, root, &[leaf], Mode::Automatic).expect("a Jacobian")[0]
        .expect("one that is not zero")
}

fn hessian_of(world: &mut World, root: Id, leaf: Id) -> Id {
    finished(world);
    let one = world.graph.constant(1.0);
    let gradients = reverse(&world.graph, &[(root, one)], &[leaf]);
    let found = hessian(&world.graph, &gradients, &[leaf]).expect("a Hessian")[0][0];
    let found = found.expect("one that is not zero");
    let expected = by_columns(world, gradients[0].expect("a gradient"), leaf).expect("a tangent");
    assert_close(
        world,
        root,
        "Hessian",
        &matrix_of(&world.value(found)),
        &expected,
    );
    found
}

fn sizes() -> [[Size; 2]; 2] {
    [
        [Size::Fixed(3), Size::Fixed(4)],
        [Size::Run(3), Size::Run(4)],
    ]
}

#[test]
fn affine_maps_have_the_matrix_itself() {
    for [m, n] in sizes() {
        let mut world = World::new(1);
        let (a, x) = (
            world.matrix(m, n, any),
            world.matrix(n, Size::Fixed(1), any),
        );
        let c = world.matrix(m, Size::Fixed(1), any);
        let ax = world.apply(Op::MatMul, &[a, x]);
        let y = scalar(&mut world, Scalar::Add, &[ax, c]);
        assert_eq!(jacobian_of(&mut world, y, x), a);
        let j = jacobian_of(&mut world, y, c);
        assert_eq!(ops(&world, j), [Op::Identity]);
    }
}

#[test]
fn elementwise_chains_are_one_diagonal() {
    for [n, _] in sizes() {
        let mut world = World::new(2);
        let x = world.matrix(n, Size::Fixed(1), any);
        let w = world.matrix(n, Size::Fixed(1), any);
        let mut y = scalar(&mut world, Scalar::Mul, &[x, w]);
        for function in [Scalar::Tanh, Scalar::Exp, Scalar::Sin] {
            y = scalar(&mut world, function, &[y]);
        }
        let y = scalar(&mut world, Scalar::Add, &[y, x]);
        let j = jacobian_of(&mut world, y, x);
        let found = ops(&world, j);
        assert_eq!(found.last(), Some(&Op::FromDiagonal));
        assert_eq!(count(&found, DIAGONALS), 1);
        assert_eq!(count(&found, PRODUCTS) + count(&found, SCALINGS), 0);
        // And no matrix on the way to it.
        for id in operations(&world, j).into_iter().filter(|id| *id != j) {
            let shape = world.graph.shape(id);
            assert!(
                shape.is_none_or(|s| s.is_column()),
                "{:?}",
                world.graph.node(id)
            );
        }
    }
}

#[test]
fn a_layer_is_a_product_with_scaled_rows_or_columns() {
    for [m, n] in sizes() {
        let mut world = World::new(3);
        let (b, a) = (world.matrix(n, m, any), world.matrix(m, n, any));
        let x = world.matrix(n, Size::Fixed(1), any);
        let ax = world.apply(Op::MatMul, &[a, x]);
        let h = scalar(&mut world, Scalar::Tanh, &[ax]);
        let y = world.apply(Op::MatMul, &[b, h]);
        let j = jacobian_of(&mut world, y, x);
        let found = ops(&world, j);
        assert_eq!(count(&found, PRODUCTS), 1, "{found:?}");
        assert_eq!(count(&found, SCALINGS), 1, "{found:?}");
        assert_eq!(count(&found, DIAGONALS), 0, "{found:?}");
    }
}

#[test]
fn a_narrow_middle_makes_an_outer_product() {
    for [m, n] in sizes() {
        let mut world = World::new(4);
        let (u, v) = (
            world.matrix(m, n, any),
            world.matrix(m, Size::Fixed(1), any),
        );
        let (w, x) = (
            world.matrix(m, Size::Fixed(1), any),
            world.matrix(n, Size::Fixed(1), any),
        );
        let sin = scalar(&mut world, Scalar::Sin, &[x]);
        let us = world.apply(Op::MatMul, &[u, sin]);
        let s = world.apply(Op::Dot, &[w, us]);
        let e = scalar(&mut world, Scalar::Exp, &[s]);
        let y = scalar(&mut world, Scalar::Mul, &[v, e]);
        let j = jacobian_of(&mut world, y, x);
        for id in operations(&world, j) {
            let inner = match world.graph.op(id) {
                op if PRODUCTS(&op) => world.graph.args(id),
                _ => continue,
            };
            let vectors = inner
                .iter()
                .any(|a| world.graph.shape(*a).is_some_and(|s| s.is_vector()));
            assert!(vectors, "{:?}", world.graph.node(id));
        }
    }
}

#[test]
fn small_vectors_of_expressions_are_written_by_entries() {
    for mode in [Mode::Forward, Mode::Reverse] {
        let mut world = World::new(5);
        let x = world.matrix(Size::Fixed(2), Size::Fixed(1), any);
        let entry = |w: &mut World, i: usize| {
            let at = w.graph.integer(i).id;
            w.part(Part::Entry, x, &[at])
        };
        let (a, b) = (entry(&mut world, 0), entry(&mut world, 1));
        let product = scalar(&mut world, Scalar::Mul, &[a, b]);
        let power = world.apply(Op::PowI(8), &[b]);
        let shape = world.graph.shape(x).expect("a vector");
        let y = world.shaped(Op::Build, &[product, power], shape);
        finished(&mut world);
        check_jacobian(&mut world, y, x);
        let j = jacobian(&world.graph, y, &[x], mode).expect("a Jacobian")[0].expect("not zero");
        assert_eq!(world.graph.op(j), Op::Build, "{mode:?}");
    }
}

#[test]
fn sizes_follow_the_contract() {
    use nalgrad_tests::graph::Dim;
    let mut world = World::new(6);
    let a = world.matrix(Size::Fixed(3), Size::Run(4), any);
    let x = world.matrix(Size::Run(4), Size::Fixed(1), any);
    let y = world.apply(Op::MatMul, &[a, x]);
    let j = jacobian_of(&mut world, y, x);
    let shape = world.graph.shape(j).expect("a matrix");
    assert!(matches!(
        (shape.rows, shape.cols),
        (Dim::Dynamic(_), Dim::Dynamic(_))
    ));
    // A product of const generics cannot be written.
    let name = |n: &str| Dim::Generic(n.to_string());
    let kind = Kind::matrix(Shape::new(name("R"), name("C")));
    let m = world.graph.symbol(kind.clone());
    let t = world.graph.insert(Op::Scalar(Scalar::Sin), vec![m], kind);
    let refused = jacobian(&world.graph, t, &[m], Mode::Automatic);
    assert!(matches!(refused, Err(Unwritable(_))));
    // One of them can.
    let kind = Kind::matrix(Shape::new(name("N"), Dim::Static(1)));
    let v = world.graph.symbol(kind.clone());
    let s = world.graph.insert(Op::Scalar(Scalar::Sin), vec![v], kind);
    let j = jacobian(&world.graph, s, &[v], Mode::Automatic).expect("a size")[0];
    let shape = Shape::new(name("N"), name("N"));
    assert_eq!(world.graph.shape(j.expect("not zero")), Some(shape));
}

#[test]
fn what_does_not_depend_has_none() {
    let mut world = World::new(7);
    let x = world.matrix(Size::Run(2), Size::Fixed(1), any);
    let y = world.matrix(Size::Run(2), Size::Fixed(1), any);
    let steps = scalar(&mut world, Scalar::Floor, &[x]);
    finished(&mut world);
    for mode in [Mode::Automatic, Mode::Forward, Mode::Reverse] {
        assert_eq!(
            jacobian(&world.graph, steps, &[x, y], mode),
            Ok(vec![None, None])
        );
    }
}

// ---- Hessians in closed form ----

#[test]
fn quadratic_forms_have_constant_hessians() {
    for [_, n] in sizes() {
        let mut world = World::new(8);
        let (a, x) = (
            world.matrix(n, n, any),
            world.matrix(n, Size::Fixed(1), any),
        );
        let ax = world.apply(Op::MatMul, &[a, x]);
        let y = world.apply(Op::Dot, &[x, ax]);
        let h = hessian_of(&mut world, y, x);
        let found = ops(&world, h);
        assert_eq!(found, [Op::Transpose, Op::Scalar(Scalar::Add)]);
    }
}

#[test]
fn least_squares_have_the_gram_matrix() {
    for [m, n] in sizes() {
        let mut world = World::new(9);
        let (a, b) = (
            world.matrix(m, n, any),
            world.matrix(m, Size::Fixed(1), any),
        );
        let x = world.matrix(n, Size::Fixed(1), any);
        let ax = world.apply(Op::MatMul, &[a, x]);
        let r = scalar(&mut world, Scalar::Sub, &[ax, b]);
        let y = world.apply(Op::NormSquared, &[r]);
        let h = hessian_of(&mut world, y, x);
        let product = operations(&world, h)
            .into_iter()
            .find(|id| PRODUCTS(&world.graph.op(*id)))
            .expect("a product");
        assert!(matches!(world.graph.op(product), Op::TrMul | Op::ProductTn));
        assert_eq!(world.graph.args(product)[..], [a, a]);
        assert_eq!(world.graph.op(h), Op::SymmetricFromLower);
        // x and b have no part in it.
        let depends = world.graph.depends_on(&[x, b]);
        assert!(operations(&world, h).iter().all(|id| !depends.contains(id)));
    }
}

#[test]
fn logistic_losses_scale_rows_once() {
    for [m, n] in sizes() {
        let mut world = World::new(10);
        let (x, y) = (
            world.matrix(m, n, any),
            world.matrix(m, Size::Fixed(1), any),
        );
        let w = world.matrix(n, Size::Fixed(1), any);
        let z = world.apply(Op::MatMul, &[x, w]);
        let yz = scalar(&mut world, Scalar::Mul, &[y, z]);
        let minus = scalar(&mut world, Scalar::Neg, &[yz]);
        let e = scalar(&mut world, Scalar::Exp, &[minus]);
        let one = world.graph.constant(1.0);
        let plus = scalar(&mut world, Scalar::Add, &[e, one]);
        let ln = scalar(&mut world, Scalar::Ln, &[plus]);
        let loss = world.apply(Op::Sum, &[ln]);
        let h = hessian_of(&mut world, loss, w);
        let found = ops(&world, h);
        assert_eq!(count(&found, PRODUCTS), 1, "{found:?}");
        assert_eq!(count(&found, SCALINGS), 1, "{found:?}");
        assert_eq!(count(&found, DIAGONALS), 0, "{found:?}");
    }
}

#[test]
fn separable_sums_have_diagonal_hessians() {
    for [n, _] in sizes() {
        let mut world = World::new(11);
        let x = world.matrix(n, Size::Fixed(1), any);
        let sin = scalar(&mut world, Scalar::Sin, &[x]);
        let y = world.apply(Op::Sum, &[sin]);
        let h = hessian_of(&mut world, y, x);
        assert_eq!(world.graph.op(h), Op::FromDiagonal);
    }
}

// ---- random compositions ----

/// A value built at random of what is there already, all values being columns of one size or numbers.
fn grow(world: &mut World, values: &mut Vec<Id>, n: Size) {
    let pick = |w: &mut World, values: &[Id], matrix: bool| {
        let fitting: Vec<Id> = values
            .iter()
            .copied()
            .filter(|v| w.graph.is_matrix(*v) == matrix)
            .collect();
        fitting[w.random.below(fitting.len())]
    };
    let v = pick(world, values, true);
    let s = pick(world, values, false);
    let u = pick(world, values, true);
    let new = match world.random.below(13) {
        0 => scalar(world, Scalar::Sin, &[v]),
        1 => scalar(world, Scalar::Tanh, &[v]),
        2 => scalar(world, Scalar::Mul, &[u, v]),
        3 => scalar(world, Scalar::Add, &[u, v]),
        4 => scalar(world, Scalar::Mul, &[s, v]),
        5 => scalar(world, Scalar::Sub, &[v, s]),
        6 => world.apply(Op::Dot, &[u, v]),
        7 => scalar(world, Scalar::Cos, &[s]),
        8 => world.apply(Op::Mean, &[v]),
        9 | 10 => {
            let a = world.matrix(n, n, any);
            let op = if world.random.below(2) == 0 {
                Op::MatMul
            } else {
                Op::TrMul
            };
            world.apply(op, &[a, v])
        }
        11 => {
            let at = world.random.below(n.count());
            let at = world.position(at, matches!(n, Size::Fixed(_)));
            world.part(Part::Entry, v, &[at])
        }
        _ => {
            let holds = world.random.below(2) == 0;
            let condition = world.condition(holds);
            world.apply(Op::Select, &[condition, u, v])
        }
    };
    values.push(new);
}

#[test]
fn random_compositions_have_the_tangents_of_unit_vectors_as_columns() {
    for seed in 0..150 {
        let mut world = World::new(1000 + seed);
        let n = [Size::Fixed(3), Size::Run(3), Size::Fixed(1)][seed as usize % 3];
        let x = world.matrix(n, Size::Fixed(1), any);
        let s = world.number(any);
        let mut values = vec![x, s];
        for _ in 0..10 {
            grow(&mut world, &mut values, n);
        }
        finished(&mut world);
        for root in values.iter().rev().take(3).copied().collect::<Vec<_>>() {
            check_jacobian(&mut world, root, x);
            check_jacobian(&mut world, root, s);
        }
        let last = values.iter().rev().find(|v| !world.graph.is_matrix(**v));
        let root = *last.expect("a number");
        let one = world.graph.constant(1.0);
        let wrt = [x, s];
        let gradients = reverse(&world.graph, &[(root, one)], &wrt);
        check_hessian(&mut world, root, &gradients, &wrt);
    }
}

/// A value built at random of matrices, all of one square shape, and columns of one size.
fn grow_matrices(world: &mut World, values: &mut Vec<Id>, n: Size) {
    let pick = |w: &mut World, values: &[Id], columns: bool| {
        let is_column = |v: Id| w.graph.shape(v).is_some_and(|s| s.is_column());
        let fitting: Vec<Id> = values
            .iter()
            .copied()
            .filter(|v| w.graph.is_matrix(*v) && is_column(*v) == columns)
            .collect();
        fitting[w.random.below(fitting.len())]
    };
    let (a, b) = (pick(world, values, false), pick(world, values, false));
    let v = pick(world, values, true);
    let literal = matches!(n, Size::Fixed(_));
    let at = world.random.below(n.count());
    let at = world.position(at, literal);
    let new = match world.random.below(16) {
        0 => world.apply(Op::Transpose, &[a]),
        1 => world.apply(Op::MatMul, &[a, b]),
        2 => world.apply(Op::TrMul, &[a, b]),
        3 => world.apply(Op::MatMul, &[a, v]),
        4 => scalar(world, Scalar::Sin, &[a]),
        5 => scalar(world, Scalar::Add, &[a, b]),
        6 => world.part(Part::Column, a, &[at]),
        7 => {
            let row = world.part(Part::Row, a, &[at]);
            world.apply(Op::Transpose, &[row])
        }
        8 => world.apply(Op::Diagonal, &[a]),
        9 => {
            let shape = world.graph.shape(a).expect("a matrix");
            world.shaped(Op::FromDiagonal, &[v], shape)
        }
        10 => world.apply(Op::ColumnSum, &[a]),
        11 => {
            let t = world.apply(Op::Transpose, &[v]);
            world.apply(Op::MatMul, &[v, t])
        }
        12 => {
            let square = world.square(n);
            let lu = world.apply(Op::Lu, &[square]);
            world.apply(Op::LuSolve(Panic::Unwrap), &[lu, a])
        }
        13 => {
            let trace = world.apply(Op::Trace, &[a]);
            scalar(world, Scalar::Mul, &[trace, b])
        }
        14 => world.apply(Op::ScaleRows, &[v, a]),
        _ => {
            let holds = world.random.below(2) == 0;
            let condition = world.condition(holds);
            world.apply(Op::Select, &[condition, a, b])
        }
    };
    values.push(new);
}

#[test]
fn random_compositions_of_matrices_have_the_tangents_of_unit_matrices_as_columns() {
    for seed in 0..100 {
        let mut world = World::new(5000 + seed);
        let n = [Size::Fixed(2), Size::Run(3)][seed as usize % 2];
        let x = world.matrix(n, n, any);
        let v = world.matrix(n, Size::Fixed(1), any);
        let mut values = vec![x, v];
        for _ in 0..6 {
            grow_matrices(&mut world, &mut values, n);
        }
        let last = values[values.len() - 1];
        let root = world.apply(Op::NormSquared, &[last]);
        finished(&mut world);
        check_jacobian(&mut world, last, x);
        check_jacobian(&mut world, last, v);
        let one = world.graph.constant(1.0);
        let wrt = [x, v];
        let gradients = reverse(&world.graph, &[(root, one)], &wrt);
        check_hessian(&mut world, root, &gradients, &wrt);
    }
}
