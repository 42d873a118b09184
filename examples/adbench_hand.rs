//! A hand of 22 bones under a skin, one of the four objectives of ADBench: the Jacobian of by how much its surface
//! misses measured points, which `#[jacobian]` writes: `cargo run --release --example adbench_hand`.

use std::time::Instant;

use nalgebra::{
    DMatrix, DVector, Matrix3, Matrix3xX, Matrix4, Matrix4xX, SMatrix, SVector, Vector2, Vector3,
    Vector4,
};
use nalgrad::{differentiable, jacobian};

const BONES: usize = 22;

/// The hand at rest: for each bone its parent, where it is in its parent's frame, and the inverse of where it is in all;
/// the vertices of the skin, and how much each follows a bone; triangles of vertices.
pub(crate) struct Model {
    pub(crate) parents: Vec<Option<usize>>,
    pub(crate) relative: Vec<Matrix4<f64>>,
    pub(crate) inverse_absolute: Vec<Matrix4<f64>>,
    pub(crate) vertices: Matrix4xX<f64>,
    pub(crate) weights: DMatrix<f64>,
    pub(crate) triangles: Vec<[usize; 3]>,
}

/// Where the vertices are. `theta` is a rotation vector and a translation of the whole, then for each finger its
/// flexion and abduction at the first joint and its flexion at the others.
#[differentiable]
pub(crate) fn positions(theta: &SVector<f64, 26>, model: &Model) -> Matrix3xX<f64> {
    let mut absolute = SMatrix::<f64, 4, 88>::zeros();
    let mut transforms = SMatrix::<f64, 4, 88>::zeros();
    for (b, parent) in model.parents.iter().enumerate() {
        let (mut flexion, mut abduction) = (0.0, 0.0);
        if b > 1 && b < 21 && b % 4 != 1 {
            let joint = 6 + 4 * ((b - 1) / 4) + (b - 1) % 4;
            if b % 4 == 2 {
                flexion = theta[joint - 1];
                abduction = theta[joint];
            } else {
                flexion = theta[joint];
            }
        }
        let (sx, cx) = flexion.sin_cos();
        let (sz, cz) = abduction.sin_cos();
        #[rustfmt::skip]
        let turn = Matrix4::new(
            cz, -sz * cx,  sz * sx, 0.0,
            sz,  cz * cx, -cz * sx, 0.0,
            0.0,      sx,       cx, 0.0,
            0.0,     0.0,      0.0, 1.0,
        );
        let relative: Matrix4<f64> = model.relative[b];
        let turned = relative * turn;
        let here = match parent {
            Some(parent) => absolute.fixed_columns::<4>(4 * parent) * turned,
            None => turned,
        };
        absolute.fixed_columns_mut::<4>(4 * b).copy_from(&here);
        let back: Matrix4<f64> = model.inverse_absolute[b];
        transforms
            .fixed_columns_mut::<4>(4 * b)
            .copy_from(&(here * back));
    }

    let rotation = theta.fixed_rows::<3>(0);
    let angle = rotation.norm();
    let global = if angle < 1e-4 {
        Matrix3::identity()
    } else {
        let axis = rotation / angle;
        let (sin, cos) = angle.sin_cos();
        axis * axis.transpose() * (1.0 - cos)
            + Matrix3::identity() * cos
            + axis.cross_matrix() * sin
    };

    let vertices: &Matrix4xX<f64> = &model.vertices;
    let weights: &DMatrix<f64> = &model.weights;
    let mut positions = Matrix3xX::zeros(vertices.ncols());
    for v in 0..vertices.ncols() {
        let mut p = Vector4::zeros();
        for b in 0..BONES {
            p += transforms.fixed_columns::<4>(4 * b) * vertices.column(v) * weights[(b, v)];
        }
        positions.set_column(v, &(global * p.xyz() + theta.fixed_rows::<3>(3)));
    }
    positions
}

/// By how much chosen vertices miss the points: the simple objective.
#[jacobian(wrt(theta))]
pub(crate) fn simple(
    theta: &SVector<f64, 26>,
    model: &Model,
    vertices: &[usize],
    points: &Matrix3xX<f64>,
) -> DVector<f64> {
    let positions: Matrix3xX<f64> = positions(theta, model);
    let mut errors = DVector::zeros(3 * vertices.len());
    for (i, vertex) in vertices.iter().enumerate() {
        let error = points.column(i) - positions.column(*vertex);
        errors.fixed_rows_mut::<3>(3 * i).copy_from(&error);
    }
    errors
}

/// By how much places in chosen triangles miss the points: the complicated one.
#[jacobian(wrt(theta))]
pub(crate) fn complicated(
    theta: &SVector<f64, 26>,
    places: &[Vector2<f64>],
    model: &Model,
    triangles: &[usize],
    points: &Matrix3xX<f64>,
) -> DVector<f64> {
    let positions: Matrix3xX<f64> = positions(theta, model);
    let mut errors = DVector::zeros(3 * triangles.len());
    for (i, triangle) in triangles.iter().enumerate() {
        let [a, b, c] = model.triangles[*triangle];
        let u: Vector2<f64> = places[i];
        let (a, b, c) = (
            positions.column(a),
            positions.column(b),
            positions.column(c),
        );
        let place = a * u.x + b * u.y + c * (1.0 - u.x - u.y);
        errors
            .fixed_rows_mut::<3>(3 * i)
            .copy_from(&(points.column(i) - place));
    }
    errors
}

/// A place in a triangle.
#[jacobian(wrt(u))]
#[allow(dead_code, reason = "known by its Jacobian only")]
pub(crate) fn place(
    u: &Vector2<f64>,
    a: &Vector3<f64>,
    b: &Vector3<f64>,
    c: &Vector3<f64>,
) -> Vector3<f64> {
    a * u.x + b * u.y + c * (1.0 - u.x - u.y)
}

/// What was measured: which vertices or triangles, where these are, for triangles the places in them, and a first guess.
pub(crate) struct Problem {
    pub(crate) chosen: Vec<usize>,
    pub(crate) points: Matrix3xX<f64>,
    pub(crate) places: Option<Vec<Vector2<f64>>>,
    pub(crate) theta: SVector<f64, 26>,
}

impl Problem {
    /// The errors.
    pub(crate) fn errors(&self, model: &Model) -> DVector<f64> {
        let (theta, chosen, points) = (&self.theta, &self.chosen, &self.points);
        match &self.places {
            None => simple(theta, model, chosen, points),
            Some(places) => complicated(theta, places, model, chosen, points),
        }
    }

    /// Their Jacobian by `theta`; in front of it, for triangles, that of three errors by their own place.
    pub(crate) fn jacobian(&self, model: &Model) -> DMatrix<f64> {
        let (theta, chosen, points) = (&self.theta, &self.chosen, &self.points);
        let Some(places) = &self.places else {
            return simple_jacobian(theta, model, chosen, points);
        };
        let by_theta = complicated_jacobian(theta, places, model, chosen, points);
        let mut jacobian = by_theta.insert_columns(0, 2, 0.0);
        let positions = positions(theta, model);
        for (i, triangle) in chosen.iter().enumerate() {
            let corner = |k: usize| positions.column(model.triangles[*triangle][k]).into_owned();
            let by_place = place_jacobian(&places[i], &corner(0), &corner(1), &corner(2));
            jacobian
                .fixed_view_mut::<3, 2>(3 * i, 0)
                .copy_from(&-by_place);
        }
        jacobian
    }

    /// Reads a file of ADBench's.
    pub(crate) fn read(text: &str, with_places: bool) -> Self {
        let numbers = numbers(text);
        let n = numbers[0] as usize;
        let (measured, rest) = numbers[2..].split_at(4 * n);
        let (places, theta) = rest.split_at(if with_places { 2 * n } else { 0 });
        let places = places.chunks(2).map(Vector2::from_column_slice).collect();
        Self {
            chosen: measured.chunks(4).map(|m| m[0] as usize).collect(),
            points: Matrix3xX::from_fn(n, |i, j| measured[4 * j + 1 + i]),
            places: with_places.then_some(places),
            theta: SVector::from_column_slice(theta),
        }
    }
}

impl Model {
    /// Reads the files of ADBench's.
    pub(crate) fn read(bones: &str, vertices: &str, triangles: &str) -> Self {
        let fields = |line: &str| -> Vec<f64> {
            let words = line.split(':').filter_map(|word| word.trim().parse().ok());
            words.collect()
        };
        let bones: Vec<_> = bones
            .lines()
            .map(|line| fields(line.split_once(':').expect("a name").1))
            .collect();
        let vertices: Vec<_> = vertices.lines().map(fields).collect();
        let mut weights = DMatrix::zeros(bones.len(), vertices.len());
        for (v, fields) in vertices.iter().enumerate() {
            for follows in fields[9..].chunks_exact(2) {
                weights[(follows[0] as usize, v)] = follows[1];
            }
        }
        let triangle = |line| [0, 1, 2].map(|k| fields(line)[k] as usize);
        Self {
            parents: bones
                .iter()
                .map(|bone| (bone[0] >= 0.0).then_some(bone[0] as usize))
                .collect(),
            relative: bones
                .iter()
                .map(|bone| Matrix4::from_row_slice(&bone[1..17]))
                .collect(),
            inverse_absolute: bones
                .iter()
                .map(|bone| Matrix4::from_row_slice(&bone[17..33]))
                .collect(),
            vertices: Matrix4xX::from_fn(
                vertices.len(),
                |i, v| {
                    if i < 3 { vertices[v][i] } else { 1.0 }
                },
            ),
            weights,
            triangles: triangles.lines().map(triangle).collect(),
        }
    }
}

fn numbers(text: &str) -> Vec<f64> {
    let words = text.split_whitespace();
    words.map(|word| word.parse().expect("a number")).collect()
}

/// Errors and Jacobian against the numbers of ADBench, to 1e-10 of the larger one or of 1.
pub(crate) fn check(errors: &DVector<f64>, jacobian: &DMatrix<f64>, expected: &str) {
    let waves = |i: usize, j: usize| ((i + 1) as f64).sin() * ((j + 1) as f64).cos();
    let mut found = vec![errors.norm(), errors.sum()];
    found.push(
        errors
            .map_with_location(|i, _, e| e * ((i + 1) as f64).sin())
            .sum(),
    );
    found.extend([jacobian.norm(), jacobian.sum()]);
    found.push(jacobian.map_with_location(|i, j, e| e * waves(i, j)).sum());
    found.extend(errors.rows(0, 6).iter());
    found.extend(jacobian.column_iter().map(|column| column.norm()));
    for rows in [jacobian.rows(0, 3), jacobian.rows(jacobian.nrows() - 3, 3)] {
        found.extend(rows.transpose().iter());
    }
    let expected = numbers(expected);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let scale = found.abs().max(expected.abs()).max(1.0);
        assert!(
            (found - expected).abs() < 1e-10 * scale,
            "{found} is not {expected}"
        );
    }
}

macro_rules! file {
    ($name:literal) => {
        include_str!(concat!("data/adbench/hand/", $name, ".txt"))
    };
}

/// The model, and the inputs with what is expected of them.
pub(crate) fn problems() -> (Model, Vec<(Problem, &'static str)>) {
    let model = Model::read(file!("bones"), file!("vertices"), file!("triangles"));
    let problems = [
        (file!("simple_test"), false, file!("simple_test_expected")),
        (file!("simple_100"), false, file!("simple_100_expected")),
        (
            file!("complicated_test"),
            true,
            file!("complicated_test_expected"),
        ),
        (
            file!("complicated_100"),
            true,
            file!("complicated_100_expected"),
        ),
    ];
    let problems = problems.map(|(text, places, expected)| (Problem::read(text, places), expected));
    (model, problems.into())
}

fn main() {
    let (model, problems) = problems();
    println!("Jacobian   errors  time");
    for (problem, expected) in problems {
        let start = Instant::now();
        let errors = problem.errors(&model);
        let between = Instant::now();
        let jacobian = problem.jacobian(&model);
        let (f, j) = (between - start, between.elapsed());
        check(&errors, &jacobian, expected);
        println!(
            "{:>3} × {:<2} {f:>9.1?} {j:>9.1?}",
            jacobian.nrows(),
            jacobian.ncols()
        );
    }
}
